"""An issuer whom a failsafe waits for: he says that he is there with every step, until he falls silent for a day.

What binds by right is reckoned here, by what was handed to a living agent: from the end of his time without a word on,
until he is heard again and has issued something after it. He does that once he sees the failsafe acknowledged.
"""

from tests.winter.broker import Ordered

NAME = "reserve"
FAILSAFE = f"failsafe.{NAME}"
TIMEOUT_S, AGAIN_S = 1800.0, 120.0
ORDER_HOURS = 0.25
CAP_SHARE = 0.4
BINDING = {"active", "complied", "violated"}


class Reserve:
    """The issuer, and whether his failsafe binds by right."""

    def __init__(self, season, limit):
        self.season, self.limit = season, limit
        self.speaks = True
        self.heard_s = None  # when the agent was handed a word of his last; None: never
        self._ordered_s, self._orders = float("-inf"), 0

    @property
    def failsafe(self):
        """The failsafe as an order, None before it bound for the first time."""
        return self.season.ordered.get(FAILSAFE)

    @property
    def binds(self):
        """Whether it binds by right."""
        return self.failsafe is not None and not self.failsafe.released

    def look(self):
        """Speak, where somebody is there to hear it, and reckon what binds."""
        season, broker, t = self.season, self.season.broker, self.season.world.t
        if season.life is None:
            return
        since_s = float("-inf") if self.heard_s is None else max(self.heard_s, season.judge.began_s)
        if not self.binds and t - since_s > TIMEOUT_S:
            self._begins()
        if self.speaks and broker.beat(NAME):
            self.heard_s = t
            if self._is_held() and t - self._ordered_s >= AGAIN_S:
                self._orders_anew()

    def _is_held(self):
        acks = self.season.broker.acks[FAILSAFE]
        return bool(acks) and acks[-1]["state"] in BINDING

    def _orders_anew(self):
        """Issue a loose order for a while: the fresh document after the word."""
        season, t = self.season, self.season.world.t
        self._ordered_s, self._orders = t, self._orders + 1
        limit = {"max_import_kw": round(0.9 * season.full_kw)}
        season.order(f"{NAME}-{self._orders:03d}", "contract", limit, starts_s=t, hours=ORDER_HOURS, issuer=NAME)
        season.closely()
        if self.binds:
            self.failsafe.released = True
            season.judge.published(self.failsafe)

    def _begins(self):
        season = self.season
        told = self.failsafe
        if told is None:
            season.ordered[FAILSAFE] = told = Ordered(FAILSAFE, "contract", self.limit, season.at, None, own=True)
        else:
            told.starts_at, told.released = season.at, False
        season.judge.published(told)
        season.closely()
