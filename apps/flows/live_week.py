"""The weekly routine as one act: a live launch, a coupon for groups alone that can be claimed in it, a time to try on in stores, and
the share of sales that shall come from the groups. All parts are made in one transaction, or none.
"""

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from apps.bookings import services as bookings
from apps.bookings.models import Service
from apps.community.models import Group, LiveCode
from apps.core import audit, clock
from apps.core.errors import NotFound, ValidationFailed
from apps.core.models import User
from apps.coupons import publishing, templates
from apps.flows.models import LiveWeek
from apps.livestream import planning


@dataclass(frozen=True, kw_only=True)
class CouponWanted:
    """Money off an order, in 分; `days`: shop days from the claim on; `minutes_after`: claimed so long after the stream's end."""

    name: str
    name_en: str = ""
    cents: int
    minimum_cents: int
    most: int
    days: int
    minutes_after: int = 0

    @property
    def terms(self) -> dict[str, Any]:
        least = {"minimum_cents": self.minimum_cents} if self.minimum_cents else {}
        valid = {"kind": "after_claim", "days": self.days}
        return {"gives": {"kind": "amount", "cents": self.cents}, "level": "order", "valid": valid} | least


@dataclass(frozen=True, kw_only=True)
class WeekWanted:
    """`stream` without coupons; `service_id` None: a new one of that name and length. `stores`: key → members at once."""

    stream: planning.Wanted
    coupon: CouponWanted
    groups: Sequence[str]
    stores: Mapping[int, int]
    service_id: int | None = None
    service_name: str = ""
    service_name_en: str = ""
    service_minutes: int = 30
    live_code_id: int | None = None
    aim_percent: int = 0


@dataclass(frozen=True)
class Made:
    """`approval_id`: the coupon could cost more than its maker may cause alone, and waits for a second person."""

    week: LiveWeek
    approval_id: int | None


@transaction.atomic
def make(*, wanted: WeekWanted, user: User) -> Made:
    """Raises what the parts raise (Overlap, WrongTime, UnknownPart, ValidationFailed, NotFound); nothing is written then."""
    audit.sign()
    known = set(Group.objects.filter(key__in=wanted.groups, dismissed_at=None).values_list("key", flat=True))
    is_code = wanted.live_code_id is None or LiveCode.objects.filter(pk=wanted.live_code_id).exists()
    if not wanted.groups or known != set(wanted.groups) or not wanted.stores or not is_code:
        raise NotFound
    if 0 < wanted.coupon.minimum_cents < wanted.coupon.cents:
        text = _("The coupon gives more than the order has to be.")
        raise ValidationFailed(errors=[{"pointer": "/coupon/cents", "code": "more_than_asked", "message": text}])
    key = f"live-{clock.local(wanted.stream.starts_at):%Y%m%d}-{secrets.token_hex(3)}"
    template = templates.create(
        key=key, name=wanted.coupon.name, name_en=wanted.coupon.name_en, most=wanted.coupon.most, per_member=1, is_in_centre=True,
        draft=wanted.coupon.terms | {"groups": sorted(known)},
        opens_at=wanted.stream.starts_at, closes_at=wanted.stream.ends_at,
    )  # fmt: skip
    published = publishing.publish(template_id=template.pk, by=user)
    template.refresh_from_db()
    stream = planning.plan(
        wanted=replace(wanted.stream, coupons=((key, wanted.coupon.minutes_after),)), user_id=user.pk
    )
    service = _service(wanted)
    for store_id, capacity in sorted(wanted.stores.items()):
        bookings.offer(service_id=service.pk, store_id=store_id, capacity=capacity)
    week = LiveWeek.objects.create(
        stream=stream, template=template, service=service, live_code_id=wanted.live_code_id, groups=sorted(known),
        stores=sorted(wanted.stores), aim_percent=wanted.aim_percent, created_by=user, created_at=clock.now(),
    )  # fmt: skip
    audit.record(
        "live_week.made", object_type="live_week", object_id=week.pk, after={"stream": stream.pk, "coupon": key}
    )
    return Made(week, published.approval_id)


def _service(wanted: WeekWanted) -> Service:
    if wanted.service_id is not None:
        found = Service.objects.filter(pk=wanted.service_id, is_active=True).first()
        if found is None:
            raise NotFound
        return found
    return bookings.save_service(
        name=wanted.service_name, name_en=wanted.service_name_en, minutes=wanted.service_minutes
    )
