"""Pick-up codes: twelve letters that nobody misreads (59 bits), kept as a keyed hash and sealed for the member who shows it."""

from apps.core import ciphers, letters, ratelimits
from apps.core.errors import BadCipher
from apps.core.ratelimits import Limit
from apps.members import identities
from apps.members import selectors as members
from apps.points.mall_errors import TooManyGuesses

LENGTH = 12
GROUP = 4
BITS = letters.bits(letters.LETTERS, LENGTH)
TRIES, WINDOW = 30, 600  # codes that one person or till may try in seconds
_SEALED = "points:pick-up"


def new() -> str:
    return letters.draw(letters.LETTERS, LENGTH)


def digest(code: str) -> bytes:
    return ciphers.blind_index(kind="pick-up", value=code)


def sealed(code: str, *, member_id: int) -> bytes:
    return ciphers.encrypt(person_key=identities.person_key(member_id), text=code, context=_SEALED)


def opened(blob: bytes, *, member_id: int) -> str:
    """The code, or "" when its key is gone. A record merged into this one may have sealed it."""
    for key in identities.open_keys(members.family(member_id)).values():
        try:
            return ciphers.decrypt(person_key=key, blob=blob, context=_SEALED)
        except BadCipher:
            continue
    return ""


def grouped(code: str) -> list[str]:
    """In pieces that can be read aloud."""
    return [code[at : at + GROUP] for at in range(0, len(code), GROUP)]


def count_try(guesser: str) -> None:
    """Every code tried counts, right or wrong: `guesser` is "staff:7" or "device:3". Raises TooManyGuesses."""
    limit = Limit("pick-up", guesser, TRIES, WINDOW, closed=True)
    if refusal := ratelimits.ask([limit]).refusal:
        raise TooManyGuesses(retry_after=refusal.reset)
