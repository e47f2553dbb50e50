"""The page's files as they are served: their policy, and that they ask nobody else."""

import re

import aiohttp
import pytest

from tests.outputs.farm import serving

SCRIPTS = ("/page.js", "/page_base.js", "/page_orders.js")
FILES = {"/": "text/html", "/page.css": "text/css", **dict.fromkeys(SCRIPTS, "text/javascript")}


@pytest.mark.parametrize(("path", "kind"), FILES.items())
async def test_a_file_is_served_to_anybody_with_a_strict_policy(path, kind):
    async with serving(public_read=False) as client, client.session.get(client.base + path) as answer:
        assert answer.status == 200
        assert answer.content_type == kind
        policy = answer.headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert len(await answer.read()) > 1000


@pytest.mark.parametrize("path", FILES)
async def test_what_is_known_already_is_not_sent_again(path):
    async with serving() as client:
        async with client.session.get(client.base + path) as answer:
            etag = answer.headers["ETag"]
        async with client.session.get(client.base + path, headers={"If-None-Match": etag}) as answer:
            assert (answer.status, await answer.read()) == (304, b"")
        async with client.session.get(client.base + path, headers={"If-None-Match": '"another"'}) as answer:
            assert answer.status == 200


async def test_nothing_on_the_page_is_inline_or_from_elsewhere():
    async with serving() as client, aiohttp.ClientSession(client.base) as session:
        told = {path: await (await session.get(path)).text() for path in FILES}
    assert not re.search(r"<style|\sstyle=|\son\w+=|<script(?![^>]*\ssrc=)", told["/"])
    for text in told.values():
        links = re.findall(r"https?://[^\s'\"]+", text)
        assert [link for link in links if not link.startswith("http://www.w3.org/")] == []
    assert not any("innerHTML" in told[path] for path in SCRIPTS)
