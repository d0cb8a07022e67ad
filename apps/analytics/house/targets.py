"""Targets: who may set which, set one by one or from a file, and what they were before."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.db import connection, transaction
from django.db.models import Q, QuerySet, Window
from django.db.models.functions import Lag

from apps.analytics.house.figures import GOALS
from apps.analytics.models import Target
from apps.core import audit, clock
from apps.core.errors import Forbidden, ValidationFailed
from apps.stores.access import Access
from apps.stores.models import Staff, Store

PERMISSION = "targets.edit"
LOCK = 7_490_317  # advisory: two files at once would end each other's rows


@dataclass(frozen=True, kw_only=True)
class Place:
    """What a target is for: at most one of the ids; none of them is the brand."""

    region_id: int | None = None
    store_id: int | None = None
    staff_id: int | None = None
    channel: str = ""


BRAND = Place()


@dataclass(frozen=True, kw_only=True)
class Wish:
    """`value` None takes the target away."""

    month: date
    figure: str
    place: Place
    value: int | None


def in_force(*, month: date) -> dict[tuple[str, Place], int]:
    """All targets of a month by figure and place."""
    rows = Target.objects.filter(month=month, ended_at=None, value__isnull=False)
    fields = ("figure", "region_id", "store_id", "staff_id", "channel", "value")
    return {
        (figure, Place(region_id=region, store_id=store, staff_id=staff, channel=channel)): int(value or 0)
        for figure, region, store, staff, channel, value in rows.values_list(*fields)
    }


def history(*, month: date, store_ids: Sequence[int] | None) -> QuerySet[Target]:
    """Newest first, each with what stood `before` it: of these stores and of who works there; None: all of them."""
    place = ["figure", "region", "store", "staff", "channel"]
    rows = Target.objects.select_related("region", "store", "staff", "set_by").filter(month=month)
    if store_ids is not None:
        rows = rows.filter(Q(store_id__in=store_ids) | Q(staff__store_id__in=store_ids))
    return rows.annotate(before=Window(Lag("value"), partition_by=place, order_by="id")).order_by("-id")


def settable(place: Place, *, by: Access) -> bool:
    """Nobody sets their own: who leads a region sets those of its stores and their people, who leads a store those of its people."""
    reach, store_ids = by.reach(PERMISSION), by.store_ids(PERMISSION)
    if store_ids is None:
        return True
    if place.store_id:
        return reach == "region" and place.store_id in store_ids
    if place.staff_id is None or place.staff_id == by.staff_id:
        return False
    return Staff.objects.filter(pk=place.staff_id, store_id__in=store_ids).exists()


@transaction.atomic
def put(wishes: Iterable[Wish], *, by: Access, way: str = "hand") -> int:
    """All or none; what stands already adds nothing. Returns how many changed. Raises Forbidden, ValidationFailed."""
    with connection.cursor() as cursor:
        cursor.execute("select pg_advisory_xact_lock(%s)", [LOCK])
    moment, changed = clock.now(), 0
    for wish in wishes:
        _refuse_nonsense(wish)
        if not settable(wish.place, by=by):
            raise Forbidden
        changed += _put(wish, user_id=by.user_id, way=way, moment=moment)
    return changed


def _put(wish: Wish, *, user_id: int | None, way: str, moment: Any) -> bool:
    said: dict[str, Any] = {
        "month": wish.month, "figure": wish.figure, "region_id": wish.place.region_id, "store_id": wish.place.store_id,
        "staff_id": wish.place.staff_id, "channel": wish.place.channel,
    }  # fmt: skip
    old = Target.objects.filter(ended_at=None, **said).first()
    before = old.value if old else None
    if before == wish.value:
        return False
    if old:
        Target.objects.filter(pk=old.pk).update(ended_at=moment)
    row = Target.objects.create(value=wish.value, way=way, set_by_id=user_id, set_at=moment, **said)
    told = said | {"month": f"{wish.month:%Y-%m}"}
    audit.record(
        "target.set", object_type="target", object_id=row.pk,
        before={"value": before}, after=told | {"value": wish.value, "way": way},
    )  # fmt: skip
    return True


def _refuse_nonsense(wish: Wish) -> None:
    """What no page offers and a file or a made-up form may say."""
    goal, place = GOALS.get(wish.figure), wish.place
    if goal is None or wish.month.day != 1:
        raise ValidationFailed
    if place.staff_id and (not goal.of_people or place.channel):
        raise ValidationFailed
    if (place.channel and not goal.has_channels) or (goal.of_brand and place != BRAND):
        raise ValidationFailed


def stores(store_ids: Sequence[int] | None) -> QuerySet[Store]:
    rows = Store.objects.filter(is_warehouse=False).select_related("region").order_by("code")
    return rows if store_ids is None else rows.filter(pk__in=store_ids)
