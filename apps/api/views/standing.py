"""What a member has beyond points: the tier and its rights, the daily sign-in, tasks and achievements."""

import re
from datetime import date, datetime, timedelta
from typing import Any

from django.http import HttpResponse
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from drf_spectacular.utils import OpenApiParameter
from rest_framework import serializers as f
from rest_framework.exceptions import ErrorDetail, ValidationError
from rest_framework.request import Request

from apps.api import shapes
from apps.api.base import ApiView
from apps.api.rendering import Response
from apps.api.schema import operation
from apps.core import clock
from apps.core.errors import NotFound
from apps.points import achievements, benefits, outlook, sign_ins, tasks_of_members
from apps.points.models import Tier

_MONTH_FORM = "^20[0-9]{2}-(0[1-9]|1[0-2])$"
_MONTH = OpenApiParameter(
    "month",
    {"type": "string", "pattern": r"^20[0-9]{2}-(0[1-9]|1[0-2])$"},
    description="2026-11; this month where left out",
)


def named(thing: Any, field: str = "name") -> str:
    """In the caller's language."""
    is_english = (get_language() or "").startswith("en")
    return str((is_english and getattr(thing, f"{field}_en")) or getattr(thing, field))


class NextTierOut(shapes.TierOut):
    threshold = f.IntegerField()
    missing = f.IntegerField(help_text="points of the ladder's currency, or 分 where basis is spend")


class ComingTierOut(shapes.TierOut):
    on = f.DateField(help_text="the day from which it counts")


class FallOut(f.Serializer[Any]):
    to = shapes.TierOut()
    on = f.DateField(help_text="the first day on the lower tier")
    missing = f.IntegerField(help_text="so much more keeps the tier")
    by = f.DateField(help_text="the last day to get it")


class StandingOut(f.Serializer[Any]):
    tier = shapes.TierOut()
    basis = f.CharField(help_text="what counts: earned, spend or balance")
    value = f.IntegerField()
    since = f.DateTimeField(allow_null=True)
    valid_until = f.DateField(allow_null=True, help_text="the last day; null: no end")
    is_locked = f.BooleanField(help_text="set by hand, never assessed")
    next = NextTierOut(allow_null=True)
    coming = ComingTierOut(allow_null=True)
    falls = FallOut(allow_null=True, help_text="what comes where nothing more does")


_SILVER, _GOLD = {"key": "silver", "name": "银卡"}, {"key": "gold", "name": "金卡"}
STANDING_EXAMPLE = {
    "tier": _SILVER, "basis": "earned", "value": 4620, "since": "2026-03-31T10:32:05+08:00", "valid_until": "2027-03-31",
    "is_locked": False, "next": _GOLD | {"threshold": 5000, "missing": 380}, "coming": None, "falls": None,
}  # fmt: skip


def _tier(tier: Tier) -> dict[str, Any]:
    return {"key": tier.key, "name": named(tier)}


def _last_day(end: datetime | None) -> date | None:
    return clock.local_date(end - timedelta(microseconds=1)) if end else None


class MyTier(ApiView):
    route = "my_tier"

    @operation(
        "Your tier: what is missing to the next, and what comes otherwise",
        answer=StandingOut,
        example=STANDING_EXAMPLE,
        problems=["not_found"],
        is_tagged=True,
    )
    def get(self, request: Request) -> HttpResponse:
        now = outlook.outlook(member_id=self.member_id)
        if now is None:
            raise NotFound
        above, coming, falls = now.next_tier, None, None
        if now.coming and now.coming_at:
            coming = _tier(now.coming) | {"on": clock.local_date(now.coming_at)}
        if now.falls_to and now.falls_at:
            falls = {
                "to": _tier(now.falls_to),
                "on": clock.local_date(now.falls_at),
                "missing": now.missing_to_keep,
                "by": _last_day(now.falls_at),
            }
        return self.tagged(
            {
                "tier": _tier(now.tier),
                "basis": now.tier.ladder.basis,
                "value": now.value,
                "since": shapes.at(now.since) if now.since else None,
                "valid_until": _last_day(now.valid_until),
                "is_locked": now.is_locked,
                "next": _tier(above) | {"threshold": above.threshold, "missing": now.missing_to_next}
                if above
                else None,
                "coming": coming,
                "falls": falls,
            }
        )


class BenefitOut(f.Serializer[Any]):
    tier = shapes.TierOut()
    kind = f.CharField(help_text="open list: multiplier, birthday, coupon, shipping, service")
    title = f.CharField()
    value = f.DictField(help_text="by kind: factor, points, coupon")
    is_unlocked = f.BooleanField()


class BenefitsOut(f.Serializer[Any]):
    data = BenefitOut(many=True)  # type: ignore[assignment]  # DRF makes it a field


class MyBenefits(ApiView):
    route = "my_benefits"

    @operation(
        "What each tier gives, lowest first; yours are unlocked",
        answer=BenefitsOut,
        example={
            "data": [
                {
                    "tier": _SILVER,
                    "kind": "multiplier",
                    "title": "消费积分 1.1 倍",
                    "value": {"factor": "1.1"},
                    "is_unlocked": True,
                }
            ]
        },
        is_tagged=True,
    )
    def get(self, request: Request) -> HttpResponse:
        rows = [
            {
                "tier": _tier(right.tier),
                "kind": right.benefit.kind,
                "title": named(right.benefit, "title"),
                "value": right.benefit.value,
                "is_unlocked": right.is_unlocked,
            }
            for right in benefits.rights(member_id=self.member_id)
        ]
        return self.tagged({"data": rows})


class DayOut(f.Serializer[Any]):
    on = f.DateField()
    state = f.CharField(help_text="signed, made_up, missed, open (today), ahead")


class MakeUpOut(f.Serializer[Any]):
    is_offered = f.BooleanField()
    free_left = f.IntegerField(help_text="this month")
    points = f.IntegerField(allow_null=True, help_text="what a day beyond the free ones costs; null: not to be had")
    days_back = f.IntegerField()


class StepOut(f.Serializer[Any]):
    day = f.IntegerField(help_text="of the days in a row")
    points = f.IntegerField()


class CalendarOut(f.Serializer[Any]):
    days = DayOut(many=True)
    streak = f.IntegerField(help_text="days in a row; today may still be missing")
    is_signed_today = f.BooleanField()
    make_up = MakeUpOut()
    steps = StepOut(many=True)


class SignedOut(f.Serializer[Any]):
    on = f.DateField()
    streak = f.IntegerField()
    points = f.IntegerField(help_text="given for it now")
    is_new = f.BooleanField(help_text="false: this day was signed before")


CALENDAR_EXAMPLE = {
    "days": [{"on": "2026-11-21", "state": "signed"}, {"on": "2026-11-22", "state": "open"}], "streak": 6,
    "is_signed_today": False, "make_up": {"is_offered": True, "free_left": 1, "points": 20, "days_back": 7},
    "steps": [{"day": 7, "points": 20}],
}  # fmt: skip
SIGNED_EXAMPLE = {"on": "2026-11-22", "streak": 7, "points": 25, "is_new": True}


def _signed(made: sign_ins.Signed) -> dict[str, Any]:
    return {"on": made.on, "streak": made.streak, "points": made.points, "is_new": made.is_new}


class MySignIns(ApiView):
    route = "my_sign_ins"

    @operation(
        "A month of your sign-ins, the days in a row, and what comes next",
        answer=CalendarOut,
        example=CALENDAR_EXAMPLE,
        parameters=[_MONTH],
        problems=["validation_failed"],
        is_tagged=True,
    )
    def get(self, request: Request) -> HttpResponse:
        moment = clock.now()
        asked = request.query_params.get("month")
        if asked is not None and not re.fullmatch(_MONTH_FORM, asked):
            raise ValidationError({"month": [ErrorDetail(_("A month like 2026-11 is expected."), code="invalid")]})
        month = clock.local_date(moment) if asked is None else date.fromisoformat(f"{asked}-01")
        found = sign_ins.calendar(member_id=self.member_id, month=month, moment=moment)
        return self.tagged(
            {
                "days": [{"on": day.on, "state": day.state} for day in found.days],
                "streak": found.streak,
                "is_signed_today": found.is_signed_today,
                "make_up": {
                    "is_offered": found.make_up.is_offered,
                    "free_left": found.make_up.free_left,
                    "points": found.make_up.points,
                    "days_back": found.make_up.days_back,
                },
                "steps": [{"day": day, "points": amount} for day, amount in found.steps],
            }
        )

    @operation("Sign in for today; again: nothing happens", answer=SignedOut, example=SIGNED_EXAMPLE)
    def post(self, request: Request) -> Response:
        return Response(_signed(sign_ins.sign_in(member_id=self.member_id)))


class MySignIn(ApiView):
    route = "my_sign_in"

    @operation(
        "Make up a missed day; again: nothing happens",
        answer=SignedOut,
        example=SIGNED_EXAMPLE | {"on": "2026-11-20", "points": 0},
        problems=["not_found", "make_up_refused", "points_insufficient"],
    )
    def put(self, request: Request, day: str) -> Response:
        on = _day(day)
        if on is None:
            raise NotFound
        return Response(_signed(sign_ins.make_up(member_id=self.member_id, on=on)))


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


class TaskOut(f.Serializer[Any]):
    key = f.CharField()
    name = f.CharField()
    points = f.IntegerField()
    currency = f.CharField()
    per = f.CharField(help_text="day, week, month, year or life")
    most = f.IntegerField(help_text="so often per period")
    done = f.IntegerField()
    done_on = f.DateField(allow_null=True)


class TasksOut(f.Serializer[Any]):
    data = TaskOut(many=True)  # type: ignore[assignment]  # DRF makes it a field


class MyTasks(ApiView):
    route = "my_tasks"

    @operation(
        "What you can do for points, open ones first",
        answer=TasksOut,
        example={
            "data": [
                {
                    "key": "profile_complete", "name": "完善资料", "points": 50, "currency": "points", "per": "life", "most": 1,
                    "done": 0, "done_on": None,
                }
            ]
        },
        is_tagged=True,
    )  # fmt: skip
    def get(self, request: Request) -> HttpResponse:
        rows = [
            {
                "key": task.key,
                "name": named(task),
                "points": task.points,
                "currency": task.currency,
                "per": task.per,
                "most": task.most,
                "done": task.done,
                "done_on": task.done_on,
            }
            for task in tasks_of_members.for_member(member_id=self.member_id)
        ]
        return self.tagged({"data": rows})


class AchievementOut(f.Serializer[Any]):
    key = f.CharField()
    name = f.CharField()
    kind = f.CharField(help_text="what is counted: orders, spend_cents, sign_ins, event")
    value = f.IntegerField()
    target = f.IntegerField()
    period = f.CharField(help_text="month, quarter, year or life")
    points = f.IntegerField()
    currency = f.CharField()
    completed_at = f.DateTimeField(allow_null=True)


class AchievementsOut(f.Serializer[Any]):
    data = AchievementOut(many=True)  # type: ignore[assignment]  # DRF makes it a field


class MyAchievements(ApiView):
    route = "my_achievements"

    @operation(
        "Numbers to reach for points, and how far you are",
        answer=AchievementsOut,
        example={
            "data": [
                {
                    "key": "regular", "name": "月度常客", "kind": "orders", "value": 2, "target": 4, "period": "month",
                    "points": 50, "currency": "points", "completed_at": None,
                }
            ]
        },
        is_tagged=True,
    )  # fmt: skip
    def get(self, request: Request) -> HttpResponse:
        rows = [
            {
                "key": goal.key,
                "name": named(goal),
                "kind": goal.kind,
                "value": goal.value,
                "target": goal.target,
                "period": goal.period,
                "points": goal.points,
                "currency": goal.currency,
                "completed_at": shapes.at(goal.completed_at) if goal.completed_at else None,
            }
            for goal in achievements.progress(member_id=self.member_id)
        ]
        return self.tagged({"data": rows})
