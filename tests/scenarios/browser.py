"""A real Chromium that looks at the page: what it complains of and whom it asks is noted."""

import asyncio
import shutil
from contextlib import asynccontextmanager

from playwright.async_api import async_playwright

ARGUMENTS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
PATIENCE_S = 240


class Onlooker:
    """One page in one window."""

    def __init__(self, page):
        self.page = page
        self.complaints = []
        self.asked = []
        page.on("console", lambda said: said.type in {"error", "warning"} and self.complaints.append(said.text))
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("request", lambda request: self.asked.append(request.url))
        page.set_default_timeout(PATIENCE_S * 1000)

    async def text(self, selector):
        return await self.page.inner_text(selector)

    async def until(self, expression):
        """Wait until an expression of the page's own language is true.

        Asked again and again from outside: the page's policy forbids what Playwright would have it evaluate itself.
        """
        async with asyncio.timeout(PATIENCE_S):
            while True:
                if await self.page.evaluate(f"!!({expression})"):
                    return
                await asyncio.sleep(0.1)

    async def overflows(self):
        return await self.page.evaluate("document.documentElement.scrollWidth > window.innerWidth")

    def elsewhere(self, url):
        """Return what was asked of anybody but the agent at `url`."""
        return [asked for asked in self.asked if not asked.startswith((url, "data:"))]


@asynccontextmanager
async def browser():
    """Run a browser with a new profile; yields what opens a window of a size on an address."""
    async with async_playwright() as playwright:
        chromium = await playwright.chromium.launch(executable_path=shutil.which("chromium"), args=ARGUMENTS)

        async def look(url, *, width, height=900, scheme="light"):
            window = {"width": width, "height": height}
            page = await chromium.new_page(viewport=window, color_scheme=scheme, reduced_motion="reduce")
            onlooker = Onlooker(page)
            await page.goto(url)
            return onlooker

        try:
            yield look
        finally:
            await chromium.close()
