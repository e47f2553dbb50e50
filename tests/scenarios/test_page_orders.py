"""Orders entered, lifted, answered and released on the page, in a real browser, by hands whose token has a role."""

import asyncio
import hashlib
import json
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

from agent.clock import ManualClock
from agent.ledger.history import History, Kept
from agent.orders.compliance import Observed
from agent.values import Moment
from agent.wiring.pulse import Pulse
from tests.outputs.farm import NOW, TOKENS, document, serving
from tests.scenarios.browser import PATIENCE_S, browser

SAID = "document.querySelector('#orders-said').textContent"


class Desk:
    """The page before somebody at a desk, and the agent behind it."""

    def __init__(self, onlooker, client, pulse):
        self.onlooker, self.page, self.client, self.pulse = onlooker, onlooker.page, client, pulse

    async def sees(self, selector):
        """Let the agent tell what it knows until the page shows it."""
        async with asyncio.timeout(PATIENCE_S):
            while not await self.page.locator(selector).count():
                self.pulse.beat()

    async def enters(self, **fields):
        await self.page.click("#order-new")
        for name, value in fields.items():
            field = self.page.locator(f"#order-form [name={name}]")
            if name in {"demand", "class"}:
                await field.select_option(value)
            else:
                await field.fill(value)

    async def gives_token(self, role):
        await self.page.fill("#token-text", TOKENS[role])
        await self.page.click("#token button")

    async def documents(self):
        return [json.loads(fact.document) for fact in self.client.desk.facts if hasattr(fact, "restore_after_s")]


@asynccontextmanager
async def desk(folder, **told):
    pulses = []

    def watch(sight):
        history = History(folder / "history.db", [miner.id for miner in sight.fleet.miners], Kept())
        pulses.append(Pulse(sight, history, ManualClock(NOW.at)))
        return pulses[0].watch()

    async with serving(watch=watch) as client, browser() as look:
        client.desk.now = Moment.trusted(datetime.now(UTC), NOW.mono)
        onlooker = await look(f"{client.base}/", **{"width": 1280, **told})
        pulses[0].beat()
        await onlooker.until("document.querySelector('#orders li.empty')")
        yield Desk(onlooker, client, pulses[0])
        assert [said for said in onlooker.complaints if not said.startswith("Failed to load resource")] == []
        assert onlooker.elsewhere(client.base) == []
        await pulses[0].close()


async def test_an_order_by_telephone_is_entered_shown_sent_and_lifted(tmp_path):
    (tmp_path / "call.ogg").write_bytes(b"a call")
    async with desk(tmp_path, width=390) as hands:
        await hands.enters(demand="max_import_kw", amount="2500", issuer="energo", **{"class": "law"})
        await hands.page.click("#order summary")
        for name, value in (("number", "14"), ("issued_by", "I. Petrov"), ("taken_by", "Aigul")):
            await hands.page.fill(f"#order-form [name={name}]", value)
        await hands.page.set_input_files("#order-form [name=attachment]", tmp_path / "call.ogg")
        await hands.page.click("#order-send")
        await hands.onlooker.until("document.querySelector('#order-wrong').textContent.includes('read back')")
        await hands.page.check("#order-form [name=read_back]")
        await hands.page.click("#order-send")
        await hands.page.locator("#order-document").wait_for()
        assert hands.client.desk.facts == [], "it was sent before it was shown"
        assert not await hands.onlooker.overflows()
        await hands.page.click("#order-send")
        await hands.gives_token("orderer")
        await hands.onlooker.until(f"{SAID}.endsWith(' is active.')")
        await hands.sees("#orders li[data-state=active]")
        (told,) = await hands.documents()
        assert (told["limit"], told["class"], told["issuer"]) == ({"max_import_kw": 2500}, "law", "energo")
        assert told["source_ref"] == {
            "number": "14", "issued_by": "I. Petrov", "taken_by": "Aigul", "received_via": "phone, read back",
            "date": told["source_ref"]["date"], "sha256": hashlib.sha256(b"a call").hexdigest(),
        }  # fmt: skip
        assert (await hands.page.evaluate(SAID)).startswith(told["order_id"])
        await hands.page.click("[data-deed=lift]")
        await hands.page.fill("#hand-form [name=by]", "Aigul")
        await hands.page.fill("#hand-form [name=second]", "Bek")
        await hands.page.click("#hand-do")
        await hands.onlooker.until(f"{SAID}.includes('is cancelled')")
        assert (await hands.documents())[-1] | {"issued_at": ""} == {
            "order_id": told["order_id"], "revision": 2, "issuer": "energo", "class": "law", "status": "cancelled",
            "issued_at": "", "source_ref": {"issued_by": "Aigul", "taken_by": "Bek", "received_via": "by hand"},
        }  # fmt: skip


async def test_what_is_refused_is_told_and_what_is_changed_is_shown_again(tmp_path):
    async with desk(tmp_path) as hands:
        await hands.enters(issuer="stranger", **{"class": "contract"})
        await hands.page.click("#order-send")
        await hands.page.locator("#order-document").wait_for()
        await hands.page.fill("#order-form [name=note]", "another")
        assert await hands.page.inner_text("#order-send") == "Show what is sent"
        await hands.page.click("#order-send")
        await hands.page.click("#order-send")
        await hands.gives_token("viewer")
        await hands.onlooker.until("document.querySelector('#order-wrong').textContent.includes('role viewer')")
        await hands.page.evaluate("sessionStorage.clear()")
        await hands.page.click("#order-send")
        await hands.gives_token("operator")
        await hands.onlooker.until("document.querySelector('#order-wrong').textContent.startsWith('unknown_issuer')")


async def test_a_law_that_waits_for_two_hands_is_released_by_them(tmp_path):
    async with desk(tmp_path) as hands:
        ends = (hands.client.desk.now.at + timedelta(hours=1)).isoformat()
        await hands.client.ask("POST", "/api/v1/orders", **document(resume="operator", ends_at=ends))
        hands.client.desk.now = hands.client.desk.now.later(7200.0)
        hands.client.desk.book.tick(hands.client.desk.now, Observed())
        await hands.sees("[data-deed=release]")
        await hands.page.click("[data-deed=release]")
        await hands.page.fill("#hand-form [name=by]", "Aigul")
        await hands.page.fill("#hand-form [name=second]", "Bek")
        await hands.page.click("#hand-do")
        await hands.gives_token("operator")
        await hands.onlooker.until(f"{SAID}.includes('released: by Aigul (operator-1) and Bek')")
