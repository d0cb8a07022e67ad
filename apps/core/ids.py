"""Public ids: `mem_3f8k…`. They show neither order nor count, and turn back into the key without a look-up."""

import hmac
from hashlib import sha256

from django.conf import settings

from apps.core.errors import NotFound

_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"  # Crockford base 32
_LETTERS = frozenset(_ALPHABET)
_AS_DIGITS = str.maketrans(_ALPHABET, "0123456789abcdefghijklmnopqrstuv")  # as Python reads base 32
_LENGTH = 13  # 64 bits
_PLACES = range(5 * (_LENGTH - 1), -1, -5)  # how far each letter's bits stand from the end
_ROUNDS = 4


def encode(prefix: str, key: int) -> str:
    """The public id of a positive database key."""
    if not 0 < key < 2**63:
        raise ValueError("keys are positive 63-bit numbers")
    left, right, secret = key >> 32, key & 0xFFFFFFFF, settings.PUBLIC_ID_KEY
    for turn in range(_ROUNDS):
        left, right = right, left ^ _mix(secret, prefix, turn, right)
    number = left << 32 | right
    return prefix + "_" + "".join([_ALPHABET[number >> place & 31] for place in _PLACES])


def decode(prefix: str, public_id: str) -> int:
    """The database key; raises NotFound for anything that `encode` did not make."""
    head, _, body = public_id.partition("_")
    if head != prefix or len(body) != _LENGTH or not _LETTERS.issuperset(body):
        raise NotFound
    number = int(body.translate(_AS_DIGITS), 32)
    left, right, secret = number >> 32, number & 0xFFFFFFFF, settings.PUBLIC_ID_KEY
    for turn in reversed(range(_ROUNDS)):
        left, right = right ^ _mix(secret, prefix, turn, left), left
    key = left << 32 | right
    if not 0 < key < 2**63:
        raise NotFound
    return key


def _mix(secret: bytes, prefix: str, turn: int, half: int) -> int:
    digest = hmac.digest(secret, f"{prefix}:{turn}:{half}".encode(), sha256)
    return int.from_bytes(digest[:4])
