"""What a winter has to show at its end: nothing that must never be, every order's life whole, its evidence proven."""

import json
from itertools import pairwise

import typer.testing

from agent.cli.main import shell
from agent.facts import OrderMoved
from agent.outputs.minutes import facts_of, rebuild
from agent.proof.evidence import links_of
from tests.winter.judge import MOST_ALARMS

MOST_LOST_HOURS = 1.0
FINAL = {"closed", "rejected"}


def failures(season):
    """Return what went wrong, a sentence each; the agent has ended by now."""
    world, judge = season.world, season.judge
    wakes = world.wrong.wakes
    told = [f"{machine} was told {what} at {at} under {stops or 'a lock'}" for at, machine, what, stops in wakes]
    for key, (at, seconds, draw_w, cap_w, rows, count) in world.wrong.avoidable_s.items():
        told.append(
            f"{key}: {seconds:.0f} s over {cap_w:.0f} W from {at} ({draw_w:.0f} W) though {count} could be shed: {rows}"
        )
    told += world.wrong.others
    if judge.lost_hours > MOST_LOST_HOURS:
        told.append(f"for {judge.lost_hours:.1f} h machines slept that nothing bound: first at {judge.first_lost}")
    if judge.most_alarms > MOST_ALARMS:
        loudest = [f"{at.isoformat()} {kind}" for at, kind, _ in judge.loudest]
        told.append(f"{judge.most_alarms} alarms in an hour: {loudest}")
    for ordered in season.ordered.values():
        told += _life(ordered, season.broker.acks[ordered.order_id])
        told += _evidence(season, ordered.order_id)
    return told


def _life(ordered, acks):
    """Yield what is wrong with an order as its issuer saw it: lost, twice, out of order, not over."""
    name, numbers = ordered.order_id, [ack["seq"] for ack in acks]
    if not acks:
        yield f"{name}: lost, nothing was acknowledged"
        return
    if numbers != list(range(1, len(acks) + 1)):
        yield f"{name}: its acks are numbered {numbers}"
    received = [ack["revision"] for ack in acks if ack["state"] == "received"]
    issued = [one for one in ordered.revisions if not (ordered.released and one == ordered.revisions[-1])]
    if received != issued and not ordered.own:
        yield f"{name}: received were the revisions {received} of {issued}"
    if acks[-1]["state"] not in FINAL:
        yield f"{name}: it is {acks[-1]['state']} at the end"
    if any(one["at"] > other["at"] for one, other in pairwise(acks)):
        yield f"{name}: an ack is older than the one before it"


def _evidence(season, order_id):
    """Yield what the real commands do not prove of an order, or prove otherwise than it was acknowledged."""
    run, out = typer.testing.CliRunner(), season.folder / f"{order_id}.jsonl"
    store = ["--state-dir", str(season.folder), "--config", str(season.folder / "farm.toml")]
    made = run.invoke(shell, ["evidence", "export", order_id, "-o", str(out), *store])
    if made.exit_code != 0:
        yield f"{order_id}: no evidence: {made.stderr}"
        return
    proven = run.invoke(shell, ["evidence", "verify", str(out), "--json"])
    if proven.exit_code != 0:
        yield f"{order_id}: its evidence does not hold: {proven.stdout} {proven.stderr}"
        return
    if json.loads(proven.stdout)["covered"] != json.loads(proven.stdout)["links"]:
        yield f"{order_id}: not all of its evidence is under a signed head: {proven.stdout}"
    facts = facts_of(links_of(out.read_bytes()))
    moves = [(fact.seq, fact.revision, fact.state) for fact in facts if isinstance(fact, OrderMoved)]
    acks = [(ack["seq"], ack["revision"], ack["state"]) for ack in season.broker.acks[order_id]]
    if [move for move in moves if move in acks] != moves or len(moves) > len(acks):
        yield f"{order_id}: its evidence tells {moves}, its acks {acks}"
    if facts and not all(minute.state for minute in rebuild(facts) if minute.at >= facts[0].at):
        yield f"{order_id}: minutes of its life without a state"


def tidings(season):
    """Return what befell the winter, in lines."""
    world, judge = season.world, season.judge
    deaths = {name: times for name, times in sorted(season.tally.items()) if name.startswith("crash")}
    events = {name: times for name, times in sorted(season.tally.items()) if not name.startswith("crash")}
    yield f"{season.days:g} days, {world.n} machines, {len(season.ordered)} orders, {world.commands} commands obeyed"
    yield f"deaths {sum(deaths.values())}: " + ", ".join(f"{name[6:]} {times}" for name, times in deaths.items())
    yield "events: " + ", ".join(f"{name} {times}" for name, times in events.items())
    yield f"over a cap for {judge.over_s / 60:.1f} min, avoidably for {judge.avoidable_s / 60:.1f}"
    yield f"alarms {sum(judge.all_alarms.values())}, at most {judge.most_alarms} in an hour: {judge.all_alarms}"
