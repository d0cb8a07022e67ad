"""The one form in which an identity is hashed; docs/segments.md shows it with examples."""

import hashlib

from apps.members import identities
from apps.members.models import Identity


def normal(kind: str, value: str) -> str:
    """Chinese mobile numbers as their 11 digits, others with + and country code; addresses in small letters; open ids as they are."""
    text = identities.normal(kind=kind, value=value)
    return text.removeprefix("+86") if kind == Identity.Kind.PHONE else text


def digest(kind: str, value: str) -> str:
    """SHA-256 of the normal form in UTF-8, 64 small hexadecimal digits."""
    return hashlib.sha256(normal(kind, value).encode()).hexdigest()
