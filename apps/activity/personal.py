"""Keeps personal data out of events: a value that looks like a phone, an e-mail address or an identity number refuses its event.

A number of eleven digits that happens to look like a phone is refused, too: better one event less than a phone in a log of behaviour.
"""

import re
from typing import Any

_DIGIT = "[0-9０-９]"
_NUMBERS = re.compile(
    rf"(?<!{_DIGIT})(?:86|８６)?[1１][3-9３-９](?:[\s-]?{_DIGIT}){{9}}(?!{_DIGIT})"  # mobile phone
    rf"|(?<!{_DIGIT})[1-9１-９]{_DIGIT}{{5}}(?:19|20|１９|２０){_DIGIT}{{9}}[0-9Xx０-９Ｘ](?!{_DIGIT})"  # identity number
)
_MAIL = re.compile(r"[\w.+-][@＠][\w-]+\.[A-Za-z]{2,}")
# Words in the names of a brand's own properties.
_NAMED = frozenset(
    {
        "phone",
        "mobile",
        "tel",
        "email",
        "mail",
        "address",
        "openid",
        "unionid",
        "name",
        "realname",
        "idcard",
        "birthday",
    }
)


def may_be_in(text: str) -> bool:
    """Whether a whole batch as text is worth a closer look."""
    return "@" in text or "＠" in text or _NUMBERS.search(text) is not None


def found_in(value: Any) -> bool:
    """Whether any text within, at any depth, looks personal; numbers are read as text, too."""
    if isinstance(value, str):
        return _NUMBERS.search(value) is not None or _MAIL.search(value) is not None
    if isinstance(value, dict):
        return any(found_in(one) for one in value.values())
    if isinstance(value, list):
        return any(found_in(one) for one in value)
    if isinstance(value, bool) or value is None:
        return False
    return _NUMBERS.search(f"{value:.0f}" if isinstance(value, float) else str(value)) is not None


def names_somebody(properties: dict[str, Any]) -> bool:
    """Whether a brand's own event calls a property by a word for personal data: `phone`, `contact_email`, …"""
    return any(not _NAMED.isdisjoint(name.split("_")) for name in properties)
