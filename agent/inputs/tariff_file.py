"""A tariff's file: TOML to a `Tariff`, or every mistake in it with file, key and reason.

A file may begin with a pack: its own components come first, those that the pack knows by name replace what they name
of them, so that each figure of a pack can be overridden; one of another kind replaces the pack's whole.
JSON is an OpenEI URDB record: `urdb.py`.
"""

from __future__ import annotations

import difflib
import functools
import tomllib
from collections.abc import Iterable
from dataclasses import fields, is_dataclass, replace
from datetime import date
from decimal import Decimal
from pathlib import Path
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints
from zoneinfo import available_timezones

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from agent.inputs.tariff_beside import beside, record_beneath
from agent.inputs.urdb import parse_urdb
from agent.problems import ConfigError, Problem
from agent.tariffs.figures import Dated, Figure
from agent.tariffs.kinds import KINDS, Component
from agent.tariffs.owners import OwnerRule
from agent.tariffs.schedule import Purchases
from agent.tariffs.series import Prices
from agent.tariffs.settling import AS_IT_IS, Settling
from agent.tariffs.tariff import Tariff

PACKS = Path(__file__).parent.parent / "packs"
_TYPES = {
    Dated.__name__: "must be a figure or a list of them",
    Figure.__name__: "must be a figure or a list of them",
    Prices.__name__: "must name a CSV of prices beside the tariff",
    Purchases.__name__: "must name a CSV of what was bought beside the tariff",
}
SETTLED = frozenset(field.name for field in fields(Settling))
"""What any component's table may say beside its own keys."""
_DayKind = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun", "holiday"]
_IN_WORDS = {
    "missing": "is required",
    "bool_type": "must be true or false",
    "int_type": "must be a whole number",
    "int_from_float": "must be a whole number",
    "int_parsing": "must be a whole number",
    "string_pattern_mismatch": "must be an ISO 4217 code such as KGS",
    "string_type": "must be text",
    "tuple_type": "must be a list",
    "list_type": "must be a list",
    "dict_type": "must be a table",
    "decimal_type": 'must be a decimal number such as "6.06"',
    "decimal_parsing": 'must be a decimal number such as "6.06"',
    "finite_number": "must be a finite number",
    "date_parsing": "must be a date such as 2026-01-01",
    "date_from_datetime_parsing": "must be a date such as 2026-01-01",
    "date_type": "must be a date such as 2026-01-01",
}
_zones = functools.cache(available_timezones)  # looking through the host's files for them costs 6 ms each time


def _zone(told: str) -> str:
    if told not in _zones():
        raise ValueError("must be an IANA time zone such as Asia/Bishkek")
    return told


Zone = Annotated[str, AfterValidator(_zone)]
Currency = Annotated[str, Field(pattern=r"^[A-Z]{3}$")]


class _Class(BaseModel):
    model_config = ConfigDict(extra="forbid")

    name: str
    needs: list[str] = []
    notes: list[str] = []
    component: list[dict[str, Any]]
    stop: list[dict[str, Any]] = []
    due: list[dict[str, Any]] = []
    auction: dict[str, Any] = {}


class _Pack(BaseModel):
    model_config = ConfigDict(extra="forbid")

    name: str
    currency: Currency
    zone: Zone | None = None
    classes: dict[str, _Class]


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid")

    name: str | None = None
    currency: Currency | None = None
    zone: Zone | None = None
    digits: Annotated[int, Field(strict=True, ge=0, le=9)] | None = None
    days: dict[date, _DayKind] = {}
    pack: str | None = None
    urdb: str | None = None
    class_: Annotated[str | None, Field(alias="class")] = None
    fx: dict[str, Any] = {}
    notes: list[str] = []
    component: list[dict[str, Any]] = []
    owner: list[dict[str, Any]] = []


_ALL_KW = 10**9
_FILE_KEYS = frozenset(field.alias or name for name, field in _File.model_fields.items())


def read_tariff(
    path: Path, *, currency: str | None = None, zone: str | None = None, zone_else: str | None = None
) -> Tariff:
    """Read a tariff's file; `currency` and `zone_else` are of a file which names none, `zone` goes before its own.

    Files that it names stand beside it, and their times are of that zone. Raises ConfigError.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, ValueError) as error:
        raise _bad(path.name, "", f"cannot be read: {getattr(error, 'strerror', None) or error}") from None
    return parse_tariff(text, file=path.name, currency=currency, zone=zone, zone_else=zone_else, folder=path.parent)


def parse_tariff(
    text: str,
    *,
    file: str = "tariff.toml",
    currency: str | None = None,
    zone: str | None = None,
    zone_else: str | None = None,
    folder: Path | None = None,
) -> Tariff:
    """Return the tariff that a text is, as `read_tariff` does. Raises ConfigError."""
    if text.lstrip().startswith("{") or text.lstrip().startswith("[{"):
        return parse_urdb(text, file=file, currency=currency)
    try:
        told = tomllib.loads(text, parse_float=Decimal)
    except (ValueError, RecursionError) as error:
        raise _bad(file, "", f"is no TOML: {error}") from None
    try:
        head = _File.model_validate(told)
    except ValidationError as error:
        raise ConfigError([_problem(problem, file, (), _FILE_KEYS) for problem in _mistakes(error)]) from None
    if head.pack is not None and head.urdb is not None:
        raise _bad(file, "urdb", "a tariff begins with a pack or with a record, and not with both")
    if head.pack is not None:
        head = _on_pack(head, head.pack, file)
    elif head.class_ is not None:
        raise _bad(file, "class", "is a class of a pack, and no pack is named")
    beneath = record_beneath(head.urdb, file, folder, head.currency or currency)
    update = {
        "currency": (beneath.currency if beneath is not None else head.currency) or currency,
        "component": beside(head.component, file, folder, zone or head.zone or zone_else),
    }
    return _tariff(head.model_copy(update=update), file, beneath)


def read_pack(jurisdiction: str, tariff_class: str | None = None, *, needed: dict[str, Any] | None = None) -> Tariff:
    """Return a pack's own tariff; its only class may go unnamed.

    `needed` is the figure of a kWh of what the pack needs and does not know, and lets all that is drawn be authorised;
    without it such a pack is none. Raises ConfigError.
    """
    head = _File.model_validate({"pack": jurisdiction, "class": tariff_class})
    return _tariff(_on_pack(head, jurisdiction, "pack", needed), f"pack {jurisdiction}")


def _on_pack(head: _File, jurisdiction: str, file: str, needed: dict[str, Any] | None = None) -> _File:
    """Return the file with what it does not say itself taken from its pack."""
    known = sorted(path.stem for path in PACKS.glob("*.toml"))
    if jurisdiction not in known:
        raise _bad(file, "pack", f"must be {_one_of(known)}")
    pack = _Pack.model_validate(tomllib.loads((PACKS / f"{jurisdiction}.toml").read_text(encoding="utf-8")))
    wanted = head.class_ or (next(iter(pack.classes)) if len(pack.classes) == 1 else "")
    if wanted not in pack.classes:
        raise _bad(file, "class", f"must be {_one_of(pack.classes)}")
    names = [component.get("name") for component in head.component]
    for name in names:
        if names.count(name) > 1:
            raise _bad(file, "component", f"{name}: two components have this name")
    chosen = pack.classes[wanted]
    told = [] if needed is None else [{"kind": "flat", "name": name, "per_kwh": needed} for name in chosen.needs]
    components = _laid_over(chosen.component, [*head.component, *told])
    notes = [*chosen.notes, *head.notes]
    if needed is not None and (open_ := [one for one in components if one["kind"] == "authorised_energy"]):
        components = [one | {"kw": one.get("kw", _ALL_KW)} if one in open_ else one for one in components]
        notes.append("all that is drawn is taken to be authorised: a tariff's file says how much is, as kw of energy")
    for name in chosen.needs:
        if all(component.get("name") != name for component in components):
            raise _bad(file, "component", f"needs one named {name}: the pack {jurisdiction} has no figure for it")
    said = {
        "name": head.name or chosen.name,
        "currency": head.currency or pack.currency,
        "zone": head.zone or pack.zone,
        "notes": notes,
    }
    return head.model_copy(update={**said, "component": components})


def _laid_over(pack: list[dict[str, Any]], own: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the file's new components, then the pack's with what the file says of them by name."""
    names = [component["name"] for component in pack]
    said = {component["name"]: component for component in own if component.get("name") in names}
    new = [component for component in own if component.get("name") not in names]
    return [*new, *(_over(component, said.get(component["name"], {})) for component in pack)]


def _over(component: dict[str, Any], said: dict[str, Any]) -> dict[str, Any]:
    """Return a pack's component with what is said of it; one that is said to be of another kind is another."""
    return component | said if said.get("kind", component["kind"]) == component["kind"] else said


def _tariff(head: _File, file: str, beneath: Tariff | None = None) -> Tariff:
    problems: list[Problem] = []
    if head.currency is None:
        problems.append(Problem(file=file, key="currency", reason="is required"))
    if not head.component and beneath is None:
        problems.append(Problem(file=file, key="component", reason="needs at least one"))
    settlings: dict[str, Settling] = {}
    components: list[Component] = []
    for at, told in enumerate(head.component):
        where = _where(at, told)
        own = {key: value for key, value in told.items() if key not in SETTLED}
        rest = {key: value for key, value in told.items() if key in SETTLED}
        found = _component(where, own, file, problems)
        settling: Settling | None = _read(_adapter(Settling), Settling, where, rest, file, problems)
        if found is not None and settling is not None:
            components.append(found)
            settlings[found.name] = settling
    fx = _rates(head.fx, head.currency, file, problems)
    owners = [
        _read(_adapter(OwnerRule), OwnerRule, ("owner", str(told.get("name", at))), told, file, problems)
        for at, told in enumerate(head.owner)
    ]
    if problems or head.currency is None:
        raise ConfigError(problems)
    first = beneath or Tariff(currency=head.currency, components=())
    said = {name: one for name, one in settlings.items() if one != AS_IT_IS}
    try:
        return replace(
            first,
            name=head.name or first.name,
            zone=head.zone,
            digits=head.digits,
            days=head.days,
            components=(*first.components, *components),
            settlings={**first.settlings, **said},
            fx=fx,
            notes=(*first.notes, *head.notes),
            owners=tuple(owners),
        )
    except ValueError as error:
        raise _bad(file, "component", str(error)) from None


Where = tuple[str | int, ...]
"""Where in the file a table stands."""


def _where(at: int, told: dict[str, Any]) -> Where:
    name = told.get("name")
    return ("component", name if isinstance(name, str) and name else at)


def _component(where: Where, told: dict[str, Any], file: str, problems: list[Problem]) -> Component | None:
    """Return the component that a table is, or None with its mistakes added to `problems`."""
    kind = told.get("kind")
    if not isinstance(kind, str) or kind not in KINDS:
        reason = f"must be {_one_of(KINDS)}" if "kind" in told else f"is required: {_one_of(KINDS)}"
        problems.append(Problem(file=file, key=_key((*where, "kind")), reason=reason))
        return None
    found: Component | None = _read(_adapter_of(kind), KINDS[kind], where, told, file, problems)
    return found


@functools.cache
def _adapter_of(kind: str) -> TypeAdapter[Component]:
    """Return what reads a kind of component."""
    return TypeAdapter(KINDS[kind])


@functools.cache
def _adapter(shape: Any) -> TypeAdapter[Any]:
    """Return what reads a shape; it takes a while to make, and most starts want few."""
    return TypeAdapter(shape)


def _read(adapter: TypeAdapter[Any], shape: Any, where: Where, told: Any, file: str, problems: list[Problem]) -> Any:
    """Return what a table is by the rules of a shape, or None with its mistakes added to `problems`."""
    try:
        return adapter.validate_python(_dated(told, shape))
    except ValidationError as error:
        known = _keys(shape)
        problems += (_problem(problem, file, where, known) for problem in _mistakes(error))
        return None


def _rates(told: dict[str, Any], currency: str | None, file: str, problems: list[Problem]) -> dict[str, Dated]:
    """Return by currency what one unit of it costs in the tariff's; `told` has pairs such as USD/KZT."""
    found: dict[str, Dated] = {}
    for pair, rate in told.items():
        foreign, _, own = pair.partition("/")
        if len(foreign) != 3 or own != currency:
            problems.append(Problem(file=file, key=f"fx.{pair}", reason=f"must be a pair such as USD/{currency}"))
            continue
        read: Dated | None = _read(_adapter(Dated), Dated, ("fx", pair), rate, file, problems)
        if read is not None:
            found[foreign] = read
    return found


def _dated(told: Any, shape: Any) -> Any:
    """Write each figure that stands for all time, and each list of dated ones, as what holds them."""
    shape = _sure(shape)
    if shape is Dated:
        return _figures(told)
    if isinstance(told, dict) and is_dataclass(shape):
        hints = {name.removesuffix("_"): hint for name, hint in get_type_hints(shape).items()}
        return {key: _dated(value, hints.get(key)) for key, value in told.items()}
    if isinstance(told, list) and get_origin(shape) is tuple:
        return [_dated(value, get_args(shape)[0]) for value in told]
    if shape in {bool, int} and type(told) is not shape:
        return None if shape is bool else ""  # a flag is never text, nor a number one; what is none may be left out
    return told


def _sure(shape: Any) -> Any:
    """Return what a shape is where it is not None."""
    if get_origin(shape) in {Union, UnionType}:
        return next(part for part in get_args(shape) if part is not NoneType)
    return shape


def _figures(told: Any) -> Any:
    match told:
        case bool():
            return told
        case str() | int() | Decimal():
            return {"figures": [{"value": told}]}
        case dict():
            return {"figures": [_dated(told, Figure)]}
        case list():
            return {"figures": [_dated(figure, Figure) for figure in told]}
        case _:
            return told


def _keys(shape: Any) -> frozenset[str]:
    """Return every key that a component's table and the tables in it may have."""
    if is_dataclass(shape):
        own = {field.name.removesuffix("_") for field in fields(shape)}
        return frozenset(own).union(*(_keys(hint) for hint in get_type_hints(shape).values()))
    return frozenset[str]().union(*(_keys(part) for part in get_args(shape)))


def _mistakes(error: ValidationError) -> list[Any]:
    return list(error.errors(include_url=False, include_input=False))


def _problem(told: Any, file: str, where: tuple[str | int, ...], known: Iterable[str]) -> Problem:
    place = (*where, *(part for part in told["loc"] if part not in {"figures", "[key]"}))
    return Problem(file=file, key=_key(place), reason=_reason(told, known))


def _reason(told: Any, known: Iterable[str]) -> str:
    """Return the sentence about one mistake that pydantic found."""
    context = told.get("ctx", {})
    match told["type"]:
        case "unexpected_keyword_argument" | "extra_forbidden":
            near = difflib.get_close_matches(str(told["loc"][-1]), sorted(known), n=1, cutoff=0.7)
            return f"is no known key; did you mean {near[0]}?" if near else "is no known key"
        case "dataclass_type":
            return _TYPES.get(context["class_name"], "must be a table")
        case "literal_error":
            return f"must be {context['expected']}"
        case "greater_than_equal" | "less_than_equal" as bound:
            return f"must be at {'least' if bound.startswith('greater') else 'most'} {next(iter(context.values()))}"
        case kind:
            return _IN_WORDS.get(kind) or str(told["msg"]).removeprefix("Value error, ")


def _key(place: Iterable[str | int]) -> str:
    return ".".join(str(part) for part in place)


def _one_of(names: Iterable[str]) -> str:
    return " or ".join(names)


def _bad(file: str, key: str, reason: str) -> ConfigError:
    return ConfigError([Problem(file=file, key=key, reason=reason)])
