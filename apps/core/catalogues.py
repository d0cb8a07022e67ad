"""Message catalogues without gettext's programs: extract, merge, check, compile, all by Babel.

Message ids are English. `en` answers each id with itself; `zh_Hans` is written by people. Both must be complete.
"""

import io
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from babel.messages.catalog import Catalog, Message
from babel.messages.extract import DEFAULT_KEYWORDS, extract
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po
from django.conf import settings
from django.utils.translation.template import templatize

LOCALES = ("zh_Hans", "en")
_KEYWORDS = {
    **DEFAULT_KEYWORDS,
    "gettext_lazy": None,
    "gettext_noop": None,
    "ngettext_lazy": (1, 2),
    "pgettext_lazy": ((1, "c"), 2),
}
_PLACEHOLDER = re.compile(r"%\((\w+)\)[sd]")


def template() -> Catalog:
    """Every message of the code and the templates, with where it stands."""
    catalog = Catalog(project="Siyu", charset="utf-8", fuzzy=False)
    for path, source in _sources():
        for line, message, _comments, context in extract("python", io.BytesIO(source.encode()), keywords=_KEYWORDS):
            catalog.add(message, locations=[(path, line)], context=context)
    return catalog


def update() -> dict[str, int]:
    """Merge the extracted messages into the catalogues. Returns how many of each lack a text."""
    fresh = template()
    lacking = {}
    for locale in LOCALES:
        catalog = _read(locale)
        catalog.update(fresh, no_fuzzy_matching=True)
        catalog.obsolete.clear()
        for message in _messages(catalog):
            message.flags.discard("fuzzy")
            if locale == "en":
                message.string = message.id
        lacking[locale] = sum(1 for message in _messages(catalog) if not _is_full(message))
        catalog.header_comment = "# Siyu: messages of the interface. Maintained by `bin/manage catalogues`."
        catalog.creation_date = catalog.revision_date = datetime(2026, 1, 1, tzinfo=UTC)  # no noise in diffs
        path = _path(locale, "po")
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("wb") as file:
            write_po(file, catalog, width=120, omit_header=False, sort_output=True, include_lineno=False)
    return lacking


def faults() -> list[str]:
    """What is wrong with the catalogues: missing, empty, superfluous messages, placeholders that differ."""
    fresh = {(message.id, message.context): message for message in _messages(template())}
    found = []
    for locale in LOCALES:
        known = {(message.id, message.context): message for message in _messages(_read(locale))}
        found += [f"{locale}: missing {key[0]!r} ({_where(fresh[key])})" for key in fresh.keys() - known.keys()]
        found += [f"{locale}: no longer used {key[0]!r}" for key in known.keys() - fresh.keys()]
        for key in fresh.keys() & known.keys():
            message = known[key]
            if not _is_full(message) or message.fuzzy:
                found.append(f"{locale}: no text for {key[0]!r} ({_where(fresh[key])})")
            elif _names(message.id) != _names(message.string):
                found.append(f"{locale}: other placeholders in {key[0]!r}")
    return sorted(found)


def compile_all() -> int:
    """Write the .mo files. Returns how many messages they hold."""
    count = 0
    for locale in LOCALES:
        catalog = _read(locale)
        count += len(catalog)
        with _path(locale, "mo").open("wb") as file:
            write_mo(file, catalog)
    return count


def _sources() -> Iterator[tuple[str, str]]:
    root = Path(settings.BASE_DIR)
    for folder in ("apps", "config"):
        for path in sorted((root / folder).rglob("*.py")):
            if "migrations" not in path.parts:
                yield str(path.relative_to(root)), path.read_text()
    for path in sorted((root / "templates").rglob("*")):
        if path.suffix in {".html", ".txt"}:
            name = str(path.relative_to(root))
            yield name, templatize(path.read_text(), origin=name)


def _messages(catalog: Catalog) -> list[Message]:
    return [message for message in catalog if message.id]


def _is_full(message: Message) -> bool:
    return all(message.string) if isinstance(message.string, list | tuple) else bool(message.string)


def _names(text: str | list | tuple | None) -> set[str]:
    parts = [text or ""] if isinstance(text, str | None) else text
    return {name for part in parts for name in _PLACEHOLDER.findall(part)}


def _where(message: Message) -> str:
    return ", ".join(f"{path}:{line}" for path, line in message.locations[:2])


def _path(locale: str, suffix: str) -> Path:
    return Path(settings.BASE_DIR) / "locale" / locale / "LC_MESSAGES" / f"django.{suffix}"


def _read(locale: str) -> Catalog:
    path = _path(locale, "po")
    if not path.exists():
        return Catalog(locale=locale, project="Siyu", charset="utf-8", fuzzy=False)
    with path.open("rb") as file:
        return read_po(file, locale=locale)
