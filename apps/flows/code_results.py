"""What came of a member code that was read: for the page, or the mini-program, that is still open on the member's phone."""

from dataclasses import dataclass
from datetime import datetime

from django.utils.translation import gettext as _

from apps.coupons.models import Use
from apps.coupons.words import yuan
from apps.members import member_codes
from apps.points import telling

MOST = 6  # lines


@dataclass(frozen=True)
class Line:
    """`title` says what happened, `about` to what; `points` is what the balance changed by, 0 where only words say it."""

    title: str
    about: str
    points: int


@dataclass(frozen=True)
class Result:
    """`lines` grow while the counter goes on: oldest first."""

    at: datetime
    store: str
    lines: tuple[Line, ...]


def result(*, shown_id: int, member_id: int, language: str = "") -> Result | None:
    """None while nobody has read the code, or one shown after it."""
    reading = member_codes.result(shown_id=shown_id, member_id=member_id)
    if reading is None:
        return None
    uses = Use.objects.filter(member_id=member_id, state=Use.State.DONE, done_at__gte=reading.at).select_related(
        "coupon__template"
    )
    used = tuple(_used(use, language) for use in uses.order_by("pk")[:MOST])
    entries = telling.lines_of(member_id=member_id, currency="points").filter(at__gte=reading.at)
    found = list(entries.select_related("account__currency", "version__rule", "store", "staff")[:MOST])
    lines = tuple(
        Line(title=told.title, about=" · ".join(filter(None, [told.about, told.extra])), points=told.entry.amount)
        for told in reversed(telling.tell(found, language=language))
    )
    return Result(at=reading.at, store=reading.store, lines=used + lines)


def _used(use: Use, language: str) -> Line:
    template = use.coupon.template
    name = template.name_en if language.startswith("en") and template.name_en else template.name
    about = _("saved ¥%(yuan)s") % {"yuan": yuan(use.saved_cents)} if use.saved_cents else ""
    return Line(title=_("Used: %(name)s") % {"name": name}, about=about, points=0)
