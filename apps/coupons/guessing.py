"""A siege on coupon codes, counted: guessers behind the limits and without them, and innocent members who enter their own meanwhile.

For tests, and with a million guesses for `prove_value`. Valkey's windows of the members and addresses concerned are used up by it.
"""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields

from django.db import connection

from apps.core import clock, crowds, letters
from apps.coupons import codes, issuing
from apps.coupons.basket import Shopper
from apps.coupons.errors import CouponRefused

PATTERN = "TEA-####-####-###"
TOGETHER = 1_000  # guesses in one statement, where no limit stands before the database
THIEVES_AT = 5  # thieves behind one address
_BARE = """
select coalesce(sum((c.outcome in ('done', 'again'))::int), 0), coalesce(sum((c.outcome <> 'coupon_not_found')::int), 0)
  from unnest(%s::text[]) g, coupons_claim_code(%s, g, '', %s, %s::jsonb) c
"""


@dataclass
class Seen:
    """What guessers came to, and the innocent. `told_apart`: answers that say more of a code than that it is not theirs. `neighbours`
    sit behind an address of the guessers'."""

    guesses: int = 0
    looked_at: int = 0
    limited: int = 0
    accepted: int = 0
    told_apart: int = 0
    innocent: int = 0
    innocent_done: int = 0
    neighbours: int = 0
    neighbours_done: int = 0

    def __add__(self, other: "Seen") -> "Seen":
        return Seen(*(getattr(self, one.name) + getattr(other, one.name) for one in fields(Seen)))


def siege(
    *, real: Sequence[str], taken: Sequence[str], thieves: Sequence[int], honest: Sequence[int], count: int, seats: int,
    processes: int = 1,
) -> Seen:  # fmt: skip
    """`count` guesses through `codes.enter`. Of the honest, each enters a code of `real` once, every other one behind a thief's
    address. `taken`: codes that other members have."""

    def work(seat: int, gate: crowds.Gate) -> Seen:
        mine, theirs, seen = thieves[seat::seats], list(zip(honest, real, strict=False))[seat::seats], Seen()
        gate.wait()
        every = max(count // seats // max(len(theirs), 1), 1)
        for number, guess in enumerate(guesses(random.Random(seat), [*real, *taken], taken, count // seats)):  # noqa: S311 - made-up guesses
            place = number % len(mine)
            _try(seen, mine[place], guess, address=f"{seat}:{place // THIEVES_AT}")
            if number % every == 0 and theirs:
                member_id, code = theirs.pop()
                near = len(theirs) % 2 == 0
                _enter(seen, member_id, code, near=near, address=f"{seat}:0" if near else f"home:{member_id}")
        return seen

    return sum(crowds.run(work, seats=seats, processes=processes), Seen())


def unlimited(*, real: Sequence[str], taken: Sequence[str], thief: int, count: int) -> tuple[int, int]:
    """As many guesses asked of the database itself, as if no limit stood before it: how many were accepted, how many told apart."""
    accepted, told, about = 0, 0, issuing.about(Shopper(thief))
    drawn = guesses(random.Random(0), [*real, *taken], taken, count)  # noqa: S311
    with connection.cursor() as cursor:
        for _ in range(0, count, TOGETHER):
            some = [guess for _, guess in zip(range(TOGETHER), drawn, strict=False)]
            cursor.execute(_BARE, [some, thief, clock.now(), about])
            more = cursor.fetchone()
            accepted, told = accepted + more[0], told + more[1]
    return accepted, told


def guesses(chance: random.Random, known: Sequence[str], taken: Sequence[str], count: int) -> Iterator[str]:
    """By turns: of the pattern, a real one with one sign changed, somebody else's, any signs at all. Never one that is still free."""
    is_known = set(known)
    for number in range(count):
        kind = number % 4
        while True:
            if kind == 0 or (kind == 2 and not taken):
                guess = "TEA" + "".join(chance.choices(letters.LETTERS, k=11))
            elif kind == 1:
                one, at = chance.choice(known), chance.randrange(14)
                guess = one[:at] + chance.choice(letters.LETTERS.replace(one[at], "")) + one[at + 1 :]
            elif kind == 2:
                guess = chance.choice(taken)
            else:
                guess = "".join(chance.choices("0O1ILU-" + letters.LETTERS, k=chance.randint(1, 20)))
            if kind == 2 or guess not in is_known:
                break
        yield guess


def _try(seen: Seen, thief: int, guess: str, *, address: str) -> None:
    seen.guesses += 1
    try:
        codes.enter(shopper=Shopper(thief), text=guess, address=address)
        seen.accepted += 1
    except codes.TooManyCodes:
        seen.limited += 1
    except CouponRefused as refused:
        seen.looked_at += 1
        seen.told_apart += refused.code != "coupon_not_found" or bool(refused.facts)


def _enter(seen: Seen, member_id: int, code: str, *, near: bool, address: str) -> None:
    done = 1
    try:
        codes.enter(shopper=Shopper(member_id), text=code, address=address)
    except (CouponRefused, codes.TooManyCodes):
        done = 0
    if near:
        seen.neighbours, seen.neighbours_done = seen.neighbours + 1, seen.neighbours_done + done
    else:
        seen.innocent, seen.innocent_done = seen.innocent + 1, seen.innocent_done + done
