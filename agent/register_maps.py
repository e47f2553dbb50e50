"""The register maps that a configuration names: those that come with Hashwatt by name, others as files beside it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from agent.config.schema import Schema
from agent.problems import Problem
from drivers.meter_map import MapError, RegisterMap, known_map, known_maps, parse_map


def register_map(name: str, folder: Path) -> RegisterMap:
    """Return a map by name or file. Raises KeyError for neither, MapError for a file that cannot be used."""
    if name in known_maps():
        return known_map(name)
    try:
        text = (folder / name).read_text(encoding="utf-8")
    except FileNotFoundError:
        raise KeyError(name) from None
    except (OSError, ValueError) as error:
        raise MapError("", f"cannot be read: {getattr(error, 'strerror', None) or 'is no text'}") from None
    return parse_map(text)


def map_mistakes(schema: Schema, folder: Path, file: str) -> Iterator[Problem]:
    """Yield what is wrong with the maps of the meters that need one; the mistake in a map stands in the map's file."""
    for at, meter in enumerate(schema.meter):
        if meter.kind != "modbus" or meter.map is None:
            continue
        try:
            register_map(meter.map, folder)
        except KeyError:
            known = ", ".join(known_maps())
            yield Problem(file=file, key=f"meter.{at}.map", reason=f"{meter.map} is no file and no known map: {known}")
        except MapError as error:
            yield Problem(file=meter.map, key=error.key, reason=error.reason)
