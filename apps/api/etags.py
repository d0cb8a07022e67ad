"""ETags of representations, and the conditions that callers put on them (RFC 9110, 13.1)."""

import re
from hashlib import sha256

_BLANK = " \t"  # all that HTTP calls white space; other bytes that look empty are content
_TAGS = re.compile(r'(W/)?("[^"]*")')  # a comma or a star inside the quotes belongs to the tag


def of(body: bytes) -> str:
    """Strong: another representation, another tag."""
    return f'"{sha256(body).hexdigest()[:32]}"'


def is_missing(header: str) -> bool:
    return not header.strip(_BLANK)


def is_unchanged(if_match: str, tag: str) -> bool:
    """Whether `If-Match` holds: `*`, or this tag in its list. A weak tag never does."""
    return _is_any(if_match) or ("", tag) in _TAGS.findall(if_match)


def is_known(if_none_match: str, tag: str) -> bool:
    """Whether the caller has this already, by `If-None-Match`: also by a tag that a compressing proxy made weak."""
    return _is_any(if_none_match) or any(given == tag for _weak, given in _TAGS.findall(if_none_match))


def _is_any(header: str) -> bool:
    return header.strip(_BLANK) == "*"
