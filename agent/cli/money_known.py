"""The bill of a store by what was known at an instant, and with corrected reads as adjustment lines."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from agent.cli.failure import USAGE, Failure
from agent.cli.money_from import Known, bill_in, terms_in
from agent.cli.offline import Remembered
from agent.facts.energy import EnergyInterval, ReadsCorrected
from agent.inputs.corrections_file import read_corrections
from agent.inputs.load_file import LoadFile
from agent.outputs.money_corrected import Counted, adjusted, copied, corrections_of, counted, unknown_months
from agent.outputs.money_explained import calculation
from agent.outputs.money_totals import Totals
from agent.tariffs.bill import Unpriced
from agent.tariffs.charging import kwh_of, load_of
from agent.tariffs.corrections import Correction
from agent.tariffs.hypotheses import Billed
from agent.tariffs.load import Load

NO_TARIFF = "--corrections: the ledger's are priced by a tariff: --config FILE that has one"


def bill_known(store: Remembered, month: str | None, known: Known, *, explained: bool = False) -> dict[str, Any]:
    """Return the bill of a store by what was known. Raises Failure, ConfigError.

    A read that a hand and a file corrected counts as it was known last.
    """
    told = bill_in(store, month, known=known, explained=explained)
    if known.corrections is None:
        return told
    terms = terms_in(store)
    if terms.tariff is None:
        raise Failure(USAGE, NO_TARIFF)
    facts = [fact for fact in store.facts(["EnergyInterval"]) if isinstance(fact, EnergyInterval)]
    facts = [fact for fact in facts if fact.end > fact.start and (known.as_of is None or fact.at <= known.as_of)]
    if not facts:
        return told
    interval = max(fact.end - fact.start for fact in facts)
    load = load_of(sorted((fact.start, kwh_of(fact.site_wh)) for fact in facts), interval)
    by_file = _read(known, known.corrections, LoadFile(load=load, clock=terms.zone))
    known_now = Counted(load=load, corrections=[*_by_hand(store, known, load), *by_file])
    try:
        if missing := unknown_months(terms, terms.tariff, known_now):
            raise Failure(USAGE, f"--corrections: learned in {missing[0]}, of which the ledger has nothing")
        found = adjusted(told, terms, terms.tariff, known_now)
        return {**found, "calculation": calculation(found, terms, known_now)} if explained else found
    except Unpriced as error:
        raise Failure(USAGE, f"the tariff has no price: {error.component}: {error}") from None


def billed_in(store: Remembered) -> Billed | None:
    """Return all that a store's bill is made of, None where it holds nothing or no tariff is told. Raises Failure."""
    terms = terms_in(store)
    totals = Totals(zone=terms.zone, read=terms.metering.read)
    for fact in store.facts(["EnergyInterval", "ReadsCorrected"]):
        totals.heard(fact)
    heard = copied(totals)
    if terms.tariff is None or heard is None:
        return None
    found = counted(heard)
    return Billed(
        tariff=terms.tariff,
        load=found.load,
        zone=terms.zone,
        metering=terms.metering,
        corrections=tuple(found.corrections),
    )


def _by_hand(store: Remembered, known: Known, load: Load) -> list[Correction]:
    facts = [fact for fact in store.facts(["ReadsCorrected"]) if isinstance(fact, ReadsCorrected)]
    return corrections_of([fact for fact in facts if known.as_of is None or fact.at <= known.as_of], load)


def _read(known: Known, path: Path, file: LoadFile) -> list[Correction]:
    found = read_corrections(path, file)
    return [one for one in found if known.as_of is None or one.learned <= known.as_of]
