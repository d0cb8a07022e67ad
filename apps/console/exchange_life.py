"""What happened to an exchange, in sentences, oldest first."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import ngettext, pgettext

from apps.console import words
from apps.core import clock, money
from apps.points.models import Exchange

State, Why = Exchange.State, Exchange.Why


@dataclass(frozen=True)
class Step:
    """One entry of `_timeline.html`."""

    title: str
    moment: datetime
    text: str = ""
    tone: str = ""
    href: str = ""


def told(row: dict[str, Any]) -> list[Step]:
    """`row` is one of `analytics.lists.exchanges`."""
    steps = [Step(_taken(row), row["at"], _first(row))]
    if row["paid_at"]:
        cash = money.show(row["cash_cents"])
        steps.append(
            Step(_("%(cash)s paid") % {"cash": cash}, row["paid_at"], _("Number %(ref)s") % {"ref": row["paid_ref"]})
        )
    if end := _end(row):
        steps.append(end)
    elif row["state"] == State.READY:
        steps.append(Step(_("Waits to be picked up"), row["paid_at"] or row["at"], _until(row), tone="now"))
    return steps


def last_day(ends: datetime) -> str:
    """The last whole day before the moment on which something is over."""
    return words.day(clock.local_date(ends - timedelta(microseconds=1)))


def at(moment: datetime | None) -> str:
    """The day and the minute."""
    if moment is None:
        return ""
    return f"{words.day(clock.local_date(moment))} {clock.local(moment):%H:%M}"


def _taken(row: dict[str, Any]) -> str:
    text = ngettext("Exchanged for %(n)s point", "Exchanged for %(n)s points", row["points"])
    return text % {"n": f"{row['points']:,}"}


def _first(row: dict[str, Any]) -> str:
    if not row["cash_cents"]:
        return ""
    cash = money.show(row["cash_cents"])
    if row["state"] == State.AWAITING:
        until = f"{clock.local(row['expires_at']):%H:%M}"
        return _("The points are set aside; %(cash)s are to be paid until %(time)s.") % {"cash": cash, "time": until}
    return _("The points were set aside; %(cash)s were to be paid.") % {"cash": cash}


def _until(row: dict[str, Any]) -> str:
    day = last_day(row["expires_at"])
    if row["store"]:
        return _("In %(store)s until %(day)s.") % {"store": row["store"], "day": day}
    return _("In any store until %(day)s.") % {"day": day}


def _end(row: dict[str, Any]) -> Step | None:
    at = row["settled_at"]
    if at is None:
        return None
    if row["state"] == State.DONE:
        if row["kind"] == "virtual":
            return Step(pgettext("rewards", "Delivered"), at, tone="ok")
        return Step(_("Handed over"), at, handed(row), tone="ok")
    if row["state"] == State.LAPSED:
        kept = _("The points are lost, as the offer said.") if row["forfeits_points"] else _("The points went back.")
        return Step(_("Not picked up in time"), at, kept, tone="bad")
    return Step(_cancelled(row), at, _why(row), tone="warn")


def handed(row: dict[str, Any]) -> str:
    """Where and by whom, as far as it is known."""
    who = [name for name in (row["handed_store"], row["handed_by"]) if name]
    return " · ".join(who)


def _cancelled(row: dict[str, Any]) -> str:
    if row["why"] == Why.UNPAID:
        return _("Not paid in time")
    if row["why"] == Why.MEMBER:
        return _("Cancelled by the member")
    if row["closed_by"]:
        return _("Cancelled by %(name)s") % {"name": row["closed_by"]}
    return _("Cancelled by staff")


def _why(row: dict[str, Any]) -> str:
    back = _("The points went back.")
    if row["paid_at"]:
        back = _("The points went back; %(cash)s are the member's.") % {"cash": money.show(row["cash_cents"])}
    return f"{row['note']} · {back}" if row["note"] else back
