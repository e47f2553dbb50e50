"""Hours out of the winter of `make test-long`, a face of each firmware among them, and the agent dies five times."""

from tests.winter.plan import clock_steps, fights, locked, machines_lost, meter_lost, reboots
from tests.winter.proof import failures
from tests.winter.season import HOUR, Season


async def test_hours_of_the_winter_are_held_whatever_befalls_them(tmp_path):
    season = Season(tmp_path, seed=7, days=0.18, machines=30, faces=18)
    season.close_s, season.each_second_s = 150.0, 40.0
    half = {"max_import_kw": round(0.5 * season.full_kw)}
    season.on(1.0 * HOUR, "contract", lambda: season.order("cap", "contract", half, starts_s=1.1 * HOUR, hours=2.2))
    stop = {"starts_s": 1.5 * HOUR, "hours": 1.0, "by_issuer": True}
    season.on(1.2 * HOUR, "law", lambda: season.order("law", "law", {"stop": True}, **stop))
    season.on(1.5 * HOUR, "law begins", lambda: None)
    season.on(2.8 * HOUR, "law is lifted", lambda: season.release("law"))
    season.on(3.3 * HOUR, "contract ends", lambda: None)
    for at_h, (transactions, is_kept) in ((1.11, (2, False)), (1.5, (1, True)), (2.81, (0, False))):
        season.on(at_h * HOUR, "dies", lambda dies=(transactions, is_kept): setattr(season.life.store, "dies", dies))
    season.on(1.52 * HOUR, "dies", lambda: setattr(season.world, "crash_after", 3))
    locked(season)
    for befalls, at_h in ((clock_steps, 1.4), (machines_lost, 1.7), (reboots, 2.2), (fights, 2.4), (meter_lost, 3.0)):
        befalls(season, at_h * HOUR)
    await season.run()
    assert failures(season) == []
    assert sum(times for name, times in season.tally.items() if name.startswith("crash")) >= 4
