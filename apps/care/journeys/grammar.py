"""The closed grammar of a journey's graph, published as docs/journey-graph.schema.json; a test keeps them equal.

It says the shape. What a schema cannot say (ways, messages, rules, names of things) is judged by `graph.py`.
"""

from typing import Any

from apps.care.models import Channel, Version
from apps.care.policies import PURPOSES
from apps.core import clock, shapes

MOST_NODES = 60
KEY = {"type": "string", "maxLength": 24, "pattern": r"^[a-z][a-z0-9_]*$"}
TO = KEY | {"description": "key of the next step"}
FACTS = (
    "order.paid", "order.received", "order.refunded", "member.registered", "member.tier_changed", "member.tier_falling",
    "booking.kept", "ticket.resolved",
)  # fmt: skip
_RULE = {"type": "object", "description": "a rule: docs/segment-rule.schema.json"}
_NAME = {"type": "string", "maxLength": 40, "description": "staff's own words for the step"}
_HOUR = shapes.whole(23, 0, "by the clock of the member's zone")
_TEXT = {"type": "string", "maxLength": 2000}
_MOMENT = {
    "type": "string",
    "pattern": clock.MOMENT,
    "description": "a shop day, or a moment; without an offset shop time",
}
_PERCENT = shapes.whole(100, 1)
_EVENT = {"type": "string", "maxLength": 40, "description": "name of a behaviour event"}
_PROPERTY = {"type": "string", "maxLength": 40, "pattern": "^[a-z][a-z0-9_]*$"}

ENTRIES = [
    shapes.kind(
        "trigger", ["trigger"], "Whoever falls due under a trigger of care; the occurrence is its own.",
        trigger={"type": "string", "enum": [t for t in Version.Trigger.values if t != "journey"]},
        params={"type": "object"},
        is_from_now={"type": "boolean", "description": "only who falls due after the first publishing, not those of the window before"},
        is_with_current={
            "type": "boolean", "description": "of a stage or a segment: also who is in it when the journey starts, however long since",
        },
    ),
    shapes.kind(
        "fact", ["fact"], "At once when this happens; once per thing it happened to.",
        fact={"type": "string", "enum": list(FACTS)},
    ),
    shapes.kind(
        "event", ["event"], "Whoever does this; what was done before the log-in that told who it was does not count.",
        event=_EVENT,
        only=shapes.group(
            ["property", "values"], property=_PROPERTY, values=shapes.words(40, "any of them; numbers as they are written"),
        ),
        by=_PROPERTY | {"description": "once per value of this property, else once per event"},
    ),
    shapes.kind(
        "schedule", ["at"], "The audience, at one moment and then perhaps again and again.",
        at=_MOMENT, every={"type": "string", "enum": ["day", "week", "month"]}, until=_MOMENT,
    ),
    shapes.kind("call", [], "Put in by hand, or by a program through the API."),
]  # fmt: skip

CONDITIONS = [
    shapes.kind("order", [], "A kept order."),
    shapes.kind("rule", ["rule"], "The rule is true of the member.", rule=_RULE),
]
AWAITED = [
    *CONDITIONS,
    shapes.kind("event", ["event"], "A behaviour event.", event=_EVENT),
]
WAITS = [
    shapes.kind(
        "time", [], "So long; then, with an hour, until that hour of the day.",
        days=shapes.whole(365, 0), hours=shapes.whole(23, 0), minutes=shapes.whole(59, 0), hour=_HOUR,
    ),
    shapes.kind(
        "weekday", ["weekdays", "hour"], "Until the next such day of the week (1 Monday … 7 Sunday) at this hour.",
        weekdays=shapes.days(7, "1 Monday … 7 Sunday"), hour=_HOUR,
    ),
    shapes.kind(
        "date", ["field", "hour"], "Until so many days before (negative) or after a date of the member's, the next time it comes.",
        field={"type": "string", "maxLength": 60, "description": "birthday, or the key of a date field of members"},
        offset_days=shapes.whole(365, -365), hour=_HOUR,
    ),
]  # fmt: skip


def _node(name: str, required: list[str], about: str, **properties: Any) -> dict[str, Any]:
    return shapes.kind(name, ["key", *required], about, key=KEY, name=_NAME, **properties)


_MESSAGE: dict[str, Any] = {
    "channel": {"type": "string", "enum": list(Channel.values)},
    "purpose": {"type": "string", "enum": list(PURPOSES)},
    "template": _TEXT,
    "content": {"type": "object"},
    "missing": {"type": "object"},
    "send_hour": _HOUR,
    "is_own_hour": {"type": "boolean"},
    "is_now_or_never": {"type": "boolean", "description": "what would fall into quiet hours is skipped, not put off"},
    "is_transactional": {"type": "boolean"},
    "fallback": {"type": "array", "items": {"type": "object"}, "maxItems": 2},
}
NODES = [
    _node(
        "send", ["channel", "template", "next"],
        "One message through the gate. Whoever may not get it goes on at once; whoever gets it, at the moment it is due.",
        **_MESSAGE, next=TO,
    ),
    _node(
        "wait", ["for", "next"], "Until a time. `otherwise`: for whom the date never comes; without it they leave.",
        **{"for": {"oneOf": WAITS}}, next=TO, otherwise=TO,
    ),
    _node(
        "await", ["what", "days", "met", "timeout"], "Until something happens, at most so many days.",
        what={"oneOf": AWAITED}, days=shapes.whole(365, 1), met=TO, timeout=TO,
    ),
    _node(
        "branch", ["ways", "otherwise"], "The first way whose rule is true.",
        ways={
            "type": "array", "minItems": 1, "maxItems": 10,
            "items": shapes.group(["rule", "next"], rule=_RULE, next=TO, name=_NAME),
        },
        otherwise=TO,
    ),
    _node(
        "split", ["arms"], "By chance, always the same way for the same member. The shares make 100.",
        arms={
            "type": "array", "minItems": 2, "maxItems": 10,
            "items": shapes.group(["percent", "next"], percent=_PERCENT, next=TO, name=_NAME),
        },
        winner_days=shapes.whole(365, 1, "from so many days after the first member on, the way that is proven better is everybody's"),
    ),
    _node(
        "points", ["amount", "next"], "Points from the brand, to so many members at most.",
        amount=shapes.whole(100_000), most=shapes.whole(10_000_000, 1, "members"), next=TO, otherwise=TO,
    ),
    _node(
        "coupon", ["template", "next"], "A coupon, to so many members at most; the template's own limits hold as ever.",
        template={"type": "string", "maxLength": 60, "description": "key of a coupon template"},
        most=shapes.whole(10_000_000, 1, "members"),
        is_only_live={"type": "boolean", "description": "not to who has an unused one of this template"},
        next=TO, otherwise=TO,
    ),
    _node(
        "tag", ["next"], "Tags given and taken.",
        add=shapes.words(40, "names of tags"), remove=shapes.words(40, "names of tags"), next=TO,
    ),
    _node(
        "attribute", ["field", "value", "next"], "A field of the member set to a value.",
        field={"type": "string", "maxLength": 60}, value={"type": "string", "maxLength": 200}, next=TO,
    ),
    _node(
        "followup", ["title", "next"], "A task for the member's own staff, or their store.",
        task={"type": "string", "enum": ["call", "message", "visit", "other"]},
        title={"type": "string", "maxLength": 60}, text={"type": "string", "maxLength": 500},
        due_hours=shapes.whole(24 * 30, 1), next=TO,
    ),
    _node(
        "webhook", ["endpoint", "next"], "A call to an endpoint of the house.",
        endpoint={"type": "string", "maxLength": 60, "description": "key of the endpoint"}, next=TO,
    ),
    _node("exit", [], "The end of the walk."),
]  # fmt: skip

SCHEMA: dict[str, Any] = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "title": "Graph of a journey",
    **shapes.group(
        ["entry", "nodes"],
        entry={"oneOf": ENTRIES},
        audience=_RULE,
        again={
            "oneOf": [
                shapes.kind("never", [], "Once in a lifetime."),
                shapes.kind("after", ["days"], "Again so many days after the last walk ended.", days=shapes.whole(1000, 0)),
                shapes.kind("each", [], "Once per occurrence, several at a time."),
            ]
        },
        ends={
            "type": "array",
            "maxItems": 6,
            "items": shapes.group(
                ["when"], when={"oneOf": CONDITIONS}, is_goal={"type": "boolean", "description": "what it was for"}
            ),
        },
        holdout_percent=shapes.whole(50, 0),
        return_days=shapes.whole(365, 1, "a kept order within so many days counts as a return"),
        per_minute=shapes.whole(100_000, 1, "messages of one step"),
        time_zone={
            "type": "string", "maxLength": 40, "pattern": "^[A-Za-z0-9_+/-]*$",
            "description": "of who has none of their own and no store with one; empty: the shop's",
        },
        late_days=shapes.whole(60, 1, "a message that is so late is not sent any more; the member goes on"),
        nodes={"type": "array", "minItems": 1, "maxItems": MOST_NODES, "items": {"oneOf": NODES}},
    ),
}  # fmt: skip
DEFAULTS: dict[str, Any] = {
    "audience": {}, "again": {"kind": "never"}, "ends": [], "holdout_percent": 0, "return_days": 30, "late_days": 2,
}  # fmt: skip
