"""Where a client sees something else than is true of a simulated machine, and why that is its own.

A reason is by what it goes by: a model, a firmware or a make, and a field; "*" stands for all fields but the identity.
"""

from dataclasses import dataclass, field

WHOLE = {"power": 0.5}
"""By how much a figure may differ at least: some clients round to whole watts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Client:
    """One client: what runs it, how it spells models, what it does not see, and what it sees otherwise."""

    name: str
    script: str
    untold: dict[tuple[str, str], str]
    misread: dict[tuple[str, str], str]
    spelled: dict[str, str] = field(default_factory=dict)
    leaves_out: tuple[str, ...] = ("Antminer ", "Bitaxe ", "Teraflux ")
    closed_up: bool = False

    def why(self, true, what, *, unseen):
        """Return why it sees this differently, or does not see it; nothing where it has no reason to."""
        keys = [(true[by], name) for name in (what, "*") for by in ("model", "firmware", "make")]
        if what == "identity":
            keys = keys[:3]
        reasons = self.untold | self.misread if unseen else self.misread
        return next((reasons[key] for key in keys if key in reasons), "")

    def name_of(self, model):
        """Return how it spells a model."""
        if model in self.spelled:
            return self.spelled[model]
        bare = next((model.removeprefix(name) for name in self.leaves_out if model.startswith(name)), model)
        return bare.replace(" ", "").replace("+", "Plus") if self.closed_up else bare

    def model_of(self, seen):
        """Return the model alone: both append a WhatsMiner's hardware version."""
        name = seen["model"] or ""
        if seen["make"] not in {"WhatsMiner", "Whatsminer"}:
            return name
        at = name.rfind("V")
        return name[:at].rstrip() if at > 0 else name


def many(keys, fields, why):
    """Return one reason for several."""
    return {(key, name): why for key in keys for name in fields}


BOARDS = ("boards", "board rates", "chips")
NO_WATTS = "its firmware says no watts"
NO_SENSOR = "its firmware has no sensor there, or does not say which"
NO_SERIAL = "an older page has no serial number, or it is asked for none"
PLAIN = "pyasic asks it for none"
GRPC = "pyasic asks it over gRPC, which no simulated machine has"
PYASIC = Client(
    name="pyasic",
    script="client.py",
    spelled={"Avalon Q": "Avalon Q Home"},
    untold={
        **many(("Antminer",), ("power",), NO_WATTS),
        **many(("Antminer", "Auradine", "Bitaxe", "NerdAxe", "SealMiner"), ("inlet",), NO_SENSOR),
        **many(("Antminer", "Auradine", "Bitaxe"), ("serial",), NO_SERIAL),
        ("Antminer S9", "mac"): "pyasic asks an S9's API port alone, which has no MAC",
        ("whatsminer", "api version"): "pyasic takes rpc_ver from the answer, the machine says api_ver",
        **many(("mara", "epic", "Auradine"), ("api version",), PLAIN),
        **many(("whatsminer-v3",), ("pools", "worker"), "pyasic looks for them in the summary"),
        **many(("Auradine", "Bitaxe"), ("pools", "worker"), PLAIN),
        ("Auradine", "chips"): PLAIN,
        **many(("NerdQAxe++", "SealMiner A2"), ("identity",), "pyasic knows none of this make"),
        ("luxos", "mac"): "pyasic gives up before it reads it",
        **many(("braiins", "braiins-graphql", "braiins-old"), ("mac", "firmware", "serial", *BOARDS), GRPC),
        **many(("braiins", "braiins-graphql", "braiins-old"), ("fans", "fan speed", "pools", "worker"), GRPC),
        ("vnish-old", "mac"): "pyasic asks a page for it, which the simulated machine has not",
        **many(("vnish-old",), BOARDS, "pyasic looks for the boards of an S9"),
        ("hiveon", "mac"): "pyasic asks a page for it, which the simulated machine has not",
        ("mskminer", "identity"): "pyasic asks its page too, which the simulated machine has not",
    },
    misread={
        ("Antminer S17 Pro", "firmware"): "pyasic knows the program as CGMiner alone, later ones are BMMiner",
        ("Antminer S17 Pro", "fan speed"): "pyasic reads fans 3 to 6 of an S17, the machines number them 1 to 4",
        ("Bitaxe", "api version"): "pyasic takes the firmware's version for the API's",
        ("epic", "pools"): "pyasic takes the pool in use for all of them",
        **many(("1346", "1466"), ("model", "*"), "pyasic has no such Avalon, and reads what cgminer alone tells"),
        ("Avalon Q", "mac"): "pyasic puts colons into a MAC that has them",
        ("Avalon Q", "*"): "pyasic looks for the firmware of farms' machines, for WALLPOWER, and two fans",
        **many(("vnish",), ("identity", "*"), "pyasic asks the API port besides, which the simulated machine has not"),
    },
)
"""pyasic, in Python."""

PAGE = "pyasic-rs takes the model from its page, which the simulated machine has not"
PYASIC_RS = Client(
    name="pyasic-rs",
    script="client_rs.py",
    closed_up=True,
    spelled={"1466": "Avalon1466", "Avalon Q": "AvalonHomeQ", "NerdQAxe++": "NerdQAxe", "SealMiner A2": "A2"},
    untold={
        **many(("Antminer",), ("power",), NO_WATTS),
        **many(("Antminer", "Auradine", "Bitaxe", "NerdAxe"), ("inlet",), NO_SENSOR),
        **many(("SealMiner", "Avalon", "AvalonHome"), ("inlet",), NO_SENSOR),
        **many(("Antminer", "Bitaxe", "NerdAxe"), ("serial",), NO_SERIAL),
        **many(("Antminer S9",), ("fans", "fan speed", *BOARDS), "pyasic-rs asks a page for them that an S9 has not"),
        ("WhatsMiner", "serial"): "pyasic-rs asks a WhatsMiner for none",
        **many(("Bitaxe", "NerdAxe"), ("pools", "worker"), "pyasic-rs asks some versions for none"),
        **many(("SealMiner",), ("hashrate", "board rates", "boards"), "pyasic-rs reads no present rate of it"),
        ("vnish", "chips"): "pyasic-rs counts them from a page that is not simulated",
        **many(("braiins-graphql",), ("mac", "pools", "worker"), "pyasic-rs asks pages of old that are not simulated"),
        ("braiins-old", "identity"): "pyasic-rs asks GraphQL, which the oldest have not",
        **many(("vnish-old", "hiveon", "mskminer"), ("identity",), PAGE),
    },
    misread={
        **many(("Antminer S19 XP", "Antminer S21", "Antminer T21"), ("firmware",), "pyasic-rs takes the page's name"),
        **many(("AvalonHome",), ("serial", "firmware"), "pyasic-rs looks for what farms' machines name it"),
        ("Avalon Q", "power"): "pyasic-rs takes the watts that its supply gives for those that it draws",
        **many(("1466",), ("power", "chips"), "pyasic-rs takes the watts that its supply gives, and counts no chips"),
        **many(("1346",), ("*",), "pyasic-rs has no such Avalon, and finds no boards or fans of it"),
        **many(("Bitaxe", "NerdAxe"), ("api version",), "pyasic-rs takes the firmware's version for the API's"),
        ("NerdQAxe++", "fans"): "pyasic-rs takes it for the model before, which has one",
        ("Auradine", "errors"): "pyasic-rs takes its state for a message",
        ("vnish", "api version"): "pyasic-rs takes the firmware's version for the API's",
        **many(("vnish",), ("pools", "worker"), "pyasic-rs counts the firmware's own fee as a pool"),
        **many(("epic",), ("firmware", "api version", "pools"), "pyasic-rs takes the program's whole name"),
        ("mara", "hashrate"): "pyasic-rs reads TH/s for GH/s",
        ("mara", "errors"): "pyasic-rs takes what is only told for an error",
        **many(("mara", "braiins"), ("api version",), "pyasic-rs takes the page's version, the farm names the port's"),
    },
)
"""asic-rs, in Rust, by its Python package."""
