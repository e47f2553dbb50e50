"""What befalls a winter, drawn from its seed: orders, and everything that goes wrong around them."""

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import numpy as np

from tests.winter.season import BEGAN, DAY, HOUR, MINUTE

LAW = "law-stop"
PLACE, SUNDAY = ZoneInfo("Africa/Casablanca"), 7


def plan(season):
    """Put a winter's events into the season; a shorter one has as many fewer."""
    share = season.days / 120
    law(season)
    orders(season, "contract", round(9 * share) + 1)
    orders(season, "market", round(9 * share) + 1)
    tightened(season)
    stepped(season)
    evenings(season)
    crashes(season, round(56 * share) + 2)
    for name, times in (
        (broker_lost, 6),
        (meter_lost, 6),
        (clock_steps, 6),
        (addresses_shuffled, 4),
        (reboots, 6),
        (machines_lost, 6),
        (house_steps, 3),
        (fights, 4),
    ):
        for number in range(max(1, round(times * share))):
            name(season, _some_time(season, number))
    liars(season)
    silence(season)
    locked(season)
    power_cut(season, 0.15, minutes=25, host_back_s=90)
    power_cut(season, 0.42, minutes=4, host_back_s=90)
    power_cut(season, 0.86, minutes=190, host_back_s=600)


def _some_time(season, _number):
    """Draw a time: most of them while an order is about to begin, or has just begun or ended."""
    random, end_s = season.random, season.days * DAY
    if season.edges and random.random() < 0.9:
        return max(2 * HOUR, random.choice(season.edges) + random.uniform(-300, 900))
    return random.uniform(2 * HOUR, end_s - 8 * HOUR)


def _edge(season, at_s, name, act=lambda: None):
    season.on(at_s, name, act)
    season.edges.append(at_s)


def law(season):
    """A stop by law for half of the winter: prolonged twice, its end passes, its issuer lifts it."""
    issued_s, starts_s, hours = 0.14 * season.days * DAY, 0.17 * season.days * DAY, 0.3 * season.days * 24
    _edge(season, issued_s, "law: issued", lambda: _law_issued(season, starts_s, hours))
    _edge(season, starts_s, "law: starts")
    for share in (0.4, 0.55):
        at_s = share * season.days * DAY
        _edge(season, at_s, "law: prolonged", lambda: season.revise(LAW, hours_more=0.1 * season.days * 24))
    ends_s = starts_s + hours * HOUR + 0.2 * season.days * DAY
    _edge(season, ends_s, "law: its end passes")
    _edge(season, ends_s + max(0.02 * season.days * DAY, HOUR), "law: released", lambda: season.release(LAW))
    season.law_s = (starts_s, ends_s + max(0.02 * season.days * DAY, HOUR))


def _law_issued(season, starts_s, hours):
    season.order(LAW, "law", {"stop": True}, starts_s=starts_s, hours=hours, by_issuer=True)


def orders(season, order_class, times):
    """Orders of a class throughout the winter, some under the stop and over its edges, some of them revised."""
    random, end_s = season.random, season.days * DAY
    for number in range(times):
        order_id = f"{order_class}-{number:02d}"
        starts_s = (0.02 + 0.9 * (number + random.random()) / times) * end_s
        if number == times // 3:
            starts_s = season.law_s[number % 2] - 0.5 * HOUR  # over the stop's edge
        hours = random.choice([0.5, 1.0, 2.0, 4.0, 9.0])
        limit = {"max_import_kw": round(random.uniform(0.25, 0.85) * season.full_kw)}
        ahead_s = random.choice([0.0, 5 * MINUTE, 10 * MINUTE, 6 * HOUR])
        issued_s = max(HOUR, starts_s - ahead_s)
        _edge(season, issued_s, f"{order_class}: issued", _issue(season, order_id, order_class, limit, starts_s, hours))
        _edge(season, max(issued_s, starts_s), f"{order_class}: starts")
        _edge(season, starts_s + hours * HOUR, f"{order_class}: ends")
        if random.random() < 0.3 and hours >= 1.0:
            other = {"max_import_kw": round(random.uniform(0.25, 0.85) * season.full_kw)}
            season.on(starts_s + 0.4 * hours * HOUR, f"{order_class}: revised", _revise(season, order_id, other))


def _issue(season, order_id, order_class, limit, starts_s, hours):
    return lambda: season.order(order_id, order_class, limit, starts_s=starts_s, hours=hours)


def _revise(season, order_id, limit):
    return lambda: season.revise(order_id, limit=limit) if order_id in season.ordered else None


def tightened(season):
    """Three orders at once, that begin and end at different times within an hour."""
    at_s = 0.93 * season.days * DAY
    for number, (share, starts_s, hours) in enumerate(((0.8, 0.0, 1.5), (0.5, 900.0, 0.5), (0.65, 1800.0, 1.0))):
        limit = {"max_import_kw": round(share * season.full_kw)}
        issue = _issue(season, f"stacked-{number}", "contract", limit, at_s + starts_s, hours)
        _edge(season, at_s - 300, "contract: issued", issue)
        _edge(season, at_s + starts_s, "contract: starts")
        _edge(season, at_s + starts_s + hours * HOUR, "contract: ends")


def stepped(season):
    """An order whose limit falls and rises by steps, each quarter of an hour."""
    at_s = 0.1 * season.days * DAY
    shares = (0.9, 0.7, 0.45, 0.6, 0.85)
    steps_s = [at_s + number * 15 * MINUTE for number in range(len(shares))]
    points = [
        {"at": (BEGAN + timedelta(seconds=since_s)).isoformat(), "max_import_kw": round(share * season.full_kw)}
        for since_s, share in zip(steps_s, shares, strict=True)
    ]
    issue = _issue(season, "stepped", "contract", {"trajectory": points}, at_s, 1.25)
    _edge(season, at_s - 600, "trajectory: issued", issue)
    for since_s in steps_s:
        _edge(season, since_s, "trajectory: steps")
    _edge(season, at_s + 1.25 * HOUR, "trajectory: ends")


def evenings(season):
    """What the agent's own schedule file orders, by the civil time of its place: Sundays of February and March."""
    first = BEGAN.astimezone(PLACE).date()
    for day in (first + timedelta(days=number) for number in range(1, int(season.days))):
        if day.month in {2, 3} and day.isoweekday() == SUNDAY:
            starts, ends = (datetime.combine(day, time(hour, 30), PLACE).astimezone(UTC) for hour in (17, 18))
            told = (f"schedule.evening.{day:%Y%m%d}", {"max_import_kw": season.evening_kw}, starts, ends)
            _edge(season, (starts - BEGAN).total_seconds(), "schedule: begins", _scheduled(season, *told))
            _edge(season, (ends - BEGAN).total_seconds(), "schedule: ends")


def _scheduled(season, *told):
    return lambda: season.scheduled(*told)


def crashes(season, times):
    """Deaths: between two steps, among commands, before and after a commit; most of them where much goes on."""
    random = season.random
    for _ in range(times):
        kind = random.choice(["idle", "commands", "commands", "before", "before", "after"])
        count = random.choice([0, 1, 3, 17]) if kind == "commands" else random.randrange(12)
        season.on(_some_time(season, 0), f"dies: {kind}", _die(season, kind, count))


def _die(season, kind, count):
    async def die():
        life = season.life
        if life is None:  # dead already: then a little later
            season.after(20 * MINUTE, f"dies: {kind}", die)
            return
        match kind:
            case "idle":
                await season.dies("idle")
            case "commands":
                season.world.crash_after = count
            case _:
                life.store.dies = (count, kind == "after")

    return die


def broker_lost(season, at_s):
    """The broker is away, for minutes or for most of a day."""
    for_s = season.random.choice([300.0, 1800.0, 3 * HOUR, min(20 * HOUR, 0.05 * season.days * DAY)])
    season.on(at_s, "broker lost", lambda: setattr(season.broker, "up", False))
    season.on(at_s + for_s, "broker back", lambda: setattr(season.broker, "up", True))


def meter_lost(season, at_s):
    """The meter is silent."""
    for_s = season.random.choice([120.0, 900.0, 2 * HOUR, 5 * HOUR])
    season.on(at_s, "meter lost", lambda: setattr(season, "meter_up", False))
    season.on(at_s + for_s, "meter back", lambda: setattr(season, "meter_up", True))


def clock_steps(season, at_s):
    """Civil time jumps, and is set right within the ten minutes after which it would be believed."""
    by_s = season.random.choice([-7200.0, -3600.0, -90.0, 45.0, 3600.0, 7200.0, 86_400.0])
    back_s = season.random.uniform(30.0, 540.0)
    season.on(at_s, "clock steps", lambda: _step(season, by_s))
    season.on(at_s + back_s, "clock set right", lambda: _step(season, -season.world.clock.off_s))


def _step(season, by_s):
    season.world.clock.step_wall_clock(by_s)


def addresses_shuffled(season, at_s):
    """Some machines begin anew, and each answers where another did."""
    places = season.random.sample(range(season.world.plain), max(2, season.world.n // 40))
    season.on(at_s, "addresses shuffled", lambda: season.world.shuffle(places))


def reboots(season, at_s):
    """Machines begin anew; who does not keep what it was told hashes then."""
    count = max(1, round(season.random.choice([0.01, 0.05, 0.3]) * season.world.n))
    rows = season.random.sample(range(season.world.n), count)
    season.on(at_s, "machines reboot", lambda: season.world.reboot(np.array(rows)))


def machines_lost(season, at_s):
    """Machines are off the network for a while, and go on as they were."""
    rows = np.array(season.random.sample(range(season.world.n), max(1, season.world.n // 25)))
    for_s = season.random.choice([60.0, 600.0, 5 * HOUR])
    season.on(at_s, "machines lost", lambda: season.world.lose(rows, lost=True))
    season.on(at_s + for_s, "machines found", lambda: season.world.lose(rows, lost=False))


def house_steps(season, at_s):
    """What is no machine draws more for an hour."""
    more_w = 0.01 * season.full_kw * 1000

    def step(by_w):
        season.world.house_w += by_w

    season.on(at_s, "house load up", lambda: step(more_w))
    season.on(at_s + HOUR, "house load down", lambda: step(-more_w))


def fights(season, at_s):
    """Another program wakes some machines again and again, for a quarter of an hour."""
    rows = np.array(season.random.sample(range(season.world.plain), max(1, season.world.n // 200)))

    season.on(at_s, "fight begins", lambda: season.world.fighting.__setitem__(rows, True))
    season.on(at_s + 900.0, "fight ends", lambda: season.world.obey(rows))


def liars(season):
    """One in two hundred takes every command, and does nothing, for a third of the winter."""
    rows = np.array(season.random.sample(range(season.world.n), max(1, season.world.n // 200)))

    season.on(0.05 * season.days * DAY, "some lie", lambda: season.world.lying.__setitem__(rows, True))
    season.on(0.38 * season.days * DAY, "they obey again", lambda: season.world.obey(rows))


def silence(season):
    """The issuer with a failsafe falls silent for a day, and comes back."""
    if season.reserve is None:
        return

    def speaks(*, again):
        season.reserve.speaks = again

    at_s = 0.74 * season.days * DAY
    _edge(season, at_s, "reserve: silent", lambda: speaks(again=False))
    _edge(season, at_s + min(DAY, 0.1 * season.days * DAY), "reserve: back", lambda: speaks(again=True))


def locked(season):
    """A few machines are held by a hand, a few are off by their owner's wish, for the rest of the winter."""
    rows = season.random.sample(range(season.world.plain), max(2, season.world.n // 100))
    held, unwanted = rows[: len(rows) // 2], rows[len(rows) // 2 :]

    async def lock():
        if season.life is None:
            season.after(60.0, "locked", lock)
            return
        desk, fleet = season.life.built.desk, season.life.built.fleet
        ids = {row: fleet.miners[season.rows_of([row])[0]].id for row in rows}
        await desk.hold([ids[row] for row in held], kind="maintenance", by="the owner", until=None)
        await desk.set_level([ids[row] for row in unwanted], "sleep", by="the owner")
        season.world.locked[rows] = True
        season.unwanted = unwanted

    season.on(0.03 * season.days * DAY, "locked", lock)


def power_cut(season, share, *, minutes, host_back_s):
    """The whole farm loses its power, the host with it; the machines are back before the host is."""
    world, everybody = season.world, np.arange(season.world.n)
    at_s = share * season.days * DAY

    async def cut():
        world.cut(everybody)
        season.powered = False
        world.clock.boots += 1
        await season.dies("power cut", back_after_s=minutes * MINUTE + host_back_s)

    def back():
        season.powered = True
        world.energise(everybody)

    season.on(at_s, "power cut", cut)
    season.on(at_s + minutes * MINUTE, "power back", back)


__all__ = ["BEGAN", "LAW", "plan"]
