"""What the house holds about a member, in a member's words: per purpose, counted now."""

from collections import Counter
from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from apps.core import holdings

# purpose of a holding → what it is, what it is for
_WORDS: dict[str, tuple[str | Promise, str | Promise]] = {
    "membership": (
        _("Who you are"),
        _("Member number, nickname, picture, birthday, phone. So that you are known in the stores and here."),
    ),
    "orders": (
        _("What you bought"),
        _("Orders, items, money back. So that you can look them up, bring things back, and our books are right."),
    ),
    "care": (_("What we wrote to you"), _("Messages and why each was sent or not. So that nobody writes too often.")),
    "consent": (_("What you allowed"), _("Each yes and no with its time. So that we can prove we had your word.")),
    "profiling": (
        _("What we worked out from it"),
        _("How often and how recently you buy, what you open here. So that messages fit you."),
    ),
    "access": (
        _("Where you are logged in"),
        _("Phones and browsers, and when they were last used. So that you can end them."),
    ),
    "advertising": (
        _("What went to advertising platforms"),
        _("Which platform got a scrambled form of your number or address, and when. So that we can call it back."),
    ),
    "rights": (_("What you asked of us"), _("Copies and erasures. So that we can prove we did it.")),
}


@dataclass(frozen=True)
class Kept:
    """`is_kept`: something of it stays after an erasure, without name and number."""

    purpose: str
    label: str | Promise
    why: str | Promise
    records: int
    is_kept: bool


def of(member_id: int) -> list[Kept]:
    """In the order of the words above; a purpose without a record is left out."""
    counts: Counter[str] = Counter()
    kept: set[str] = set()
    for one in holdings.holdings():
        found = one.rows(member_id).count()
        counts[one.purpose] += found
        if found and one.on_erase == "keep":
            kept.add(one.purpose)
    return [
        Kept(purpose=purpose, label=label, why=why, records=counts[purpose], is_kept=purpose in kept)
        for purpose, (label, why) in _WORDS.items()
        if counts[purpose]
    ]
