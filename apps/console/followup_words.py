"""What stands on the pages of tasks: the days they are sorted under, and the life of one in sentences."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from apps.console import words
from apps.core import clock
from apps.followups.models import Entry, Task

Kind = Entry.Kind
OVERDUE, TODAY, LATER = "overdue", "today", "later"


@dataclass(frozen=True)
class Step:
    """One entry of `_timeline.html`."""

    title: str
    moment: datetime
    text: str = ""
    tone: str = ""
    href: str = ""


def group(row: dict[str, Any], *, moment: datetime) -> str:
    """Under which heading an open task stands."""
    if row["due_at"] < moment:
        return OVERDUE
    return TODAY if clock.local_date(row["due_at"]) == clock.local_date(moment) else LATER


def heading(key: str) -> str:
    return {
        OVERDUE: pgettext("tasks", "Overdue"), TODAY: pgettext("tasks", "Today"), LATER: pgettext("tasks", "Later"),
    }[key]  # fmt: skip


def due(row: dict[str, Any]) -> str:
    return _("until %(day)s") % {"day": words.day(date.fromisoformat(row["due_day"]))}


def life(row: dict[str, Any], entries: list[dict[str, Any]]) -> list[Step]:
    return [
        Step(_title(entry, row), entry["at"], _text(entry, row), tone=_TONES.get(entry["kind"], ""))
        for entry in entries
    ]


def _title(entry: dict[str, Any], row: dict[str, Any]) -> str:
    who, to = entry["by"] or "", entry["to"] or ""
    if entry["kind"] == Kind.GIVEN:
        return _("Given to %(name)s") % {"name": to} if to else _("Put into the pool")
    if entry["kind"] == Kind.TAKEN:
        return _("Taken by %(name)s") % {"name": who}
    if entry["kind"] == Kind.HANDED_OVER:
        return _("Handed over to %(name)s") % {"name": to}
    if entry["kind"] == Kind.ESCALATED:
        return _("Nobody took it: to %(name)s") % {"name": to} if to else _("Nobody took it")
    if entry["kind"] == Kind.POSTPONED and entry["due_at"]:
        return _("Put off to %(day)s") % {"day": words.day(clock.local_date(entry["due_at"]))}
    if entry["kind"] == Kind.DONE:
        return _("Done: %(outcome)s") % {"outcome": Task.Outcome(row["outcome"]).label if row["outcome"] else ""}
    return str(Kind(entry["kind"]).label)


def _text(entry: dict[str, Any], row: dict[str, Any]) -> str:
    """Whoever acted, where the title does not say it; at the end what was said."""
    who = "" if entry["kind"] == Kind.TAKEN else entry["by"] or ""
    said = row["evidence"] if entry["kind"] == Kind.DONE else ""
    return " · ".join(part for part in (who, said) if part)


_TONES = {Kind.DONE: "ok", Kind.CANCELLED: "warn", Kind.EXPIRED: "bad", Kind.ESCALATED: "warn", Kind.TAKEN: "now"}
