"""The closed grammar of `RuleVersion.definition`. `SCHEMA` is published as docs/points-rules.schema.json; a test keeps them equal.

The schema says which fields there are; `checked` adds what a schema cannot say: which of them belong to which trigger.
"""

from datetime import date, datetime, timedelta
from typing import Any

from django.utils.translation import gettext_lazy as _

from apps.core import clock, shapes
from apps.core.errors import ValidationFailed
from apps.points.earning import Rule

MOST_POINTS = 1_000_000  # that one rule may give for one thing, before multiplication by an amount
PERIODS = ("day", "week", "month", "quarter", "year", "life")

_POINTS = shapes.whole(MOST_POINTS)
_DATE = {"type": "string", "pattern": r"^\d{4}-\d{2}-\d{2}$", "description": "a shop day, YYYY-MM-DD"}
_MOMENT = {
    "type": "string",
    "pattern": clock.MOMENT,
    "description": "a shop day, or a moment; without an offset shop time",
}
_ROUND = {"type": "string", "enum": ["month", "quarter", "half_year", "year"]}
_PER = {"type": "string", "enum": list(PERIODS), "description": "of the shop's calendar; weeks begin on Monday"}

SCHEMA: dict[str, Any] = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "title": "Definition of an earning rule",
    **shapes.group(
        ["give"],
        give={
            "oneOf": [
                shapes.kind("per_amount", ["points", "per_cents"], "So many points for every so many 分 paid.",
                      points=_POINTS, per_cents=shapes.whole(10**9)),
                shapes.kind("fixed", ["points"], "The same number each time.", points=_POINTS),
                shapes.kind("multiplier", ["factor"], "The line's points by amount, multiplied; the best multiplier of a line wins.",
                      factor={"type": "string", "pattern": r"^(\d{1,2})(\.\d{1,2})?$", "description": "above 1, at most 20"}),
                shapes.kind("streak", ["points"], "By sign-in day in a row: `points` each day, and more on the days of `steps`.",
                      points=_POINTS,
                      steps={"type": "array", "minItems": 1, "maxItems": 60,
                             "items": shapes.group(["day", "points"], day=shapes.whole(366), points=_POINTS)},
                      cycle=shapes.whole(366, 2, "after so many days the steps begin anew")),
            ]
        },
        when=shapes.group(
            [],
            "All that is named must hold.",
            tiers=shapes.words(20, "tier keys"),
            products=shapes.words(60, "SKUs; only these lines count"),
            categories=shapes.words(80, "names; only lines of these count"),
            stores=shapes.words(40, "store codes"),
            channels=shapes.words(40, "channels of orders"),
            weekdays=shapes.days(7, "1 is Monday"),
            month_days=shapes.days(31, "days of the month; a month without the day has none"),
            birthday={"type": "string", "enum": ["day", "month"]},
            min_cents=shapes.whole(10**12, 1, "the order's total, in 分"),
            **{"from": _MOMENT, "to": _MOMENT | {"description": "up to and with this shop day, or before this moment"}},
        ),
        event=shapes.group(
            ["name"],
            name={"type": "string", "maxLength": 40},
            properties={"type": "object", "minProperties": 1, "maxProperties": 20, "description": "must be equal"},
        ),
        task=shapes.group(["key"], key={"type": "string", "maxLength": 40, "pattern": r"^[a-z][a-z0-9_]*$"}),
        coupon={"type": "string", "maxLength": 40, "pattern": r"^[a-zA-Z0-9_-]+$",
                "description": "key of a coupon template, given beside the points each time"},
        make_up=shapes.group([], "Sign-in days may be made up.", points=_POINTS,
                             free_per_month=shapes.whole(31), days_back=shapes.whole(31)),
        times=shapes.group(["per", "most"], "How often a member may have it.", per=_PER, most=shapes.whole(10_000)),
        caps={
            "type": "array", "minItems": 1, "maxItems": 7,
            "items": shapes.group(
                ["per", "points", "then"],
                per={"type": "string", "enum": ["transaction", *PERIODS]},
                points=shapes.whole(10**9),
                then={"type": "string", "enum": ["cap", "reject"], "description": "cap: what fits; reject: nothing"},
            ),
        },
        pending={
            "oneOf": [
                shapes.kind("days", ["days"], "Usable after so many days.", days=shapes.whole(3650)),
                shapes.kind("on", ["date"], "Usable from that shop day on; at once when it is past.", date=_DATE),
                shapes.kind("fact", ["fact", "lapse_days"],
                            "Usable when the fact comes, or `days` later; dropped when it does not come in time.",
                      fact={"type": "string", "enum": ["order.received"]}, lapse_days=shapes.whole(3650),
                      days=shapes.whole(3650)),
            ]
        },
        expiry={
            "oneOf": [
                shapes.kind("never", []),
                shapes.kind("after", [], days=shapes.whole(36500, 0), months=shapes.whole(1200), round_to=_ROUND),
                shapes.kind("on", ["month", "day"], month=shapes.whole(12), day=shapes.whole(31), years=shapes.whole(50, 0)),
            ]
        },
    ),
}  # fmt: skip

GIVES = {
    "order": {"per_amount", "fixed", "multiplier"},
    "first_order": {"per_amount", "fixed"},
    "sign_in": {"streak", "fixed"},
}
_ORDERS = {"order", "first_order"}
_OF_ORDERS = ("products", "categories", "stores", "channels", "min_cents")
_ONLY = {"event": "event", "task": "task", "make_up": "sign_in", "coupon": "task"}
_TEXTS = shapes.TEXTS | {
    "not_with_this_trigger": _("This does not go with what sets the rule off."),
    "one_of_both": _("Say either days or months."),
    "not_plain": _("A property is a text, a number, or yes or no."),
    "not_a_multiplier": _("A multiplier lies above 1 and at most at 20."),
}


def checked(definition: Any, *, trigger: str) -> dict[str, Any]:
    """The definition itself. Raises ValidationFailed that lists everything wrong with it, each with a JSON pointer."""
    found = list(shapes.findings(SCHEMA, definition)) or [*_by_trigger(definition, trigger), *_by_meaning(definition)]
    if found:
        errors = [{"pointer": pointer, "code": code, "message": str(_TEXTS[code])} for pointer, code in found]
        raise ValidationFailed(errors=errors)
    return dict(definition)


def _by_trigger(definition: dict[str, Any], trigger: str) -> list[shapes.Finding]:
    found = []
    if trigger not in Rule.Trigger.values or definition["give"]["kind"] not in GIVES.get(trigger, {"fixed"}):
        found.append(("/give/kind", "not_with_this_trigger"))
    if trigger not in _ORDERS:
        found += [
            (f"/when/{name}", "not_with_this_trigger") for name in _OF_ORDERS if name in definition.get("when", {})
        ]
        if definition.get("pending", {}).get("kind") == "fact":
            found.append(("/pending/kind", "not_with_this_trigger"))
    for name, owner in _ONLY.items():
        if name in definition and trigger != owner:
            found.append((f"/{name}", "not_with_this_trigger"))
    if trigger in {"event", "task"} and trigger not in definition:
        found.append((f"/{trigger}", "required"))
    return found


def _by_meaning(definition: dict[str, Any]) -> list[shapes.Finding]:
    found = []
    when, expiry = definition.get("when", {}), definition.get("expiry", {})
    ends = {
        name: _read(when[name], of) for name, of in (("from", clock.start_of), ("to", clock.end_of)) if name in when
    }
    found += [(f"/when/{name}", "not_a_date") for name, moment in ends.items() if moment is None]
    begins, ends_at = ends.get("from"), ends.get("to")
    if begins and ends_at and ends_at <= begins:
        found.append(("/when/to", "ends_before_start"))
    if "date" in definition.get("pending", {}) and _read(definition["pending"]["date"], clock.start_of) is None:
        found.append(("/pending/date", "not_a_date"))
    if expiry.get("kind") == "after" and len({"days", "months"} & expiry.keys()) != 1:
        found.append(("/expiry", "one_of_both"))
    if expiry.get("kind") == "on" and expiry["day"] > _longest(expiry["month"]):
        found.append(("/expiry/day", "not_a_date"))
    factor = definition["give"].get("factor")
    if factor is not None and not 1 < float(factor) <= 20:
        found.append(("/give/factor", "not_a_multiplier"))
    for name, value in definition.get("event", {}).get("properties", {}).items():
        if not isinstance(value, str | int | float | bool):
            found.append((f"/event/properties/{name}", "not_plain"))
    return found


def _read(text: str, of: Any) -> datetime | None:
    try:
        found: datetime = of(text)
        return found
    except (ValueError, OverflowError):
        return None


def _longest(month: int) -> int:
    """Days of the month in a leap year."""
    return (date(2024 + month // 12, month % 12 + 1, 1) - timedelta(days=1)).day
