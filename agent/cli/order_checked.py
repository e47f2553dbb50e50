"""What an agent would refuse in a document, told before it is sent, by the option that said it."""

from __future__ import annotations

from agent.cli.failure import USAGE, Failure

OPTIONS = {
    "order_id": "--id",
    "class": "--class",
    "local.starts": "--local-starts",
    "local.ends": "--local-ends",
    "starts_at": "--starts",
    "ends_at": "--ends",
    "limit.baseline": "--baseline",
    "limit.of": "--of",
    "limit.trajectory": "--trajectory",
    "limit.fraction": "--fraction",
    "measure.at": "--measure-at",
    "measure.over_s": "--over-s",
    "measure.tolerance_pct": "--tolerance-pct",
    "targets.feeders": "--feeder",
    "targets.tags": "--tag",
    "targets.miners": "--miner",
    "exempt.feeders": "--exempt-feeder",
    "exempt.tags": "--exempt-tag",
    "exempt.miners": "--exempt-miner",
    "exempt.sources": "--exempt-source",
    "mandatory": "--offer",
    "on_silence.timeout_s": "--silence-s",
    "on_silence.failsafe_kw": "--failsafe-kw",
    "on_silence.min_s": "--failsafe-min-s",
    "on_silence.then": "--failsafe-then",
    "excess_price.amount": "--excess-price",
    "source_ref.number": "--number",
    "source_ref.date": "--dated",
    "source_ref.url": "--paper-url",
    "source_ref.issued_by": "--issued-by",
    "source_ref.taken_by": "--taken-by",
}
"""Fields whose option is not called as they are."""


def check(raw: bytes) -> None:
    """Say what is wrong with a document. Raises Failure."""
    from agent.inputs.order_document import parse_order  # noqa: PLC0415 - no schema library for everybody else
    from agent.orders.order import Rejection  # noqa: PLC0415

    found = parse_order(raw)
    if isinstance(found, Rejection):
        raise Failure(USAGE, _by_option(found.reason, found.code))


def _by_option(reason: str, code: str) -> str:
    field, colon, rest = reason.partition(": ")
    if not colon:
        return f"{code}: {reason}"
    told = field
    while told not in OPTIONS and "." in told:  # its place in a list is no option's
        told = told.rpartition(".")[0]
    option = OPTIONS.get(told) or f"--{told.replace('_', '-')}"
    for name in ("starts_at", "ends_at", "local.starts", "local.ends"):
        rest = rest.replace(name, OPTIONS[name])
    return f"{option}: {rest.replace('Input should', 'must')}"
