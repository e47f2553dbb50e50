"""Holds the agent to what is the case: the cap by right, who may be woken, how often it cries, what it can prove."""

from collections import deque

import numpy as np

from agent.outputs.alarm_rate import AlarmRate
from agent.outputs.alarms import alarm

GRACE_S = 100.0
"""So long after an order, a start, a return to the network may a machine still be awake."""
TOLERANCE = 1.01
MOST_ALARMS, HOUR_S = 6, 3600.0
BACK_S, BACK_SHARE = 3600.0, 0.97
"""An hour after the last trouble so much of the farm hashes again."""


class Judge:
    """Looks at the world after each step."""

    def __init__(self, season):
        self.season, self.world = season, season.world
        self.over_s = self.avoidable_s = 0.0
        self.began_s = 0.0
        self.stirred_s = {}  # when each order last changed for its issuer
        self.had_s = {}  # of each that binds: which revision the agent has, and since when
        self.alarms = deque()
        self.rate = AlarmRate()
        self.most_alarms, self.all_alarms = 0, {}
        self.trouble_s = 0.0
        self.lost_hours, self.first_lost = 0.0, None
        self.loudest = []

    def life_began(self):
        """Note that the agent is back."""
        self.began_s = self.trouble_s = self.world.t

    def published(self, told):
        """Note that an order is new, or another."""
        self.stirred_s[told.order_id] = self.world.t

    def heard(self, facts):
        """Count the alarms that somebody is woken by, in the hour before each."""
        for fact in facts:
            self.rate.passes(fact)
            kind = alarm(fact)
            if kind is None or self.rate.admit(fact, kind) is None:
                continue
            self.all_alarms[kind] = self.all_alarms.get(kind, 0) + 1
            self.alarms.append((self.world.t, self.season.at, kind, fact))
            while self.alarms[0][0] <= self.world.t - HOUR_S:
                self.alarms.popleft()
            if len(self.alarms) > self.most_alarms:
                self.most_alarms = len(self.alarms)
                self.loudest = [(at, kind, fact) for _, at, kind, fact in self.alarms]

    def look(self, seconds):
        """Judge the step that has passed."""
        at, world = self.season.at, self.world
        binding = [told for told in self.season.ordered.values() if told.binds(at)]
        world.orders = [told for told in binding if self._is_known(told)]
        if binding or not self.season.broker.up:  # what was lifted meanwhile is not known to be
            self.trouble_s = world.t
        if not binding:
            self._is_back(seconds)
            return
        tightest = min(binding, key=lambda told: told.cap_w(world, at))
        cap_w = tightest.cap_w(world, at)
        draw_w = world.draw_w()
        if draw_w <= cap_w * TOLERANCE:
            return
        self.over_s += seconds
        if self._must_hold(tightest) and (rows := self._avoidable()).size:
            self.avoidable_s += seconds
            key = f"{tightest.order_id} {tightest.limit}"
            case = world.wrong.avoidable_s.setdefault(key, [at, 0.0, draw_w, cap_w, rows[:5].tolist(), len(rows)])
            case[1] += seconds

    def _is_known(self, told):
        view = None if self.season.life is None else self.season.life.built.book.view(told.order_id)
        if view is None:
            return False
        revision, _ = self.had_s.get(told.order_id, (None, None))
        if revision != view.order.revision:
            self.had_s[told.order_id] = view.order.revision, self.world.t
        return True

    def _must_hold(self, told):
        """Whether the agent was there, had the order, and had its time."""
        world = self.world
        if self.season.life is None or world.t - self.began_s < GRACE_S:
            return False
        known = self.season.life.built.book.view(told.order_id)
        if known is None or not (told.own or known.order.revision == told.revisions[-1]):
            if self.season.broker.up and world.t - self.stirred_s[told.order_id] > GRACE_S:
                world.wrong.others.append(f"{told.order_id} r{told.revisions[-1]} did not arrive by {self.season.at}")
            return False
        began_s = (told.changed_at(self.season.at) - self.season.at).total_seconds() + world.t
        _, had_s = self.had_s[told.order_id]
        return world.t - max(began_s, self.stirred_s[told.order_id], had_s) >= GRACE_S

    def _avoidable(self):
        """Return who could have been shed, and had been told for long enough that it should have been."""
        world = self.world
        able = world.energised & ~world.mute & ~world.lying & ~world.fighting
        able &= world.t - np.maximum.reduce([world.answers_since, world.awake_since, world.obeys_since]) >= GRACE_S
        return np.flatnonzero(able & (world.power_w() > world.standby_w * 2))

    def _is_back(self, seconds):
        """Count the time in which, long after all trouble, much of the farm is still asleep."""
        world = self.world
        if (
            self.season.life is None
            or world.t - self.trouble_s < BACK_S
            or world.t <= self.season.closely_until - self.season.close_s + 100
        ):
            return
        able = world.energised & ~world.locked & ~world.lying & ~world.mute
        able &= world.t - np.maximum(world.answers_since, world.obeys_since) >= BACK_S
        hashing = able & (world.power_w() > 0.9 * world.full_w)
        if hashing.sum() < BACK_SHARE * able.sum():
            self.first_lost = self.first_lost or self.season.at
            self.lost_hours += seconds / 3600
