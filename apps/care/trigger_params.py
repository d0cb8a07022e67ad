"""What each trigger has to be told: numbers with their bounds, names of things that exist, choices."""

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from django.db.models import QuerySet

from apps.bookings.models import Notice
from apps.care import zones
from apps.care.models import Version
from apps.catalog.models import Category
from apps.community.models import Group
from apps.coupons.models import Template
from apps.livestream.models import Reminder
from apps.points.models import Currency
from apps.segments.models import Segment, Stage, Track

Trigger = Version.Trigger
CALENDARS = ("any", "solar", "lunar")


class Number(NamedTuple):
    """`default` None: must be given."""

    low: int
    high: int
    default: int | None


class Name(NamedTuple):
    """The `field` of a row among `rows`. `is_needed` False: may be left out or empty."""

    rows: Callable[[], QuerySet[Any]]
    field: str
    is_needed: bool = True


class Choice(NamedTuple):
    """`default` "": must be given."""

    values: tuple[str, ...]
    default: str = ""


class Flag(NamedTuple):
    """Yes or no; no when it is left out."""


class StepOf(NamedTuple):
    """A step of the life track that the parameter `track` names."""

    track: str = "track"


class Zone(NamedTuple):
    """The name of a time zone; may be left out."""


Param = StepOf | Number | Name | Choice | Flag | Zone
_WINDOW = Number(1, 60, 14)
_CURRENCY = Name(lambda: Currency.objects.filter(is_spendable=True), "key")
_SEGMENT = Name(lambda: Segment.objects.filter(archived_at=None), "key")
_TRACK = Name(lambda: Track.objects.filter(archived_at=None), "key")
_COUPON = Name(lambda: Template.objects.filter(version__isnull=False), "key", is_needed=False)
_GROUP = Name(lambda: Group.objects.filter(dismissed_at=None), "key", is_needed=False)
_CATEGORY = Name(lambda: Category.objects.all(), "name", is_needed=False)
PARAMS: dict[str, dict[str, Param]] = {
    Trigger.STAGE_ENTERED: {"window_days": _WINDOW, "stage": Choice(tuple(Stage.values))},
    Trigger.DAYS_SINCE_ORDER: {"days": Number(1, 1000, None), "window_days": _WINDOW},
    Trigger.SECOND_PURCHASE: {"days": Number(1, 365, None), "window_days": _WINDOW},
    Trigger.BIRTHDAY: {
        "days_before": Number(0, 60, 0), "window_days": Number(1, 14, 2), "calendar": Choice(CALENDARS, "any"),
    },
    Trigger.JOURNEY: {"window_days": Number(1, 60, 2), "ends_on_order": Flag(), "is_profiling": Flag(), "time_zone": Zone()},
    Trigger.REGISTERED: {"days": Number(0, 365, 0), "window_days": Number(1, 60, 3)},
    Trigger.POINTS_EXPIRING: {
        "days_before": Number(0, 90, 7), "window_days": Number(1, 60, 3), "currency": _CURRENCY,
    },
    Trigger.COUPON_EXPIRING: {
        "days_before": Number(0, 60, 3), "window_days": Number(1, 60, 2), "coupon": _COUPON,
    },
    Trigger.CART_LEFT: {"hours": Number(1, 168, 24), "window_days": Number(1, 14, 1)},
    Trigger.REPLENISHMENT_DUE: {
        "days_before": Number(0, 30, 3), "window_days": Number(1, 30, 7), "category": _CATEGORY,
    },
    Trigger.SEGMENT_ENTERED: {"window_days": _WINDOW, "segment": _SEGMENT},
    Trigger.LIVE_REMINDER: {"window_days": Number(1, 1, 1), "before": Choice(tuple(Reminder.Kind.values))},
    Trigger.BOOKING_NOTICE: {"window_days": Number(1, 1, 1), "notice": Choice(tuple(Notice.Kind.values))},
    Trigger.GROUP_INVITE: {"window_days": Number(1, 7, 2)},
    Trigger.GROUP_JOINED: {"window_days": Number(1, 30, 3), "group": _GROUP},
    Trigger.TRACK_STEP: {"window_days": Number(1, 60, 7), "track": _TRACK, "step": StepOf()},
}  # fmt: skip


def findings(trigger: str, params: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """(name of the parameter, code) of all that is wrong with them; their defaults are filled in."""
    wanted = PARAMS[trigger]
    for name in sorted(str(key) for key in params.keys() - wanted.keys()):
        yield name, "unknown_field"
    for name, kind in wanted.items():
        code = _wrong(kind, params, name)
        if code:
            yield name, code


def _wrong(kind: Param, params: dict[str, Any], name: str) -> str:
    if isinstance(kind, Flag):
        return "" if type(params.get(name, False)) is bool else "not_yes_or_no"
    if isinstance(kind, Zone):
        name = params.get(name, "")
        return "" if isinstance(name, str) and (name == "" or zones.is_real(name)) else "unknown_value"
    if isinstance(kind, Name):
        return _wrong_name(kind, params.get(name))
    if isinstance(kind, StepOf):
        return _wrong_step(params.get(kind.track), params.get(name))
    if isinstance(kind, Choice):
        if kind.default:
            params.setdefault(name, kind.default)
        value = params.get(name)
        return (
            ""
            if isinstance(value, str) and value in kind.values
            else ("unknown_value" if name in params else "required")
        )
    params.setdefault(name, kind.default)
    value = params[name]
    if value is None:
        return "required"
    return "" if type(value) is int and kind.low <= value <= kind.high else "not_a_number"


def _wrong_name(kind: Name, value: Any) -> str:
    if value is None or value == "":
        return "required" if kind.is_needed else ""
    is_known = isinstance(value, str) and "\0" not in value and kind.rows().filter(**{kind.field: value}).exists()
    return "" if is_known else "unknown_value"


def _wrong_step(track: Any, step: Any) -> str:
    if step is None or step == "":
        return "required"
    found = Track.objects.filter(key=track).first() if isinstance(track, str) and "\0" not in track else None
    return "" if found and any(known["key"] == step for known in found.steps) else "unknown_value"
