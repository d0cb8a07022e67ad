"""Codes that people enter: how they are built, shown and kept, and how one becomes a member's.

In a pattern `#` is a letter or digit, `@` a letter, `%` a digit, none of them easily misread; capitals, digits and dashes stand for
themselves. Kept without dashes. A pattern leaves at least 50 bits to guess, and ten wrong codes are the end for ten minutes; of an
address (an IPv6 one stands for its /64) a hundred, since thousands of phones may share one.
"""

import math
import re
from collections.abc import Iterator

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from apps.core import addresses, clock, letters, prepared, ratelimits
from apps.core.errors import DomainError, ValidationFailed
from apps.core.ratelimits import Limit
from apps.coupons import issuing
from apps.coupons.basket import Shopper
from apps.coupons.issuing import Issued
from apps.coupons.models import Batch

CLASSES = {"#": letters.LETTERS, "@": letters.CAPITALS, "%": letters.DIGITS}
LEAST_BITS = 50
MISSES, WINDOW = {"member": 10, "device": 10, "address": 100}, 600  # wrong codes, in so many seconds
_PATTERN = re.compile(r"[A-Z0-9#@%-]{1,40}\Z")
_CLAIM = (
    "select outcome, coupon_id, code, starts_at, ends_at, opens_at from coupons_claim_code(%s, %s, %s, %s, %s::jsonb)"
)


class TooManyCodes(DomainError):
    """`retry_after` in seconds."""

    code = "rate_limited"
    status = 429
    is_retryable = True
    title = gettext_lazy("Too many codes were tried. Wait a little.")


def enter(*, shopper: Shopper, text: str, device: str = "", address: str = "", origin: str = "") -> Issued:
    """The coupon behind what a member typed; their own code again: the same one.

    A code that does not exist and one that is somebody else's are refused alike (coupon_not_found), and only these count as misses of
    the member, the device and the address. Raises CouponRefused as `issuing.claim` does, TooManyCodes.
    """
    limits = _limits(shopper.member_id, device, address)
    if refused := ratelimits.ask(limits).refusal:
        raise TooManyCodes(retry_after=refused.reset)
    code = letters.typed(text)
    values = [shopper.member_id, code, origin, clock.now(), issuing.about(shopper)]
    outcome, *found, opens_at = prepared.rows(_CLAIM, values)[0]
    if outcome != "coupon_not_found":
        for limit in limits:
            ratelimits.take_back(limit)
    return issuing.answer(outcome, found, opens_at)


def check_pattern(pattern: str) -> str:
    """Raises ValidationFailed for one that says something else, or leaves too little to guess."""
    if not _PATTERN.match(pattern):
        raise _wrong("pattern", _("Capitals, digits, dashes and # @ % are allowed, 40 signs at most."))
    if bits(pattern) < LEAST_BITS:
        raise _wrong("guessable", _("These codes can be guessed: take eleven # or more."))
    return pattern


def shapes() -> list[str]:
    """Regular expressions of codes as they are kept, one for each pattern that codes were made by. A partner's codes have none."""
    patterns = Batch.objects.exclude(pattern="").order_by("pattern").values_list("pattern", flat=True).distinct()
    return [_shape(pattern) for pattern in patterns]


def is_shaped(text: str) -> bool:
    """Is this built as the codes of some batch are? It says nothing of whether there is such a code."""
    code = letters.typed(text)
    return any(re.fullmatch(shape, code) for shape in shapes())


def bits(pattern: str) -> float:
    """How much a code of the pattern leaves to guess."""
    return sum(math.log2(len(CLASSES[sign])) for sign in pattern if sign in CLASSES)


def generate(pattern: str, count: int) -> Iterator[str]:
    """So many codes as they are kept, drawn at random; two may be alike."""
    parts = [
        letters.words(CLASSES[run[0]], len(run), count) if run[0] in CLASSES else _same(run, count)
        for run in re.findall(r"#+|@+|%+|[A-Z0-9]+", pattern)
    ]
    return map("".join, zip(*parts, strict=True))


def shown(code: str, pattern: str) -> str:
    """With the dashes of its pattern. A partner's code stays as it is."""
    if len(code) != len(pattern) - pattern.count("-"):
        return code
    rest = iter(code)
    return "".join("-" if sign == "-" else next(rest) for sign in pattern)


def masked(code: str) -> str:
    """What may be seen by those who may not use it."""
    return f"{code[:3]}****{code[-2:]}" if len(code) > 7 else "****"


def _shape(pattern: str) -> str:
    return "".join(f"[{CLASSES[sign]}]" if sign in CLASSES else sign for sign in pattern if sign != "-")


def _same(text: str, count: int) -> Iterator[str]:
    return (text for _ in range(count))


def _limits(member_id: int, device: str, address: str) -> list[Limit]:
    subjects = {"member": str(member_id), "device": device, "address": addresses.network_of(address)}
    return [
        Limit(f"coupon-code-{name}", ratelimits.subject_of(subject), MISSES[name], WINDOW, closed=True)
        for name, subject in subjects.items()
        if subject
    ]


def _wrong(code: str, message: str) -> ValidationFailed:
    return ValidationFailed(errors=[{"pointer": "/pattern", "code": code, "message": message}])
