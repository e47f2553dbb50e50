"""Every firmware that is simulated, a row each: whose machines run it, what answers on which port, how it calls itself.

A new firmware is a file with its face and a row here.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from simulators import (
    face_auradine,
    face_avalon,
    face_avalon_home,
    face_axeos,
    face_braiins,
    face_braiins_graphql,
    face_epic,
    face_luxos,
    face_mara,
    face_sealminer,
    face_stranger,
    face_vnish,
    face_whatsminer_v3,
    whatsminer_words,
)
from simulators.antminer_conf import Confs
from simulators.antminer_figures import COMPILED
from simulators.face_antminer import AntminerFace, AntminerWeb
from simulators.face_auradine import AuradineFace, AuradineWeb
from simulators.face_avalon import AvalonFace
from simulators.face_avalon_home import AvalonHomeFace
from simulators.face_axeos import AxeOsFace
from simulators.face_braiins import BraiinsFace, Core
from simulators.face_braiins_graphql import BraiinsGraphql
from simulators.face_braiins_web import BraiinsWeb
from simulators.face_cgminer import CgminerFace
from simulators.face_clones import HIVEON, MSKMINER, VNISH, CloneFace, Name
from simulators.face_epic import EpicDashboard, EpicFace
from simulators.face_luxos import LuxosFace
from simulators.face_mara import MaraWeb
from simulators.face_sealminer import SealMinerFace, SealMinerWeb
from simulators.face_stranger import StrangerFace
from simulators.face_vnish import VnishWeb
from simulators.face_whatsminer import WhatsminerFace
from simulators.face_whatsminer_old_port import OldPortFace
from simulators.face_whatsminer_v3 import WhatsminerV3Face
from simulators.machines import Machine
from simulators.physics import Physics
from simulators.web_face import WebFace
from simulators.wire import Face

API_PORT, WEB_PORT = 4028, 80


@dataclass(frozen=True, slots=True, kw_only=True)
class Faces:
    """What answers on a machine's two ports; None: nobody."""

    api: Face | None = None
    web: Face | None = None
    #: on everybody's API port where the vendor has one of its own, and the machine an address of its own
    old: Face | None = None
    #: what a machine is set to besides its level: pools, logins, network, fans; None: none of it can be changed
    settings: Callable[[Machine], object] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Footing:
    """What a face is built on: the machines, what they do, whether one obeys, and whom to tell of what it was told."""

    machines: dict[int, Machine]
    physics: Physics
    obeys: Callable[[int], bool]
    wrote: Callable[[int, str], None]

    @property
    def parts(self) -> tuple[dict[int, Machine], Physics, Callable[[int], bool], Callable[[int, str], None]]:
        """In the order in which faces take them."""
        return self.machines, self.physics, self.obeys, self.wrote


@dataclass(frozen=True, slots=True, kw_only=True)
class Firmware:
    """One firmware of one make; the first row of a make is what its machines come with."""

    make: str
    name: str
    faces: Callable[[Footing], Faces]
    version: Callable[[Machine], str]
    api_version: str
    #: pools that a machine is set to
    pools: int = 3
    #: has a web server, on its own port
    web: bool = False
    #: the vendor's own ports where they are not everybody's
    api_port: int | None = None
    web_port: int | None = None
    #: answers on everybody's API port too, where it has an address of its own
    old_port: bool = False
    #: a mix may let clients write over the API port
    may_write: bool = True
    #: sleep outlasts a new start
    sleeps_on: bool = False
    #: can be told to sleep, where its clients may write
    obeys: bool = True
    #: generations of machines that it cannot be told on
    mute_on: frozenset[str] = frozenset()


def _antminer(footing: Footing) -> Faces:
    confs = Confs()
    web = AntminerWeb(*footing.parts, confs)
    return Faces(api=AntminerFace(*footing.parts, confs), web=web, settings=confs.of)


def _cgminer(footing: Footing) -> Faces:
    return Faces(api=CgminerFace(*footing.parts))


def _whatsminer(footing: Footing) -> Faces:
    return Faces(api=WhatsminerFace(*footing.parts))


def _whatsminer_v3(footing: Footing) -> Faces:
    return Faces(api=WhatsminerV3Face(*footing.parts), old=OldPortFace(*footing.parts))


def _luxos(footing: Footing) -> Faces:
    face = LuxosFace(*footing.parts)
    return Faces(api=face, settings=face.settings)


def _vnish(footing: Footing) -> Faces:
    web = VnishWeb(*footing.parts)
    return Faces(web=web, settings=web.settings)


def _always(version: str) -> Callable[[Machine], str]:
    return lambda _machine: version


def _braiins(footing: Footing) -> Faces:
    core = Core(*footing.parts)
    graphql = BraiinsGraphql(core, face_braiins.VERSION)
    return Faces(api=BraiinsFace(core), web=BraiinsWeb(core, graphql.answer))


def _braiins_before_rest(footing: Footing) -> Faces:
    core = Core(*footing.parts)
    return Faces(api=BraiinsFace(core), web=BraiinsWeb(core, BraiinsGraphql(core).answer, rest=False))


def _old_braiins(footing: Footing) -> Faces:
    return Faces(api=BraiinsFace(Core(*footing.parts)))


def _auradine(footing: Footing) -> Faces:
    core = face_auradine.Core(footing.physics)
    web = AuradineWeb(core, footing.machines, footing.obeys, footing.wrote)
    return Faces(api=AuradineFace(core, footing.machines), web=web)


def _mara(footing: Footing) -> Faces:
    web = MaraWeb(*footing.parts)
    return Faces(api=CloneFace(face_mara.NAME, *footing.parts), web=web, settings=web.settings)


def _avalon(footing: Footing) -> Faces:
    return Faces(api=AvalonFace(*footing.parts))


def _avalon_home(footing: Footing) -> Faces:
    return Faces(api=AvalonHomeFace(*footing.parts))


def _axeos(footing: Footing) -> Faces:
    web = AxeOsFace(*footing.parts)
    return Faces(web=web, settings=web.settings)


def _epic(footing: Footing) -> Faces:
    face = EpicFace(*footing.parts)
    return Faces(api=face, web=EpicDashboard(*footing.parts), settings=face.settings)


def _stranger(footing: Footing) -> Faces:
    return Faces(api=StrangerFace(*footing.parts))


def _sealminer(footing: Footing) -> Faces:
    api = SealMinerFace(*footing.parts)
    return Faces(api=api, web=SealMinerWeb(*footing.parts, api))


def _clone(name: Name) -> Callable[[Footing], Faces]:
    """Return an API port, and beside it pages of which none is known here."""
    return lambda footing: Faces(api=CloneFace(name, *footing.parts), web=WebFace(*footing.parts))


def _whatsminer_version(_machine: Machine) -> str:
    return whatsminer_words.FIRMWARE


FIRMWARES = (
    Firmware(
        make="Antminer",
        name="stock",
        faces=_antminer,
        version=lambda machine: COMPILED[machine.row.generation],
        api_version="3.1",
        web=True,
        may_write=False,
        sleeps_on=True,
        mute_on=frozenset({"X9"}),
    ),
    Firmware(
        make="Antminer",
        name="luxos",
        faces=_luxos,
        version=lambda _: face_luxos.VERSION,
        api_version=face_luxos.API,
        may_write=False,
        sleeps_on=True,
    ),
    Firmware(
        make="Antminer",
        name="vnish",
        faces=_vnish,
        version=lambda _: face_vnish.VERSION,
        api_version=face_vnish.API,
        web=True,
        may_write=False,
        sleeps_on=True,
    ),
    Firmware(
        make="Antminer",
        name="epic",
        faces=_epic,
        version=lambda _: face_epic.VERSION,
        api_version=face_epic.API,
        web=True,
        may_write=False,
        sleeps_on=True,
    ),
    Firmware(
        make="Antminer",
        name="mara",
        faces=_mara,
        version=lambda _: face_mara.VERSION,
        api_version=face_mara.API,
        web=True,
        may_write=False,
        sleeps_on=True,
    ),
    *(
        Firmware(
            make="Antminer",
            name=name,
            faces=faces,
            version=_always(version),
            api_version=face_braiins.API,
            web=faces is not _old_braiins,
            may_write=False,
        )
        for name, faces, version in (
            ("braiins", _braiins, face_braiins.VERSION),
            ("braiins-graphql", _braiins_before_rest, face_braiins_graphql.VERSION),
            ("braiins-old", _old_braiins, face_braiins.VERSION),
        )
    ),
    *(
        Firmware(
            make="Antminer",
            name=name,
            faces=_clone(clone),
            version=lambda machine: COMPILED[machine.row.generation],
            api_version="3.1",
            web=True,
            may_write=False,
            obeys=False,
        )
        for name, clone in (("vnish-old", VNISH), ("hiveon", HIVEON), ("mskminer", MSKMINER))
    ),
    Firmware(
        make="Avalon",
        name="stock",
        faces=_avalon,
        version=lambda _: face_avalon.VERSION,
        api_version=face_avalon.API,
        may_write=False,
    ),
    Firmware(
        make="AvalonHome",
        name="home",
        faces=_avalon_home,
        version=lambda _: face_avalon_home.VERSION,
        api_version=face_avalon.API,
        may_write=False,
    ),
    Firmware(
        make="Auradine",
        name="fluxos",
        faces=_auradine,
        version=lambda _: face_auradine.VERSION,
        api_version=face_auradine.API,
        web=True,
        web_port=face_auradine.PORT,
        may_write=False,
    ),
    Firmware(
        make="SealMiner",
        name="stock",
        faces=_sealminer,
        version=lambda _: face_sealminer.VERSION,
        api_version=face_sealminer.API,
        web=True,
        may_write=False,
    ),
    Firmware(
        make="Bitaxe",
        name="axeos",
        faces=_axeos,
        version=lambda _: face_axeos.VERSION,
        api_version=face_axeos.API,
        pools=2,
        web=True,
        may_write=False,
    ),
    Firmware(
        make="NerdAxe",
        name="nerdaxe",
        faces=_axeos,
        version=lambda _: face_axeos.NERD_VERSION,
        api_version=face_axeos.API,
        pools=2,
        web=True,
        may_write=False,
    ),
    Firmware(
        make="WhatsMiner",
        name="whatsminer",
        faces=_whatsminer,
        version=_whatsminer_version,
        api_version=whatsminer_words.API,
        pools=2,
    ),
    Firmware(
        make="WhatsMiner",
        name="whatsminer-v3",
        faces=_whatsminer_v3,
        version=lambda _: face_whatsminer_v3.FIRMWARE,
        api_version=face_whatsminer_v3.API,
        pools=2,
        api_port=face_whatsminer_v3.PORT,
        old_port=True,
    ),
    Firmware(
        make="WhatsMiner",
        name="stranger",
        faces=_stranger,
        version=lambda _: face_stranger.VERSION,
        api_version=face_stranger.API,
        pools=face_stranger.POOLS,
        may_write=False,
        obeys=False,
    ),
    *(
        Firmware(
            make="WhatsMiner",
            name=program,
            faces=_cgminer,
            version=_whatsminer_version,
            api_version=whatsminer_words.API,
            pools=2,
        )
        for program in ("cgminer", "bfgminer")
    ),
)


def firmware_names(make: str) -> tuple[str, ...]:
    """Return what runs on a make's machines, what they come with first."""
    return tuple(row.name for row in FIRMWARES if row.make == make)


def firmware_of(make: str, name: str) -> Firmware:
    """Return the row of a firmware; KeyError where the make has none of that name."""
    return _BY_NAME[make, name]


def can_be_told(machine: Machine) -> bool:
    """Whether a machine can be told to sleep by clients that may write."""
    firmware = firmware_of(machine.make, machine.firmware)
    return firmware.obeys and machine.row.generation not in firmware.mute_on


_BY_NAME = {(row.make, row.name): row for row in FIRMWARES}
