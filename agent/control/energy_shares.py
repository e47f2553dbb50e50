"""The miners' energy by feeder, owner and model: whole Wh that add up to the whole, whatever their fractions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from agent.fleet.fleet import Fleet
from agent.fleet.view import Floats

OWNER = "owner:"
UNKNOWN = "unknown"


class Shares:
    """Groups of a fleet's rows. Feeders and owners stand in the inventory; models come with identification."""

    def __init__(self, fleet: Fleet) -> None:
        self._fleet = fleet
        self._feeders = [miner.feeder for miner in fleet.miners]
        self._owners = [_owner(miner.tags) for miner in fleet.miners]

    def by_feeder(self, column_wh: Floats, whole_wh: int) -> dict[str, int]:
        """Return the energy on each feeder, without what hangs on those below it."""
        return shared(grouped(self._feeders, column_wh), whole_wh)

    def by_owner(self, column_wh: Floats, whole_wh: int) -> dict[str, int]:
        """Return the energy of each owner's machines; none where no machine names one."""
        return shared(grouped(self._owners, column_wh), whole_wh) if any(self._owners) else {}

    def by_model(self, column_wh: Floats, whole_wh: int) -> dict[str, int]:
        """Return the energy of each model."""
        return shared(grouped(models_of(self._fleet), column_wh), whole_wh)


def models_of(fleet: Fleet) -> list[str]:
    """Return each machine's model: as configured, else as it says itself."""
    pairs = zip(fleet.miners, fleet.identities, strict=True)
    return [miner.model or (identity.model if identity is not None else None) or UNKNOWN for miner, identity in pairs]


def _owner(tags: Sequence[str]) -> str:
    return next((tag.removeprefix(OWNER) for tag in tags if tag.startswith(OWNER)), "")


def grouped(names: Sequence[str], column: Floats) -> dict[str, float]:
    """Add a column up by the names of its rows."""
    if not names:
        return {}
    found, rows = np.unique(np.array(names), return_inverse=True)
    sums = np.bincount(rows, weights=column, minlength=len(found))
    return dict(zip(found.tolist(), sums.tolist(), strict=True))


def shared(parts: Mapping[str, float], whole: int) -> dict[str, int]:
    """Round parts so that they add up to the whole: what is left over goes to the largest fractions."""
    rounded = {name: int(part) for name, part in parts.items()}
    left = whole - sum(rounded.values())
    by_fraction = sorted(parts, key=lambda name: (rounded[name] - parts[name], name))
    for name in by_fraction[: max(left, 0)]:
        rounded[name] += 1
    return {name: part for name, part in rounded.items() if part}
