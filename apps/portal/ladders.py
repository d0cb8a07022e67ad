"""What stands before a member on the ladder of tiers, ready to be said: on the start page in one line, on its own page in full."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.utils.formats import date_format
from django.utils.translation import gettext as _

from apps.core import clock, money
from apps.points import outlook
from apps.points.models import Ladder
from apps.points.outlook import Outlook


@dataclass(frozen=True)
class View:
    """`is_money`: the ladder counts spending, amounts are 分; else points of its currency. `until`: last day of the tier."""

    ladder: Ladder
    now: Outlook
    is_money: bool
    target: int
    until: date | None
    falls_on: date | None

    def amount(self, value: int) -> str:
        return money.show(value) if self.is_money else f"{value:,}"

    @property
    def missing(self) -> str:
        return self.amount(self.now.missing_to_next)

    @property
    def to_keep(self) -> str:
        return self.amount(self.now.missing_to_keep)

    @property
    def value(self) -> str:
        return self.amount(self.now.value)

    @property
    def aim(self) -> str:
        return self.amount(self.target)

    @property
    def counted(self) -> str:
        """What counts, and what does not."""
        basis = {
            Ladder.Basis.EARNED: _("What counts is the growth you earn with orders"),
            Ladder.Basis.SPEND: _("What counts is what you spend, less what was given back"),
            Ladder.Basis.BALANCE: _("What counts is your present balance of growth"),
        }[Ladder.Basis(self.ladder.basis)]
        return _("%(basis)s, %(period)s. What you give back no longer counts.") % {
            "basis": basis,
            "period": self._period(),
        }

    def _period(self) -> str:
        window = self.ladder.window
        if self.ladder.basis == Ladder.Basis.BALANCE:
            return _("as it stands each day")
        match window.get("kind"):
            case "rolling":
                return _("within the last %(n)s months") % {"n": window["months"]}
            case "calendar":
                month, day = (int(part) for part in window["starts"].split("-"))
                return _("in each year from %(day)s on") % {
                    "day": date_format(date(2028, month, day), "MONTH_DAY_FORMAT")
                }
        return _("since you joined")


def view(*, member_id: int, moment: datetime | None = None) -> View | None:
    """None: the brand has no tiers."""
    moment = moment or clock.now()
    now = outlook.outlook(member_id=member_id, moment=moment)
    if now is None:
        return None
    ladder = now.tier.ladder
    return View(
        ladder=ladder,
        now=now,
        is_money=ladder.basis == Ladder.Basis.SPEND,
        target=now.next_tier.threshold if now.next_tier else now.value,
        until=_last_day(now.valid_until),
        falls_on=clock.local_date(now.falls_at) if now.falls_at else None,
    )


def _last_day(end: datetime | None) -> date | None:
    return clock.local_date(end - timedelta(microseconds=1)) if end else None
