"""`miners import`: a file of ours or of another program's, told in words first, then written where wanted."""

from __future__ import annotations

import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from agent.cli.failure import NO, USAGE, Failure
from agent.cli.show import as_json, plain

if TYPE_CHECKING:  # what a help page needs not
    from agent.config import Config
    from agent.inventory.file import Sheet
    from agent.inventory.importing import Changed, Import, Told

MOST_SHOWN = 40
_OF_GROUP = ("feeder", "driver", "credentials", "intended", "priority", "model")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Target:
    """Where the inventory goes, and whether it is all of it or the one file that the configuration names."""

    file: Path | None
    csv: str | None  # that file as the configuration names it


def import_(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="CSV with headings, or TOML.", show_default=False)],
    config: Annotated[Path, typer.Option(metavar="FILE", help="The configuration.")] = Path("farm.toml"),
    output: Annotated[
        Path | None, typer.Option("-o", "--output", metavar="FILE", help="Write the whole inventory here.")
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Write the configuration's own csv.")] = False,
    as_json_: Annotated[bool, typer.Option("--json", help="Print what would be done as JSON.")] = False,
) -> None:
    """Say what a file would add to the inventory and change in it, and what stands against it; --yes or -o writes it.

    A machine is known by MAC, then serial, then id. Nobody is taken out. The agent reads what is written at SIGHUP.
    """
    told = _config(config)
    sheet = _sheet(file)
    target = _target(told, output)
    if yes and target.file is None:
        raise Failure(USAGE, f"{config} names no csv, or several: -o FILE says where the inventory goes")
    found = _planned(told, sheet, target, config)
    wanted = yes or output is not None
    written = target.file if wanted and not found.conflicts else None
    if written is not None:
        _write(written, _text(told, found, target))
    if as_json_:
        as_json(_json(found, sheet, written))
    else:
        _say(found, sheet, by_line=file.suffix.lower() != ".toml")
        print(_end(found, written, wanted=wanted))
    if found.conflicts:
        raise typer.Exit(NO)


def _config(file: Path) -> Config:
    from agent.config import ConfigError, load  # noqa: PLC0415 - pydantic is not for every command

    try:
        return load(file)
    except ConfigError as error:
        for problem in error.problems:
            print(problem, file=sys.stderr)
        raise typer.Exit(USAGE) from None


def _sheet(file: Path) -> Sheet:
    from agent.inventory.file import read  # noqa: PLC0415

    try:
        return read(file.read_text(encoding="utf-8"), is_toml=file.suffix.lower() == ".toml")
    except (OSError, ValueError) as error:
        raise Failure(USAGE, f"{file.name}: {getattr(error, 'strerror', None) or error}") from None


def _target(config: Config, output: Path | None) -> _Target:
    files = [group.csv for group in config.schema.miners if group.csv is not None]
    if output is None and len(files) == 1:
        return _Target(file=config.folder / files[0], csv=files[0])
    return _Target(file=output, csv=None)


def _planned(config: Config, sheet: Sheet, target: _Target, file: Path) -> Import:
    from agent.inventory.importing import Conflict, plan  # noqa: PLC0415
    from agent.inventory.inventory import columns_of, own_mistakes  # noqa: PLC0415

    found = plan(
        [columns_of(entry) for entry in config.miners], sheet.rows, lambda row: own_mistakes(row, config.schema)
    )
    found.conflicts += [Conflict(row=row, reason=reason) for row, reason in sheet.mistakes]
    if target.csv is not None:
        listed = {entry.id for entry in config.miners if entry.file is None}
        found.conflicts += [
            Conflict(
                row=one.row,
                reason=f"{one.id} stands in the hosts of {file.name}, which hold no more than addresses: "
                "-o FILE writes the whole inventory as one file",
            )
            for one in found.changed
            if one.id in listed
        ]
    found.conflicts.sort(key=lambda conflict: conflict.row)
    return found


def _text(config: Config, found: Import, target: _Target) -> str:
    from agent.inventory.file import as_csv, as_toml  # noqa: PLC0415

    if target.csv is None:
        to_toml = target.file is not None and target.file.suffix.lower() == ".toml"
        return as_toml(found.machines) if to_toml else as_csv(found.machines)
    listed = {entry.id for entry in config.miners if entry.file is None}
    usual = _usual(config, target.csv)
    rows = (machine for machine in found.machines if machine["id"] not in listed)
    return as_csv({name: value for name, value in row.items() if usual.get(name) != value} for row in rows)


def _usual(config: Config, csv: str) -> Told:
    """Return what the group of an inventory file says for its rows: they need not say it."""
    group = next(group for group in config.schema.miners if group.csv == csv)
    told: dict[str, Any] = {name: getattr(group, name) for name in _OF_GROUP}
    told |= {"tags": ";".join(group.tags), "port": group.ports.get("cgminer"), "http_port": group.ports.get("http")}
    return {name: str(value) for name, value in told.items() if value is not None}


def _write(file: Path, text: str) -> None:
    """Write a file whole or not at all."""
    beside = file.with_name(f".{file.name}.new")
    try:
        beside.write_text(text, encoding="utf-8")
        beside.replace(file)
    except OSError as error:
        raise Failure(USAGE, f"{file}: {error.strerror or error}") from None


def _json(found: Import, sheet: Sheet, written: Path | None) -> dict[str, Any]:
    return {
        "added": [{"row": one.row, "miner": one.told} for one in found.added],
        "changed": [asdict(one) for one in found.changed],
        "conflicts": [asdict(one) for one in found.conflicts],
        "unchanged": found.unchanged,
        "absent": found.absent,
        "columns_left_out": sheet.left_out,
        "written": None if written is None else str(written),
    }


def _say(found: Import, sheet: Sheet, *, by_line: bool) -> None:
    where = "line" if by_line else "miner"
    added = [f"add       {where} {one.row}: {_machine(one.told)}" for one in found.added]
    changed = [f"change    {where} {one.row}: {_change(one)}" for one in found.changed]
    conflicts = [f"conflict  {where} {one.row}: {one.reason}" for one in found.conflicts]
    for lines in (added, changed, conflicts):
        for line in lines[:MOST_SHOWN]:
            print(plain(line))
        if len(lines) > MOST_SHOWN:
            print(f"          … and {len(lines) - MOST_SHOWN} more: --json shows all")
    if sheet.left_out:
        print(plain(f"left out: the columns {', '.join(sheet.left_out)}"))
    print(
        f"{len(found.added)} would be added, {len(found.changed)} changed, {found.unchanged} are as they are, "
        f"{found.absent} of the inventory are not in the file and stay; {len(found.conflicts)} conflicts"
    )


def _machine(told: Told) -> str:
    marks = (f"{name.upper() if name == 'mac' else name} {told[name]}" for name in ("mac", "serial") if name in told)
    return ", ".join([f"{told['id']} at {told['host']}", *marks])


def _change(one: Changed) -> str:
    changes = (f"{name} {before or 'none'} becomes {after}" for name, (before, after) in one.changes.items())
    kept = "" if one.other_id is None else f" (it keeps its id; the file says {one.other_id})"
    return f"{one.id}, known by its {'MAC' if one.by == 'mac' else one.by}: {', '.join(changes)}{kept}"


def _end(found: Import, written: Path | None, *, wanted: bool) -> str:
    if found.conflicts:
        return "nothing was written: a file with conflicts is not taken"
    if written is not None:
        return f"written: {written}; a running agent reads its inventory at SIGHUP"
    return "nothing was written" if wanted else "this was a dry run; --yes or -o FILE writes it"
