"""The schedule as staff keep it. That a room and a host have one stream at a time is a constraint; here it gets its words."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import Q

from apps.activity import codes
from apps.activity.models import Code
from apps.catalog.models import Product as CatalogProduct
from apps.core import audit, clock
from apps.core.errors import NotFound
from apps.events import services as events
from apps.livestream import feeds
from apps.livestream.errors import ChangedMeanwhile, Overlap, QuantityTooSmall, UnknownPart, WrongMove, WrongTime
from apps.livestream.models import Host, Platform, Product, Reservation, Room, Stream, Window

CHANGED = "livestream.changed"
CODE_LEADS_TO = "/my/live/"
LONGEST, FURTHEST = timedelta(hours=24), timedelta(days=366)
State = Stream.State
ON = (State.PLANNED, State.LIVE)
MOVES: dict[str, tuple[State, ...]] = {
    State.PLANNED: (State.LIVE, State.EXPIRED, State.CANCELLED),
    State.LIVE: (State.ENDED,),
    State.ENDED: (),
    State.EXPIRED: (),
    State.CANCELLED: (),
}


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """A stream as the form says it. `products`: (catalogue id, pieces or None); `coupons`: (key, minutes after the end)."""

    title: str
    room_id: int
    host_id: int
    starts_at: datetime
    ends_at: datetime
    note: str = ""
    products: Sequence[tuple[int, int | None]] = ()
    coupons: Sequence[tuple[str, int]] = ()


def conflicts(
    *, room_id: int | None, host_id: int | None, starts_at: datetime, ends_at: datetime, except_id: int | None = None
) -> list[Stream]:
    """What stands in the way of that room or host then, earliest first."""
    taken = Stream.objects.filter(state__in=ON, starts_at__lt=ends_at, ends_at__gt=starts_at).exclude(pk=except_id or 0)
    return list(
        taken.filter(Q(room_id=room_id) | Q(host_id=host_id)).select_related("room", "host").order_by("starts_at")
    )


@transaction.atomic
def plan(*, wanted: Wanted, user_id: int | None = None) -> Stream:
    """Raises Overlap, WrongTime, UnknownPart; nothing is written then."""
    audit.sign()
    _check(wanted, now=clock.now())
    row = Stream(created_by_id=user_id, **_fields(wanted))
    with _apart(row):
        row.save(force_insert=True)
    _put_parts(row, wanted)
    ensure_code(row)
    _publish(row)
    return row


@transaction.atomic
def change(*, stream_id: int, revision: int, wanted: Wanted) -> Stream:
    """All that the form says, at once. Raises ChangedMeanwhile, WrongMove (over), Overlap, WrongTime, UnknownPart, QuantityTooSmall."""
    row = _to_change(stream_id, revision)
    if row.state not in ON:
        raise WrongMove
    is_moved = wanted.starts_at != row.starts_at
    if is_moved and row.state == State.LIVE:
        raise WrongMove
    _check(wanted, now=clock.now() if is_moved else None)
    for name, value in _fields(wanted).items():
        setattr(row, name, value)
    _save(row)
    _put_parts(row, wanted)
    _publish(row)
    return row


@transaction.atomic
def move(*, stream_id: int, revision: int, starts_at: datetime) -> Stream:
    """Another beginning, the same length. Raises ChangedMeanwhile, WrongMove, Overlap, WrongTime."""
    row = _to_change(stream_id, revision)
    if row.state != State.PLANNED:
        raise WrongMove
    row.starts_at, row.ends_at = starts_at, starts_at + (row.ends_at - row.starts_at)
    _check_time(row.starts_at, row.ends_at, now=clock.now())
    _save(row)
    _publish(row)
    return row


@transaction.atomic
def turn(*, stream_id: int, to: str) -> Stream:
    """Go live, end, call off: what the table of MOVES allows. There already: nothing happens. Raises WrongMove, NotFound."""
    row = _to_change(stream_id, None)
    if row.state == to:
        return row
    if to not in MOVES[row.state]:
        raise WrongMove
    moment = clock.now()
    row.state = to
    row.began_at = moment if to == State.LIVE else row.began_at
    row.finished_at = None if to in ON else moment
    _save(row)
    ensure_code(row)
    _publish(row)
    return row


def ensure_code(row: Stream) -> None:
    """Its tracked code, for the picture and the platform's page; older streams get one with their next step."""
    if row.code_id is None:
        row.code = codes.create(
            name=row.title, target=CODE_LEADS_TO, channel=Code.Channel.STREAM, user_id=row.created_by_id
        )
        row.save(update_fields=["code"])


@transaction.atomic
def add_room(*, platform: str, name: str, url: str = "") -> Room:
    """The same again is the same room, in use again. Raises UnknownPart."""
    audit.sign()
    found = Platform.objects.filter(key=platform).first()
    if found is None or not name.strip():
        raise UnknownPart
    facts = {"url": url, "is_active": True}
    row = Room.objects.update_or_create(platform=found, name=name.strip()[:60], defaults=facts)[0]
    Stream.objects.filter(room=row).update(changed_at=clock.now())  # the feeds say its address
    feeds.forget()
    return row


@transaction.atomic
def add_host(*, name: str) -> Host:
    """The same again is the same person, in use again. Raises UnknownPart."""
    audit.sign()
    if not name.strip():
        raise UnknownPart
    return Host.objects.update_or_create(name=name.strip()[:40], defaults={"is_active": True})[0]


def _fields(wanted: Wanted) -> dict[str, Any]:
    return {
        "title": wanted.title.strip()[:60], "note": wanted.note.strip()[:300], "room_id": wanted.room_id,
        "host_id": wanted.host_id, "starts_at": wanted.starts_at, "ends_at": wanted.ends_at,
    }  # fmt: skip


def _check(wanted: Wanted, *, now: datetime | None) -> None:
    _check_time(wanted.starts_at, wanted.ends_at, now=now)
    known = (
        wanted.title.strip()
        and Room.objects.filter(pk=wanted.room_id, is_active=True).exists()
        and Host.objects.filter(pk=wanted.host_id, is_active=True).exists()
    )
    ids = {product_id for product_id, _quantity in wanted.products}
    if not known or CatalogProduct.objects.filter(pk__in=ids).count() != len(ids):
        raise UnknownPart


def _check_time(starts_at: datetime, ends_at: datetime, *, now: datetime | None) -> None:
    moment = now or clock.now()
    is_odd = not timedelta(0) < ends_at - starts_at <= LONGEST
    if is_odd or starts_at > moment + FURTHEST or (now is not None and starts_at < moment - timedelta(minutes=5)):
        raise WrongTime


def _to_change(stream_id: int, revision: int | None) -> Stream:
    audit.sign()
    row = Stream.objects.select_for_update().filter(pk=stream_id).first()
    if row is None:
        raise NotFound
    if revision is not None and row.revision != revision:
        raise ChangedMeanwhile
    return row


def _save(row: Stream) -> None:
    row.revision += 1
    row.changed_at = clock.now()
    with _apart(row):
        row.save()


@contextmanager
def _apart(row: Stream) -> Iterator[None]:
    try:
        with transaction.atomic():
            # in turn: two at once, each checking against the other's row, would wait for each other
            Room.objects.select_for_update(no_key=True).filter(pk=row.room_id).first()
            Host.objects.select_for_update(no_key=True).filter(pk=row.host_id).first()
            yield
    except IntegrityError as refusal:
        if "livestream_one_at_a_time" not in str(refusal):
            raise
        there = conflicts(
            room_id=row.room_id, host_id=row.host_id, starts_at=row.starts_at, ends_at=row.ends_at, except_id=row.pk
        )
        raise overlap(there) from refusal


def overlap(there: Sequence[Stream]) -> Overlap:
    """The refusal, in words of what stands in the way (nothing any more: it was called off this very moment)."""
    first = there[0] if there else Stream(title="", starts_at=clock.now(), ends_at=clock.now())
    times = {"from": first.starts_at, "until": first.ends_at}
    return Overlap(title=first.title, **{name: f"{clock.local(at):%m-%d %H:%M}" for name, at in times.items()})


def _put_parts(row: Stream, wanted: Wanted) -> None:
    _put_products(row, dict(wanted.products))
    Window.objects.filter(stream=row).exclude(coupon__in=[key for key, _minutes in wanted.coupons]).delete()
    for key, minutes in wanted.coupons:
        Window.objects.update_or_create(stream=row, coupon=key, defaults={"minutes_after": minutes})


def _put_products(row: Stream, wanted: dict[int, int | None]) -> None:
    there = {one.product_id: one for one in Product.objects.select_for_update().filter(stream=row)}
    gone = [there[product_id].pk for product_id in there.keys() - wanted.keys()]
    if Reservation.objects.filter(product_id__in=gone).exists():
        raise QuantityTooSmall
    Product.objects.filter(pk__in=gone).delete()
    for place, (product_id, quantity) in enumerate(wanted.items()):
        if product_id in there and (quantity or 0) < there[product_id].reserved:
            raise QuantityTooSmall
        facts = {"place": place, "quantity": quantity}
        Product.objects.update_or_create(stream=row, product_id=product_id, defaults=facts)


def _publish(row: Stream) -> None:
    feeds.forget()
    events.publish(CHANGED, key=f"{row.pk}:{row.revision}", lane=f"livestream:{row.pk}", stream_id=row.pk)
