"""Letters that nobody misreads, for codes that people read aloud, type or scan; random ones, drawn evenly."""

import math
import os
import unicodedata
from collections.abc import Iterator

DIGITS = "23456789"  # without 0 O 1 I L U
CAPITALS = "ABCDEFGHJKMNPQRSTVWXYZ"
LETTERS = DIGITS + CAPITALS


def draw(letters: str, count: int) -> str:
    """So many of these letters, each as likely as the others."""
    fair = 256 - 256 % len(letters)
    table = bytes(ord(letters[byte % len(letters)]) for byte in range(256))
    found = b""
    while len(found) < count:
        found += os.urandom(count + 64).translate(table, bytes(range(fair, 256)))
    return found[:count].decode()


def words(letters: str, length: int, count: int) -> Iterator[str]:
    """So many words of such letters."""
    text = draw(letters, length * count)
    return (text[at : at + length] for at in range(0, length * count, length))


def bits(letters: str, length: int) -> float:
    """How much such a word leaves to guess."""
    return length * math.log2(len(letters))


def typed(text: str) -> str:
    """What a person or scanner gave, without spaces, dashes and the difference of cases."""
    plain = unicodedata.normalize("NFKC", text[:60]).upper()
    return "".join(letter for letter in plain if letter.isalnum())
