"""Machines by kind, for a plan of a day: alike in model, feeder, levels, owner's rule and the limits upon them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from agent.fleet.view import Array, Flags, FleetView, Floats, Indices
from agent.planning.price import PricePolicy
from agent.wiring.day_orders import Part


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """One kind: how many, one of them, its steps with their mean W and TH/s, and what all have in common."""

    count: int
    row: int  # one of them
    steps: Sequence[int]
    watts: Floats
    ths: Floats
    rule: dict[str, Any]
    under: list[int]  # places of the limits that may lower it
    exempt: list[int]  # of those that only count it

    def told(self, model: str, feeder: str, levels: Sequence[str]) -> dict[str, Any]:
        """Return it as JSON; `levels` are the names of its steps."""
        return {
            "model": model,
            "feeder": feeder,
            "count": self.count,
            "levels": [
                {"level": level, "power_w": round(float(watts), 1), "hashrate_ths": round(float(ths), 3)}
                for level, watts, ths in zip(levels, self.watts, self.ths, strict=True)
            ],
            "under": self.under,
            "exempt": self.exempt,
            **self.rule,
        }


def is_movable(view: FleetView) -> Flags:
    """Return who may be moved, and hashes something at its highest step."""
    movable: Flags = ~view.held & ~view.sealed & (view.step_ths[:, 0] > 0)
    return movable


def grouped(
    view: FleetView, models: Array, factor: Floats, rules: dict[str, Array], parts: Sequence[Part]
) -> list[Group]:
    """Return all that may be moved by kind, in the order of `models` and feeders; `rules` are `rules_of`."""
    rows = np.flatnonzero(is_movable(view))
    if not len(rows):
        return []
    flags = [part.commanded.astype(np.int8) + 2 * part.exempt.astype(np.int8) for part in parts]
    columns = [models, view.feeder, view.intended, view.last_step, *rules.values(), *flags]
    code = _code([column[rows] for column in columns])
    _, first, counts = np.unique(code, return_index=True, return_counts=True)
    own = np.bincount(code, weights=factor[rows]) / counts
    watts, ths = (_means(column[rows], code, counts) for column in (view.step_w, view.step_ths))
    watts = np.where(ths > 0, watts * own[:, None], watts)
    found = []
    for place, (at, count) in enumerate(zip(rows[first].tolist(), counts.tolist(), strict=True)):
        rule = {key: _plain(column[at]) for key, column in rules.items()}
        steps = _steps(view, at, whole=rule.pop("whole"))
        found.append(
            Group(
                count=count,
                row=at,
                steps=steps,
                watts=watts[place, steps],
                ths=ths[place, steps],
                rule=rule,
                under=[number for number, part in enumerate(parts) if part.commanded[at]],
                exempt=[number for number, part in enumerate(parts) if part.exempt[at]],
            )
        )
    return found


def _steps(view: FleetView, row: int, *, whole: bool) -> list[int]:
    every = list(range(int(view.intended[row]), int(view.last_step[row]) + 1))
    return sorted({every[0], every[-1]}) if whole else every


def rules_of(policy: PricePolicy, usual_band: float, count: int) -> dict[str, Array]:
    """Return by row what its owner's rule says. A band that is everybody's is none: a day ahead knows its prices."""

    def column(told: float | Array | None, otherwise: float = 0.0) -> Array:
        return np.full(count, otherwise) if told is None else np.broadcast_to(np.asarray(told), (count,))

    band = column(policy.hysteresis)
    return {
        "fixed": column(policy.fixed).astype(np.bool_),
        "whole": column(policy.whole).astype(np.bool_),
        "pays_per_kwh": column(policy.pays_per_kwh, np.nan),
        "min_on_s": column(policy.min_on_s),
        "min_off_s": column(policy.min_off_s),
        "band": np.where(band == usual_band, 0.0, band),
        "restart_cost": column(policy.restart_cost),
    }


def _plain(value: Any) -> Any:
    told = value.item()
    return None if told != told else told  # noqa: PLR0124 - NaN is nobody's figure


def _means(column: Floats, code: Indices, counts: Array) -> Floats:
    sums = [np.bincount(code, weights=column[:, step]) for step in range(column.shape[1])]
    means: Floats = np.stack(sums, axis=1) / counts[:, None]
    return means


def _code(columns: Sequence[Array]) -> Indices:
    """Return one number for each different row, in the order of the columns."""
    code = np.zeros(len(columns[0]), np.int64)
    for column in columns:
        if (column == column[0]).all():
            continue
        _, inverse = np.unique(column, return_inverse=True)
        _, code = np.unique(code * (int(inverse.max()) + 1) + inverse, return_inverse=True)
    return code.astype(np.intp)
