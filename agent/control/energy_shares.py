"""The miners' energy by feeder, owner and model: whole Wh that add up to the whole, whatever their fractions."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from agent.fleet.fleet import Fleet
from agent.fleet.selector import model_of
from agent.fleet.view import Floats, Indices

OWNER = "owner:"
UNKNOWN = "unknown"
Groups = tuple[list[str], Indices]
"""Names, and for each row the place of its own among them."""


class Shares:
    """Groups of a fleet's rows. Feeders and owners stand in the inventory; models come with identification."""

    def __init__(self, fleet: Fleet) -> None:
        self._fleet = fleet
        self._feeders = groups(miner.feeder for miner in fleet.miners)
        self._owners = groups(owner_of(miner.tags) for miner in fleet.miners)

    def by_feeder(self, column_wh: Floats, whole_wh: int) -> dict[str, int]:
        """Return the energy on each feeder, without what hangs on those below it."""
        return shared(sums(self._feeders, column_wh), whole_wh)

    def by_owner(self, column_wh: Floats, whole_wh: int) -> dict[str, int]:
        """Return the energy of each owner's machines; none where no machine names one."""
        return shared(sums(self._owners, column_wh), whole_wh) if any(self._owners[0]) else {}

    def by_model(self, column_wh: Floats, whole_wh: int, column_th: Floats) -> tuple[dict[str, int], dict[str, float]]:
        """Return the energy of each model, and its terahashes."""
        models = groups(model_of(self._fleet, row) or UNKNOWN for row in range(len(self._fleet)))
        return shared(sums(models, column_wh), whole_wh), _hashed(models, column_th)

    def hashed_by_owner(self, column_th: Floats) -> dict[str, float]:
        """Return the terahashes of each owner's machines; none where no machine names one."""
        return _hashed(self._owners, column_th) if any(self._owners[0]) else {}


def _hashed(of: Groups, column_th: Floats) -> dict[str, float]:
    return {name: round(told, 3) for name, told in sums(of, column_th).items() if told}


def owner_of(tags: Sequence[str]) -> str:
    """Return the owner that tags name, "" where they name none."""
    return next((tag.removeprefix(OWNER) for tag in tags if tag.startswith(OWNER)), "")


def groups(names: Iterable[str]) -> Groups:
    """Give the names of rows numbers, in the order in which they first stand."""
    places: dict[str, int] = {}
    rows = [places.setdefault(name, len(places)) for name in names]
    return list(places), np.array(rows, np.intp)


def sums(of: Groups, column: Floats) -> dict[str, float]:
    """Add a column up by the names of its rows."""
    names, places = of
    return dict(zip(names, np.bincount(places, weights=column, minlength=len(names)).tolist(), strict=True))


def shared(parts: Mapping[str, float], whole: int) -> dict[str, int]:
    """Round parts so that they add up to the whole: what is left over goes to the largest fractions."""
    rounded = {name: int(part) for name, part in parts.items()}
    left = whole - sum(rounded.values())
    by_fraction = sorted(parts, key=lambda name: (rounded[name] - parts[name], name))
    for name in by_fraction[: max(left, 0)]:
        rounded[name] += 1
    return {name: part for name, part in rounded.items() if part}
