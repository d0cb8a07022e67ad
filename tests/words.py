"""Which words of a page came out of a catalogue: every translated text is put into brackets, and what stands outside is found."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from html.parser import HTMLParser
from typing import Any

import pytest
from django.utils import translation
from django.utils.translation import trans_real

LEFT, RIGHT = "\u27e6", "\u27e7"
SPOKEN = {"alt", "aria-label", "placeholder", "title", "data-waiting", "data-copied"}
SILENT = {"script", "style", "code", "svg"}


@contextmanager
def bracketed() -> Iterator[None]:
    """Within, every text asked of the catalogues stands in brackets, also those that were declared when modules loaded."""

    def around(name: str) -> Any:
        real = getattr(trans_real, name)

        def marked(*words: Any) -> str:
            text = real(*words)
            return f"{LEFT}{text}{RIGHT}" if any(char.isalpha() for char in text) else text

        return marked

    with pytest.MonkeyPatch.context() as patch:
        for name in ("gettext", "pgettext", "ngettext", "npgettext"):
            getattr(translation._trans, name)  # type: ignore[attr-defined]  # chosen at the first use
            patch.setattr(translation._trans, name, around(name))  # type: ignore[attr-defined]
        yield


class _Reader(HTMLParser):
    """Texts of a page in order, and what its attributes say."""

    def __init__(self) -> None:
        super().__init__()
        self.texts: list[str] = []
        self.quiet = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.quiet += tag in SILENT
        said = dict(attrs)
        self.texts += [value for name, value in said.items() if name in SPOKEN and value]
        if tag == "meta" and said.get("name") == "description":
            self.texts.append(said.get("content") or "")

    def handle_endtag(self, tag: str) -> None:
        self.quiet -= tag in SILENT

    def handle_data(self, data: str) -> None:
        if not self.quiet:
            self.texts.append(data)


def sentences(page: str, *, of: str) -> set[str]:
    """Runs of two Latin words and more (`of="latin"`), or of two Han characters and more ("han")."""
    pattern = r"[A-Za-z]{2,}(?: [A-Za-z]{2,})+" if of == "latin" else r"[\u4e00-\u9fff]{2,}"
    return {found for text in texts(page) for found in re.findall(pattern, text)}


def texts(page: str) -> list[str]:
    """What a reader sees or hears, attributes first where they stand."""
    reader = _Reader()
    reader.feed(page)
    return [re.sub(r"req_[\w-]+", "", text) for text in reader.texts]


def outside(page: str) -> list[str]:
    """Words of two letters and more that stand in no bracket; brackets may hold each other and reach over tags."""
    depth, kept = 0, []
    for char in "\n".join(texts(page)):
        depth += char == LEFT
        if depth == 0:
            kept.append(char)
        if char == RIGHT:
            depth = max(0, depth - 1)
            kept.append(" ")
    return re.findall(r"[A-Za-z\u4e00-\u9fff][A-Za-z\u4e00-\u9fff'-]+", "".join(kept))
