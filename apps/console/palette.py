"""Pages found by what they are called: in Chinese, in English, or by the first letters of the Chinese as one says them ("zb": 总部)."""

from bisect import bisect_right
from functools import cache

from django.http import HttpRequest
from django.utils import translation
from django.utils.functional import Promise

from apps.console import navigation
from apps.console.navigation import Place

SHOWN = 8
LANGUAGES = ("zh-hans", "en")
# GB 2312 orders its 3,755 usual characters by how they are said: where each first letter begins.
_BEGINS = (
    0xB0A1, 0xB0C5, 0xB2C1, 0xB4EE, 0xB6EA, 0xB7A2, 0xB8C1, 0xB9FE, 0xBBF7, 0xBFA6, 0xC0AC, 0xC2E8, 0xC4C3, 0xC5B6, 0xC5BE, 0xC6DA,
    0xC8BB, 0xC8F6, 0xCBFA, 0xCDDA, 0xCEF4, 0xD1B9, 0xD4D1,
)  # fmt: skip
_LETTERS = "abcdefghjklmnopqrstwxyz"
_LAST = 0xD7F9


def pages(request: HttpRequest, text: str) -> list[Place]:
    """What this person may open and is called like that: names that begin with it first."""
    said = text.casefold().replace(" ", "")
    if not said:
        return []
    found = [
        (rank, number, place)
        for number, place in enumerate(place for _group, places in navigation.places(request) for place in places)
        if (rank := _rank(place.label, said)) is not None
    ]
    return [place for _rank_of, _number, place in sorted(found, key=lambda one: one[:2])][:SHOWN]


def initials(text: str) -> str:
    """积分规则 → jfgz. Latin letters and figures stay; what is not among the usual characters is left out."""
    return "".join(_initial(character) for character in text)


def _initial(character: str) -> str:
    if character.isascii():
        return character.casefold() if character.isalnum() else ""
    try:
        code = int.from_bytes(character.encode("gb2312"))
    except UnicodeEncodeError:
        return ""
    return _LETTERS[bisect_right(_BEGINS, code) - 1] if _BEGINS[0] <= code <= _LAST else ""


def _rank(label: str | Promise, said: str) -> int | None:
    """0: a name begins with it; 1: it stands within one; None: neither."""
    names = _names(label) if isinstance(label, Promise) else (str(label).casefold().replace(" ", ""),)
    if any(name.startswith(said) for name in names):
        return 0
    return 1 if any(said in name for name in names) else None


def _names(label: Promise) -> tuple[str, ...]:
    found = []
    for language in LANGUAGES:
        with translation.override(language):
            found.append(str(label))
    return _spelled(*found)


@cache
def _spelled(chinese: str, english: str) -> tuple[str, ...]:
    return (chinese.casefold().replace(" ", ""), initials(chinese), english.casefold().replace(" ", ""))
