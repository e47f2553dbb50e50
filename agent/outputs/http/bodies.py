"""The bodies that requests carry, strictly read: what is unknown or of another type is refused by its name."""

from __future__ import annotations

from typing import Annotated, Literal, TypeVar

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from agent.outputs.http.problems import Problem, bad_field
from agent.values import level_is_valid


def _level(told: str) -> str:
    if not level_is_valid(told):
        raise ValueError("must be full, limit:<W>, profile:<name>, low, sleep or off")
    return told


Level = Annotated[str, StringConstraints(max_length=128), AfterValidator(_level)]
Selector = Annotated[str, StringConstraints(min_length=1, max_length=4096)]
Hand = Annotated[str, StringConstraints(pattern=r"^[^\x00-\x1f\x7f]{1,64}$")]


Word = Annotated[str, StringConstraints(strip_whitespace=True, pattern=r"^[^\x00-\x1f\x7f]{1,64}$")]
Ids = Annotated[list[str], Field(min_length=1, max_length=100_000)]


class Body(BaseModel):
    """A JSON object; what it does not name is refused."""

    model_config = ConfigDict(extra="forbid", strict=True)


class Confirmation(Body):
    """Who confirms the host's clock."""

    by: Hand | None = None


class Wish(Body):
    """The level that the owner wants of one miner."""

    level: Level


class Wishes(Body):
    """The level that the owner wants of many miners; a dry run only names them."""

    select: Selector
    level: Level
    dry_run: bool = False


class Errand(Body):
    """What machines are to do at once; a dry run only names them."""

    select: Selector
    errand: Literal["reboot", "locate", "unlocate"]
    dry_run: bool = False


class Lock(Body):
    """Machines to lock, or with `lift` to unlock; named by a selector or by their ids."""

    select: Selector | None = None
    miners: Ids | None = None
    kind: Literal["maintenance", "bench", "lockout", "customer"] | None = None
    until: AwareDatetime | None = None
    by: Hand | None = None
    lift: bool = False


class Sealing(Body):
    """Machines behind a seal of this number, by its act; a dry run only names them."""

    select: Selector | None = None
    miners: Ids | None = None
    number: Word
    act: Word
    by: Word
    dry_run: bool = False


class Unsealing(Body):
    """Machines, or all behind one seal, whose seals two persons take off; a dry run only names them."""

    select: Selector | None = None
    miners: Ids | None = None
    number: Word | None = None
    by: Word
    second: Annotated[Word, Field(alias="and")]
    dry_run: bool = False


class Adopting(Body):
    """Machines that were found, by their ids, None for all; on which feeder, with what. A dry run only names them."""

    miners: Ids | None = None
    feeder: Word = "site"
    credentials: Word | None = None
    tags: Annotated[list[Word], Field(max_length=64)] = []
    by: Hand | None = None
    dry_run: bool = False


class Disowning(Body):
    """Machines that were adopted, by their ids. A dry run only says what is against it."""

    miners: Ids
    by: Hand | None = None
    dry_run: bool = False


class Release(Body):
    """Whose hand releases an order, or answers an offer; what a law bound is released by two."""

    by: Hand | None = None
    second: Annotated[Word | None, Field(alias="and")] = None


class Drilling(Body):
    """A share of a feeder's machines that is measured at each level. A dry run only names them."""

    feeder: Word
    percent: Annotated[float, Field(gt=0, le=100, allow_inf_nan=False)] = 5.0
    by: Hand | None = None
    dry_run: bool = False


class Question(Body):
    """The cap at the meter of a what-if."""

    max_import_kw: Annotated[float, Field(ge=0, le=1e9, allow_inf_nan=False)]


B = TypeVar("B", bound=Body)


def read(raw: bytes, body: type[B]) -> B:
    """Return the body that these bytes are. Raises Problem that names every member that is wrong."""
    try:
        return body.model_validate_json(raw)
    except ValidationError as error:
        wrong = [
            (".".join(map(str, told["loc"])), told["msg"].removeprefix("Value error, "))
            for told in error.errors(include_url=False, include_input=False, include_context=False)
        ]
        raise _problem(wrong) from None


def _problem(wrong: list[tuple[str, str]]) -> Problem:
    field, reason = wrong[0]
    first = bad_field(field or "body", reason)
    first.more["errors"] = [{"field": field or "body", "reason": reason} for field, reason in wrong]
    return first
