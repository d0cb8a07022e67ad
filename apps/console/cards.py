"""What cards of the member's page show; the page and the answers that redraw one card use the same."""

from typing import Any

from apps.care.models import Enrolment
from apps.console import journey_words
from apps.core import clock
from apps.members import selectors as members
from apps.members.models import Attribute, Member, MemberTag, Opening, Tag
from apps.segments import drifts, seen
from apps.segments.models import MemberStats, Segment
from apps.segments.predictions import selectors as predictions

MOST_OFFERED = 500
MOST_OPENINGS = 50
MOST_WALKS = 20
MOST_LISTS = 30  # offered on a member's page


def tags(member_id: int) -> dict[str, object]:
    rows = MemberTag.objects.filter(member_id=member_id).select_related("tag__group").order_by("tag__name")
    return {"tags": list(rows), "offered": Tag.objects.order_by("name").values_list("name", flat=True)[:MOST_OFFERED]}


def groups(member_id: int, *, may_edit: bool) -> dict[str, object]:
    """The segments somebody is in, and the lists they may be put into."""
    inside = seen.of_member(member_id)
    lists = Segment.objects.filter(kind=Segment.Kind.LIST, archived_at=None).exclude(pk__in=[one.pk for one in inside])
    return {
        "groups": inside,
        "lists": lists.order_by("-pk")[:MOST_LISTS] if may_edit else (),
        "may_edit_lists": may_edit,
    }


def walks(member_id: int) -> dict[str, object]:
    """The journeys somebody walks now, and at which step, soonest turn first; then the last that ended."""
    found = Enrolment.objects.filter(member_id=member_id).select_related("journey", "version")
    now = found.filter(ended_at=None).order_by("due_at", "pk")[:MOST_WALKS]
    past = found.exclude(ended_at=None).order_by("-ended_at", "-pk")[:3]
    return {"walks": [_walk(row) for row in now], "walked": [_walk(row) for row in past]}


def _walk(row: Enrolment) -> dict[str, object]:
    raw = next((node for node in row.version.graph["nodes"] if node["key"] == row.node), {"kind": "exit"})
    return {"walk": row, "step": journey_words.title(raw), "icon": journey_words.icon(raw)}


def outlook(stats: MemberStats | None) -> dict[str, object]:
    """What is predicted of a buyer; nothing is said of who has not bought yet, nor before the first scoring."""
    run = predictions.last_run() if stats and stats.orders else None
    if stats is None or run is None:
        return {"is_predicted": False}
    return {
        "is_predicted": True,
        "is_sufficient": run.is_sufficient,
        "outlook": predictions.of_member(stats.pk),
        "due": predictions.due_of(stats.pk),
        "drifts": drifts.of_member(member_id=stats.pk, moment=clock.now()),
    }


def openings(member_id: int) -> list[Opening]:
    """What the member and the records merged into theirs brought from an earlier system."""
    rows = Opening.objects.filter(member_id__in=members.family(member_id))
    return list(rows.order_by("kind", "key", "pk")[:MOST_OPENINGS])


def fields(row: Member, facts: dict[str, Any] | None = None) -> dict[str, object]:
    """Every shown field with its value, its text as typed, and what is wrong with it (`typed` and `errors` of the facts)."""
    facts = facts or {}
    typed, errors = facts.get("typed", {}), facts.get("errors", {})
    shown = [one for one in Attribute.objects.filter(is_shown=True) if not one.retired_at or one.key in row.attributes]
    return {
        "fields": [
            {
                "field": one,
                "value": row.attributes.get(one.key),
                "typed": typed.get(one.key, _as_typed(row.attributes.get(one.key))),
                "error": errors.get(one.key, ""),
            }
            for one in shown
        ],
        "has_open_field": any(not one.retired_at for one in shown),
    }


def _as_typed(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "" if value is None else str(value)
