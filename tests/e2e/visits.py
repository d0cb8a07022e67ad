"""A page in a real browser, with everything that went wrong on it, and its picture."""

import os
import time
from itertools import product
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, Request

# Every merge on the phone in the language of the longer words; desk and Chinese every night.
LOOKS = [
    (390, "en"),
    *(pytest.param(*one, marks=pytest.mark.nightly) for one in ((1440, "zh-hans"), (390, "zh-hans"), (1440, "en"))),
]
# The same for walks over many pages. Every merge the pages by turns, one at the desk, the next on the phone; every night all of them
# everywhere.
WALKS = [
    (1440, "zh-hans", "even"),
    (390, "en", "odd"),
    *(pytest.param(*one, "all", marks=pytest.mark.nightly) for one in product((1440, 390), ("zh-hans", "en"))),
]
AXE = {
    "runOnly": {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]},
    "resultTypes": ["violations"],
}
WATCH = """
window.refused = [];
document.addEventListener("securitypolicyviolation", (e) => window.refused.push(e.violatedDirective + " " + e.blockedURI));
"""

SETTLED = 60  # seconds after which a request that nobody answers is a fault of the page or of the browser

NO_SOCKET = "delete window.WebSocket"  # the server of these tests has none: pages ask now and then instead


TURN = """
async () => {
    await document.fonts.ready;
    await new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
}
"""


LETTERS = """
() => {
    const lines = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    let letters = 0;
    while (lines.nextNode()) {
        if (lines.currentNode.parentElement.checkVisibility()) letters += lines.currentNode.data.trim().length;
    }
    return letters;
}
"""


class Visit:
    """A page with everything that went wrong on it."""

    def __init__(self, page: Page, *, home: str) -> None:
        self.page, self.home = page, home
        self.troubles: list[str] = []
        page.add_init_script(WATCH)
        self._asked: set[Request] = set()
        page.on("request", lambda asked: self._asked.add(asked))
        page.on("requestfinished", lambda asked: self._asked.discard(asked))
        page.on("requestfailed", lambda asked: self._asked.discard(asked))
        page.on("console", lambda line: line.type in {"error", "warning"} and self.troubles.append(line.text))
        page.on("pageerror", lambda error: self.troubles.append(str(error)))
        page.on("request", lambda asked: self._is_ours(asked.url) or self.troubles.append(f"foreign {asked.url}"))
        page.on("response", lambda got: got.status >= 400 and self.troubles.append(f"{got.status} {got.url}"))

    def go(self, path: str) -> None:
        self.page.goto(self.home + path)
        self.settle()

    def settle(self) -> None:
        """Loaded, its scripts have had their turn, and nothing that was asked for is still under way."""
        self.page.wait_for_load_state("load")
        self.page.evaluate(TURN)
        end = time.monotonic() + SETTLED
        while self._asked:
            assert time.monotonic() < end, f"never answered: {[asked.url for asked in self._asked]}"
            self.page.wait_for_timeout(10)

    def check(self, *, deep: bool = True) -> None:
        """No sideways scroll, no error, no refused source, no foreign host; deep: nothing that axe objects to."""
        self.settle()
        page = self.page
        assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
        assert page.evaluate("window.refused") == []
        assert self.troubles == [], self.troubles
        if not deep:
            return
        found = Axe().run(page, options=AXE).response["violations"]
        assert [(item["id"], item["nodes"][0]["html"][:200]) for item in found] == []

    def _is_ours(self, url: str) -> bool:
        return url.startswith((self.home, "data:", "blob:"))


def is_in_turn(number: int, turns: str) -> bool:
    """Is the page of this number looked at in this walk? `turns` is of `WALKS`."""
    return turns == "all" or (number % 2 == 0) == (turns == "even")


def keep(page: Page, *, name: str, folder: Path | None = None) -> None:
    """There is something to see on the page; and its picture, whole below SIYU_SHOTS when somebody wants to look at it, of the first
    screen in `folder` where the picture itself is tested. One that nobody looks at costs more than all that is asked of a page.
    """
    assert page.evaluate(LETTERS) > 20, name
    wanted = os.environ.get("SIYU_SHOTS")
    if chosen := wanted or folder:
        path = Path(chosen) / f"{name}.png"
        page.screenshot(path=path, full_page=bool(wanted))
        assert path.stat().st_size > 10_000
