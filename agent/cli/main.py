"""The shell `hashwatt`: its commands in the order of its help. Nothing heavy is imported until a command needs it."""

from __future__ import annotations

from importlib.metadata import version
from pathlib import Path
from typing import Annotated

import typer

from agent.cli.backtest import backtest
from agent.cli.bill import bill, bills
from agent.cli.bill_compare import compare as compare_bills
from agent.cli.bill_correct import correct as correct_reads
from agent.cli.check import check
from agent.cli.clock import clock
from agent.cli.compare import compare
from agent.cli.drill import drill
from agent.cli.evidence import evidence
from agent.cli.groups import Shell
from agent.cli.holds import hold, unhold
from agent.cli.journal import journal
from agent.cli.meters import meters
from agent.cli.miners import miners
from agent.cli.miners_export import export
from agent.cli.miners_found import adopt, disown, proposed
from agent.cli.miners_import import import_
from agent.cli.options import examples
from agent.cli.orders import orders
from agent.cli.orders_signed import keygen, sign, verify
from agent.cli.outlets import outlets
from agent.cli.plan import DayCommand, plan
from agent.cli.probe import probe
from agent.cli.report import report
from agent.cli.safety import safety
from agent.cli.scan import scan
from agent.cli.seals import seal, seals, unseal
from agent.cli.simulate import simulate
from agent.cli.status import status
from agent.cli.top import top

shell = typer.Typer(
    cls=Shell,
    help="Runs a bitcoin-mining farm: polls its machines, holds it to curtailment orders, keeps the evidence.",
    epilog=examples(
        "hashwatt demo --miners 300 --for 120",
        "hashwatt check --config farm.toml",
        "hashwatt run --config farm.toml",
        "hashwatt status",
    )
    + "\n\nExit codes: 0 ok, 1 the answer is no, 2 bad usage or input, 3 could not reach or already taken.",
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    no_args_is_help=True,
)

BENCH = "hashwatt bench agent --miners 300"


def _version(wanted: bool) -> None:
    if wanted:
        print(f"hashwatt {version('hashwatt')}")
        raise typer.Exit


@shell.callback()
def hashwatt(
    _told: Annotated[
        bool, typer.Option("--version", is_eager=True, callback=_version, help="Print the version and leave.")
    ] = False,
) -> None:
    """Take what stands before the command."""


@shell.command(epilog=examples("hashwatt run --config farm.toml", "hashwatt run --config farm.toml --state-dir state"))
def run(
    config: Annotated[Path, typer.Option(metavar="FILE", help="The configuration.")] = Path("farm.toml"),
    state_dir: Annotated[Path | None, typer.Option(metavar="DIR", help="Where it keeps its state.")] = None,
) -> None:
    """Run the agent: SIGHUP takes up what the configuration says now, SIGTERM stops it; neither wakes anything."""
    from agent.cli.run import main  # noqa: PLC0415

    told = ["--config", str(config), *(["--state-dir", str(state_dir)] if state_dir is not None else [])]
    raise typer.Exit(main(told))


@shell.command(epilog=examples("hashwatt demo", "hashwatt demo --miners 300 --for 120"))
def demo(
    miners_: Annotated[int, typer.Option("--miners", min=1, metavar="N", help="How many machines.")] = 300,
    seconds: Annotated[
        float | None, typer.Option("--for", min=90, metavar="S", help="Stop and lift within so long, then end.")
    ] = None,
    port: Annotated[int, typer.Option(min=1, max=65535, metavar="P", help="Of the page and the API.")] = 8700,
    mix: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Which machines, in which shares; all: every firmware.")
    ] = None,
    faults: Annotated[Path | None, typer.Option(metavar="FILE", help="What goes wrong, and when.")] = None,
) -> None:
    """Show it all: a simulated farm, a broker, the agent and its page."""
    from agent.cli.demo import demo as show  # noqa: PLC0415 - the simulators are not for every command

    raise typer.Exit(show(miners=miners_, seconds=seconds, port=port, mix=mix, faults=faults))


shell.command(epilog=examples("hashwatt check --config farm.toml"))(check)
shell.command(epilog=examples("hashwatt status", "hashwatt status --url http://farm:8700 --json"))(status)
shell.command(
    epilog=examples("hashwatt top", "hashwatt top feeder:T1 --sort heat", "hashwatt top --rounds 1 --limit 5 --json")
)(top)
miners.command(
    "export",
    epilog=examples("hashwatt miners export > inventory.csv", "hashwatt miners export --config farm.toml --json"),
)(export)
miners.command(
    "import",
    epilog=examples("hashwatt miners import foreman.csv", "hashwatt miners import foreman.csv -o inventory.csv"),
)(import_)
miners.command("proposed", epilog=examples("hashwatt miners proposed", "hashwatt miners proposed --json"))(proposed)
miners.command(
    "adopt",
    epilog=examples(
        "hashwatt miners adopt 10.20.1.7", "hashwatt miners adopt all --feeder T1 --tag owner:acme --by Aigul --yes"
    ),
)(adopt)
miners.command("disown", epilog=examples("hashwatt miners disown 10.20.1.7 --by Aigul --yes"))(disown)
shell.add_typer(miners, name="miners")
shell.add_typer(meters, name="meters")
shell.command(epilog=examples("hashwatt hold 10.20.1.7 --kind maintenance --by Aigul --until +4h"))(hold)
shell.command(epilog=examples("hashwatt unhold 10.20.1.7 --by Aigul"))(unhold)
shell.command(
    epilog=examples(
        "hashwatt seal feeder:T1 --number 004711 --act 'act 12 of 2026-11-12' --by 'A. Asanov'",
        "hashwatt seal '*' --number 004711 --act 12/2026 --by 'A. Asanov' --yes",
    )
)(seal)
shell.command(epilog=examples("hashwatt unseal --number 004711 --by 'A. Asanov' --and 'B. Bekov'"))(unseal)
shell.command(epilog=examples("hashwatt seals", "hashwatt seals --json"))(seals)
for _command, _example in (
    (keygen, "hashwatt orders keygen k1 -o energo.pem"),
    (sign, "hashwatt orders sign order.json --key energo.pem --kid k1 -o order.jws"),
    (verify, "hashwatt orders verify order.jws --key k1:BASE64"),
):
    orders.command(epilog=examples(_example))(_command)
shell.add_typer(orders, name="orders")
shell.add_typer(safety, name="safety")
shell.command(
    epilog=examples(
        "hashwatt drill",
        "hashwatt drill --feeder T1 --percent 5",
        "hashwatt drill --feeder T1 --yes --json",
        "hashwatt drill --stop",
    )
)(drill)
shell.command(epilog=examples("hashwatt outlets", "hashwatt outlets --json"))(outlets)
shell.add_typer(clock, name="clock")
shell.command(
    cls=DayCommand,
    epilog=examples(
        "hashwatt plan --max-import-kw 2500",
        "hashwatt plan --max-import-kw 40 --fleet fleet.json --json",
        "hashwatt plan --day",
        "hashwatt plan --day yesterday",
        "hashwatt plan --day --nominate tomorrow.csv",
        "hashwatt plan --day --bought bought.csv --issuer korem -o bought.json",
    ),
)(plan)
bills.command(
    "show",
    epilog=examples(
        "hashwatt bill --month 2026-11",
        "hashwatt bill --tariff tariff.toml --load load.csv --explain",
        "hashwatt bill compare invoice.csv --tariff tariff.toml --load load.csv",
    ),
)(bill)
bills.command(
    "compare",
    epilog=examples(
        "hashwatt bill compare invoice.json", "hashwatt bill compare invoice.csv --tariff tariff.toml --load load.csv"
    ),
)(compare_bills)
bills.command("correct", epilog=examples("hashwatt bill correct reads.csv --by Aida --why 'protocol 17 of the meter'"))(
    correct_reads
)
shell.add_typer(bills, name="bill")
shell.command(
    epilog=examples(
        "hashwatt compare KG PY:kv66 QC:cb_small --hashprice 52 --fx USD/KGS=87.4 --fx USD/CAD=1.37",
        "hashwatt compare KG kz.toml --fleet fleet.json --load load.csv --html places.html",
    )
)(compare)
shell.command(
    epilog=examples(
        "hashwatt backtest", "hashwatt backtest --prices 2025.csv --zone Europe/Berlin --hashprice 45 --json"
    )
)(backtest)
shell.command(
    epilog=examples(
        "hashwatt report --order stop-1",
        "hashwatt report --order stop-1 --html stop-1.html --lang ru",
        "hashwatt report --month 2026-11 --config farm.toml --json",
    )
)(report)
shell.command(
    epilog=examples(
        "hashwatt journal --since -2h", "hashwatt journal --order stop-1 --json", "hashwatt journal --follow"
    )
)(journal)
shell.add_typer(evidence, name="evidence")
shell.command(epilog=examples("hashwatt probe 10.20.1.7", "hashwatt probe 10.20.1.7:4029 --commands --json"))(probe)
shell.command(
    epilog=examples(
        "hashwatt scan 10.20.0.0/16",
        "hashwatt scan 10.20.0.0/16 --toml >> farm.toml",
        "hashwatt scan --config farm.toml",
    )
)(scan)
shell.command(
    epilog=examples("hashwatt simulate --miners 50", "hashwatt simulate --mix mix.toml --config-out farm.toml")
)(simulate)

bench = typer.Typer(help="Measure on this machine; exit 1 where a target is missed.", epilog=examples(BENCH))
shell.add_typer(bench, name="bench")


@bench.command("agent", epilog=examples(BENCH, "hashwatt bench agent --miners 2000 --json"))
def bench_agent(
    miners_: Annotated[int, typer.Option("--miners", min=1, metavar="N", help="How many machines.")] = 300,
    window_s: Annotated[float, typer.Option(min=1, metavar="S", help="How long each of three windows is.")] = 20,
    as_json_: Annotated[bool, typer.Option("--json", help="Print the rows as JSON.")] = False,
) -> None:
    """Measure loop lag, memory and CPU of a running agent over a simulated farm."""
    from agent.cli.bench import bench_agent as measure  # noqa: PLC0415

    raise typer.Exit(measure(miners=miners_, seconds=window_s, as_json=as_json_))


@bench.command("poll", epilog=examples("hashwatt bench poll", "hashwatt bench poll --miners 1000 --json"))
def bench_poll(
    miners_: Annotated[int, typer.Option("--miners", min=1, metavar="N", help="How many machines.")] = 200,
    as_json_: Annotated[bool, typer.Option("--json", help="Print the rows as JSON.")] = False,
) -> None:
    """Measure what decoding a reply costs beside json.loads, and a poll over sockets."""
    from agent.cli.bench import show  # noqa: PLC0415 - not for every command
    from agent.cli.bench_poll import SKIPPED  # noqa: PLC0415 - likewise
    from agent.cli.bench_poll import bench_poll as measure  # noqa: PLC0415 - likewise

    raise typer.Exit(show(measure(miners=miners_), as_json=as_json_, skipped=SKIPPED))


@bench.command("plan", epilog=examples("hashwatt bench plan", "hashwatt bench plan --miners 100000 --json"))
def bench_plan(
    miners_: Annotated[int, typer.Option("--miners", min=1, metavar="N", help="How many machines.")] = 10_000,
    as_json_: Annotated[bool, typer.Option("--json", help="Print the rows as JSON.")] = False,
) -> None:
    """Measure how long the best plan under a cap takes, and a tick that decides."""
    from agent.cli.bench import show  # noqa: PLC0415 - not for every command
    from agent.cli.bench_plan import bench_plan as measure  # noqa: PLC0415 - likewise

    raise typer.Exit(show(measure(miners=miners_), as_json=as_json_))


@bench.command("scrape", epilog=examples("hashwatt bench scrape", "hashwatt bench scrape --miners 100000 --json"))
def bench_scrape(
    miners_: Annotated[int, typer.Option("--miners", min=1, metavar="N", help="How many machines.")] = 10_000,
    as_json_: Annotated[bool, typer.Option("--json", help="Print the rows as JSON.")] = False,
) -> None:
    """Measure what a scrape of a large farm costs, and how late the loop turns meanwhile."""
    from agent.cli.bench import show  # noqa: PLC0415 - not for every command
    from agent.cli.bench_scrape import bench_scrape as measure  # noqa: PLC0415 - likewise

    raise typer.Exit(show(measure(miners=miners_), as_json=as_json_))


@bench.command("curtail", epilog=examples("hashwatt bench curtail", "hashwatt bench curtail --miners 1000 --json"))
def bench_curtail(
    miners_: Annotated[int, typer.Option("--miners", min=1, metavar="N", help="How many machines.")] = 10_000,
    as_json_: Annotated[bool, typer.Option("--json", help="Print the rows as JSON.")] = False,
) -> None:
    """Measure how soon every machine of a farm is told to stop, over real sockets, and how late the loop turns."""
    from agent.cli.bench import show  # noqa: PLC0415 - not for every command
    from agent.cli.bench_curtail import bench_curtail as measure  # noqa: PLC0415 - likewise

    raise typer.Exit(show(measure(miners=miners_), as_json=as_json_))


@bench.command("bill", epilog=examples("hashwatt bench bill", "hashwatt bench bill --json"))
def bench_bill(as_json_: Annotated[bool, typer.Option("--json", help="Print it as JSON.")] = False) -> None:
    """Measure how long a year of quarter hours takes to bill, by sorts of tariff."""
    from agent.cli.bench import show  # noqa: PLC0415 - not for every command
    from agent.cli.bench_bill import bench_bill as measure  # noqa: PLC0415 - likewise

    raise typer.Exit(show(measure(), as_json=as_json_))
