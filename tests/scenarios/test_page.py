"""The page in a real browser, on a desk and on a phone, over a real agent and a farm under orders."""

import asyncio
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.scenarios.browser import browser
from tests.scenarios.stage import stage

PICTURE = Path(__file__).parents[2] / "docs" / "page.png"
STANDING = "document.querySelector('#standing-text').textContent"
PILLS = "document.querySelector('#pills').innerText"
ORDER = "document.querySelector('#orders li[data-state={}]')"
FIRST_Y = "(path) => Number(/^M[\\d.]+ ([\\d.]+)/.exec(path.getAttribute('d'))[1])"
LAST_Y = "(path) => Number(/ ([\\d.]+)$/.exec(path.getAttribute('d'))[1])"


@pytest.mark.lasts(45)
async def test_an_order_is_seen_on_desk_and_phone_as_it_is_met_and_lifted(tmp_path):
    async with stage(tmp_path, 24) as site, browser() as look:
        await site.until_known(24)
        url = site.url("/")
        desk, phone = await asyncio.gather(look(url, width=1280), look(url, width=390, scheme="dark"))
        for onlooker in (desk, phone):
            await onlooker.until(f"{STANDING}.startsWith('No order is in force')")
            await onlooker.page.evaluate("window.loadedOnce = true")
        full_w = await site.true_draw_w()
        await site.order(limit={"max_import_kw": round(0.5 * full_w / 1000, 1)})
        await site.dispatcher.ack("o1", "complied", 60)
        for onlooker in (desk, phone):
            await _shows_what_is_met(onlooker)
        await _shows_machines(desk)
        await site.dispatcher.cancel("o1")
        await desk.until(f"{ORDER.format('closed')} || {ORDER.format('restoring')}")
        for onlooker in (desk, phone):
            assert await onlooker.page.evaluate("window.loadedOnce"), "it was loaded again"
            assert not await onlooker.overflows()
            assert onlooker.complaints == []
            assert onlooker.elsewhere(url) == []


async def _shows_what_is_met(onlooker):
    await onlooker.until(f"{STANDING}.startsWith('Obeys o1 (law, by dispatcher)')")
    await onlooker.until(ORDER.format("complied"))
    order = await onlooker.text("#orders li")
    assert "at most" in order
    assert "by dispatcher" in order
    assert "o1" in await onlooker.text("#figures div:nth-child(2)")
    assert "Obeys" not in await onlooker.text("#events")
    draw, cap = onlooker.page.locator("#draw path.draw").last, onlooker.page.locator("#draw path.cap").last
    assert await draw.evaluate(LAST_Y) >= await cap.evaluate(LAST_Y) - 1, "drawn above the cap that it obeys"
    assert await draw.evaluate(FIRST_Y) < await draw.evaluate(LAST_Y) - 20, "it did not fall"
    assert await onlooker.page.locator("#draw path.above").count() >= 1


async def _shows_machines(desk):
    page = desk.page
    await page.locator("#rows tr").nth(20).wait_for()
    assert await desk.text("#page-of") == "1\u201324 of 24"
    await page.click("#states [data-choice=sleeping]")
    await desk.until("[...document.querySelectorAll('#rows td.state')].every((cell) => cell.innerText === 'sleeping')")
    await page.click("#states [data-choice=all]")
    await page.click("#columns button:has-text('Draw')")
    await desk.until("document.querySelector('#columns [aria-sort=descending]')?.innerText === 'Draw'")
    await desk.until("document.querySelectorAll('#rows tr').length === 24")
    name = await page.locator("#rows td button").last.inner_text()
    await page.fill("#search", name)
    await desk.until("document.querySelectorAll('#rows tr').length === 1")
    await page.click("#rows td button")
    await page.locator("#machine .facts").wait_for()
    assert await desk.text("#machine-title") == name
    await page.keyboard.press("Escape")


async def test_a_site_that_only_observes_says_so_loudly(tmp_path):
    async with stage(tmp_path, 4, mode="observe") as site, browser() as look:
        onlooker = await look(site.url("/"), width=390)
        await onlooker.until("document.querySelector('#banner').textContent.includes('OBSERVE MODE: nothing is sent')")
        await onlooker.until(f"{STANDING}.startsWith('Observe mode: nothing is sent.')")
        await onlooker.until(f"{PILLS}.includes('meter main') && !{PILLS}.includes('silent')")
        await site.farm("/meter", {"stale_s": 60})
        await onlooker.until(f"/meter main silent [0-9]+ s/.test({PILLS})")
        assert not await onlooker.overflows()


async def test_where_reading_is_not_open_a_token_is_asked_for_once(tmp_path):
    async with stage(tmp_path, 4, start=False) as site, browser() as look:
        site.config.write_text(site.config.read_text().replace("[http]", "[http]\npublic_read = false"))
        await site.start()
        onlooker = await look(site.url("/"), width=390)
        page = onlooker.page
        await page.fill("#token-text", "no token of this site")
        await page.click("#token button")
        await onlooker.until("document.querySelector('#token-wrong').textContent !== ''")
        await page.fill("#token-text", (site.state_dir / "token").read_text().strip())
        await page.click("#token button")
        await onlooker.until("document.querySelectorAll('#rows tr').length === 4")
        await onlooker.until("document.querySelector('#site-name').textContent === 'scene'")
        await page.reload()
        await onlooker.until("document.querySelectorAll('#rows tr').length === 4")
        assert not await page.locator("#token").is_visible()


@pytest.mark.skipif("HASHWATT_PICTURE" not in os.environ, reason="the README's picture is made when it is asked for")
async def test_the_picture_of_the_readme(tmp_path):
    async with stage(tmp_path, 300, poll_s=2.0) as site, browser() as look:
        await site.until_known(300, 60)
        await site.farm("/faults", {"select": "4%", "fault": "dead", "for_s": 3600})
        await asyncio.sleep(150)
        full_kw = await site.true_draw_w() / 1000
        later = (datetime.now(UTC) + timedelta(hours=7)).isoformat()
        await site.order(order_id="winter-stop", starts_at=later)
        await site.order(order_id="evening-peak", limit={"max_import_kw": round(0.45 * full_kw)})
        await site.dispatcher.ack("evening-peak", "complied", 90)
        await asyncio.sleep(120)
        relaxed = {"max_import_kw": round(0.7 * full_kw)}
        await site.order(order_id="evening-peak", revision=2, limit=relaxed, issued_at=datetime.now(UTC).isoformat())
        await asyncio.sleep(150)
        onlooker = await look(site.url("/"), width=1280, height=1240, scheme="dark")
        await onlooker.page.locator("#rows tr").nth(20).wait_for()
        await onlooker.page.screenshot(path=PICTURE)
    assert PICTURE.stat().st_size > 50_000
