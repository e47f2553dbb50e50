"""Which watts to believe of the site: the meter's window, and the house load learned beneath it."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

from agent.values import Watts

HOUSE_MEMORY_S = 900.0
"""The highest house sample of so long is in force (design 3.3)."""

BELIEF_MARGIN = 1.05
"""What a sum of beliefs is multiplied by where it stands in for a meter."""


MODEL_ERROR, TOLD_ERROR = 0.05, 0.02
"""How far off a model's watts, and a machine's own, are taken to be."""


def belief_error_w(believed_w: Watts, model_w: Watts) -> Watts:
    """Return how far off a sum of beliefs may be, of which `model_w` is a model's word."""
    return MODEL_ERROR * model_w + TOLD_ERROR * (believed_w - model_w)


@dataclass(frozen=True, slots=True, kw_only=True)
class MeterState:
    """A billing meter at one moment. Watts are None unless it is fresh."""

    id: str
    fresh: bool
    silent_s: float
    last_w: Watts | None = None
    mean_w: Watts | None = None  # over its window
    covered: bool = False  # samples span the whole window

    @property
    def draw_w(self) -> Watts | None:
        """The draw to go by: the higher of the latest figure and the window's mean."""
        if self.last_w is None or self.mean_w is None:
            return None
        return max(self.last_w, self.mean_w)


class Meter:
    """The last samples of one meter, by the monotonic time of their arrival."""

    def __init__(self, meter_id: str, *, window_s: float, stale_s: float, since: float) -> None:
        self.id = meter_id
        self._window_s = window_s
        self._stale_s = stale_s
        self._since = since
        self._samples: deque[tuple[float, Watts]] = deque()

    def heard(self, power_w: Watts, mono: float) -> None:
        """Take in one figure; those older than the window are dropped, but the one that reaches its start."""
        self._samples.append((mono, power_w))
        while len(self._samples) > 1 and self._samples[1][0] <= mono - self._window_s:
            self._samples.popleft()

    def state(self, mono: float) -> MeterState:
        """Return what the meter says at `mono`."""
        silent_s = mono - (self._samples[-1][0] if self._samples else self._since)
        if not self._samples or silent_s > self._stale_s:
            return MeterState(id=self.id, fresh=False, silent_s=silent_s)
        return MeterState(
            id=self.id,
            fresh=True,
            silent_s=silent_s,
            last_w=self._samples[-1][1],
            mean_w=sum(power for _, power in self._samples) / len(self._samples),
            covered=self._samples[0][0] <= mono - self._window_s,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Rest:
    """All at the meter that the beliefs about miners do not explain, W; below zero where they claim too much.

    `least_w` and `most_w` bound what it was while readings and meter caught up with each other.
    """

    now_w: Watts
    least_w: Watts
    most_w: Watts
    doubt_w: Watts  # how far apart the bounds of the latest observation are


class RestObserver:
    """Follows the rest although beliefs move before a lagging meter does, and the meter before a slow poll.

    Each observation bounds it: meter less the most, and less the least, that the meter may include of the beliefs.
    The estimate is moved only as far as those bounds force it, and goes back where they allow it again: only what was
    forced for `memory_s` without a break (polls told everything by then) is the new rest. What it was within
    `memory_s` stays in view.
    """

    def __init__(self, *, memory_s: float) -> None:
        self._memory_s = memory_s
        self._seen: deque[tuple[float, Watts]] = deque()
        self._doubt_w = 0.0
        self._settled_w = 0.0
        self._forced_since: float | None = None

    def observe(self, meter_w: Watts, *, least_w: Watts, most_w: Watts, mono: float) -> None:
        """Take in one figure of the meter beside the sums of what it may include."""
        low, high = meter_w - most_w, meter_w - least_w
        if not self._seen:
            self._seen.append((mono, low))
            self._settled_w = high
        self._doubt_w = high - low
        value_w = min(max(self._settled_w, low), high)
        self._seen.append((mono, value_w))
        self._settle(value_w, mono)
        while len(self._seen) > 1 and self._seen[1][0] <= mono - self._memory_s:
            self._seen.popleft()

    def _settle(self, value_w: Watts, mono: float) -> None:
        if value_w == self._settled_w:
            self._forced_since = None
        elif self._forced_since is None:
            self._forced_since = mono
        elif mono - self._forced_since >= self._memory_s:
            self._settled_w, self._forced_since = value_w, None

    def forget(self) -> None:
        """Start anew: what is believed changed without the world having done so."""
        self._seen.clear()

    def state(self) -> Rest | None:
        """Return what is known of the rest, None before the first observation."""
        if not self._seen:
            return None
        values = [value for _, value in self._seen]
        return Rest(now_w=values[-1], least_w=min(values), most_w=max(values), doubt_w=self._doubt_w)


@dataclass(frozen=True, slots=True, kw_only=True)
class HouseSample:
    """Meter less miners; `error_w` bounds what meter, beliefs and their lag may be off."""

    mono: float
    power_w: Watts
    error_w: Watts

    @property
    def is_sharp(self) -> bool:
        """Whether it is known well enough to be believed over a figure that a hand gave."""
        return self.error_w <= 0.25 * max(self.power_w, 1.0)


class HouseLoad:
    """All at the meter that is no miner.

    In force: the highest sharp sample of 15 min, else the last sharp one, else the configured figure, else the
    highest of any; never above `most_w`, so that a hidden machine is not learned as house (design 3.3).
    """

    def __init__(self, *, given_w: Watts = 0.0, most_w: Watts | None = None) -> None:
        self._given_w = given_w
        self._most_w = most_w
        self._highest: deque[HouseSample] = deque()
        self._highest_sharp: deque[HouseSample] = deque()
        self._last_sharp: HouseSample | None = None

    @property
    def sampled(self) -> bool:
        """Whether it was seen beneath the meter since the start, and is not a figure that was given or remembered."""
        return self._last_sharp is not None

    def remember(self, power_w: Watts) -> None:
        """Take in what it was in the life before this one: it counts until it is seen, above a configured figure."""
        self._given_w = max(self._given_w, power_w)

    def learn(self, sample: HouseSample) -> None:
        """Take in a sample; one below zero counts as zero."""
        if sample.is_sharp:
            self._last_sharp = sample
            _keep(self._highest_sharp, sample)
        _keep(self._highest, sample)

    def in_force_w(self, mono: float) -> Watts:
        """Return the house load that counts now."""
        found = _highest_w(self._highest_sharp, mono)
        if found is None and self._last_sharp is not None:
            found = self._last_sharp.power_w
        if found is None and self._given_w <= 0:
            found = _highest_w(self._highest, mono)
        found = max(self._given_w if found is None else found, 0.0)
        return found if self._most_w is None else min(found, self._most_w)


def _keep(samples: deque[HouseSample], sample: HouseSample) -> None:
    """Add a sample to those of 15 min that no later one reaches: the first of them is the highest."""
    while samples and samples[-1].power_w <= sample.power_w:
        samples.pop()
    samples.append(sample)
    while samples[0].mono < sample.mono - HOUSE_MEMORY_S:
        samples.popleft()


def _highest_w(samples: deque[HouseSample], mono: float) -> Watts | None:
    return next((sample.power_w for sample in samples if sample.mono >= mono - HOUSE_MEMORY_S), None)
