"""Journeys for tests: built in a line, published, ticked."""

from datetime import datetime
from typing import Any

from apps.care.journeys import editing, stepping
from apps.care.models import Enrolment, Journey, Step

END = {"key": "end", "kind": "exit"}


def sms(key: str, to: str, **more: Any) -> dict[str, Any]:
    return {"key": key, "kind": "send", "channel": "sms", "template": f"{{{{ nickname }}}}，{key} 好久不见", "next": to,
            "missing": {"nickname": {"policy": "default", "value": "会员"}}, **more}  # fmt: skip


def rest(key: str, to: str, **time: Any) -> dict[str, Any]:
    return {"key": key, "kind": "wait", "for": {"kind": "time", **time}, "next": to}


def journey(*nodes: dict[str, Any], key: str = "care", priority: int = 50, **more: Any) -> Journey:
    """Published and running; members enter by hand unless `entry` says otherwise."""
    draft = {"entry": {"kind": "call"}, "nodes": [*nodes, END], **more}
    made = editing.create(key=key, name=key, draft=draft, priority=priority)
    editing.publish(journey_id=made.pk)
    made.refresh_from_db()
    return made


def walked(member_id: int) -> list[tuple[str, str]]:
    """The member's steps so far: (step, outcome)."""
    return list(Step.objects.filter(enrolment__member_id=member_id).order_by("id").values_list("node", "outcome"))


def standing(member_id: int) -> tuple[str, datetime | str]:
    """Where the member's newest walk stands, and until when; or how it ended."""
    row = Enrolment.objects.filter(member_id=member_id).order_by("-id")[0]
    return row.node, row.ending or row.due_at


def tick(moment: datetime) -> stepping.Figures:
    figures = stepping.tick(moment)
    assert figures.failed == []
    return figures
