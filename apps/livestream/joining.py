"""What members do: ask to be reminded, have a piece put aside to try on; and what the store says became of it."""

from datetime import date, timedelta

from django.db import IntegrityError, transaction
from django.db.models import F

from apps.core import clock
from apps.core.errors import NotFound
from apps.livestream.errors import AlreadyReserved, NoneLeft, NotToReserve, WrongMove
from apps.livestream.models import Product, Reservation, Stream, Subscription
from apps.stores.models import Store

VISIT_WITHIN = timedelta(days=14)
State = Reservation.State


@transaction.atomic
def remind(*, stream_id: int, member_id: int) -> Subscription:
    """Once, however often they ask; who had stopped is reminded again. Raises NotFound, WrongMove (it is no more to come)."""
    stream = Stream.objects.select_for_update(no_key=True).filter(pk=stream_id).first()
    if stream is None:
        raise NotFound
    if stream.state not in (Stream.State.PLANNED, Stream.State.LIVE):
        raise WrongMove
    moment = clock.now()
    row, is_new = Subscription.objects.get_or_create(stream=stream, member_id=member_id, defaults={"asked_at": moment})
    if not is_new and row.ended_at is not None:
        row.asked_at, row.ended_at = moment, None
        row.save(update_fields=["asked_at", "ended_at"])
    return row


@transaction.atomic
def forget(*, stream_id: int, member_id: int) -> None:
    """No more reminders of this stream; what waits to be sent is not. Repeatable."""
    Subscription.objects.filter(stream_id=stream_id, member_id=member_id, ended_at=None).update(ended_at=clock.now())


@transaction.atomic
def forget_all(*, member_ids: list[int]) -> int:
    """These members leave: no reminders, and their pieces go back. Returns how many pieces."""
    Subscription.objects.filter(member_id__in=member_ids, ended_at=None).update(ended_at=clock.now())
    rows = list(Reservation.objects.filter(member_id__in=member_ids, state=State.OPEN).order_by("product_id", "pk"))
    for row in rows:
        _settle(row, state=State.CANCELLED)
    return len(rows)


@transaction.atomic
def reserve(*, product_id: int, member_id: int, store_id: int, visit_on: date, source: str) -> Reservation:
    """Put a piece aside until the end of that shop day. The same `source` is the same reservation.

    Raises NotFound, NotToReserve, AlreadyReserved, NoneLeft; never more pieces than there are.
    """
    if done := Reservation.objects.filter(source=source, member_id=member_id).first():
        return done
    product = Product.objects.select_for_update().select_related("stream").filter(pk=product_id).first()
    if product is None or product.quantity is None:
        raise NotFound
    today = clock.local_date(clock.now())
    first = max(today, clock.local_date(product.stream.starts_at))
    is_on = product.stream.state in (Stream.State.PLANNED, Stream.State.LIVE, Stream.State.ENDED)
    is_in_time = first <= visit_on <= clock.local_date(product.stream.starts_at) + VISIT_WITHIN
    if not is_on or not is_in_time or not Store.objects.filter(pk=store_id, is_open=True).exists():
        raise NotToReserve
    if Reservation.objects.filter(product=product, member_id=member_id, state=State.OPEN).exists():
        raise AlreadyReserved
    if not Product.objects.filter(pk=product_id, reserved__lt=F("quantity")).update(reserved=F("reserved") + 1):
        raise NoneLeft
    return _made(Reservation(product=product, member_id=member_id, store_id=store_id, visit_on=visit_on, source=source))


@transaction.atomic
def settle(*, reservation_id: int, state: str, member_id: int | None = None) -> Reservation:
    """Tried on, or given back (by the member: only their own). The same again is a no-op. Raises WrongMove, NotFound."""
    row = Reservation.objects.select_for_update().filter(pk=reservation_id).first()
    if row is None or (member_id is not None and row.member_id != member_id):
        raise NotFound
    if row.state == state:
        return row
    if row.state != State.OPEN or state not in (State.TRIED, State.CANCELLED):
        raise WrongMove
    return _settle(row, state=state)


def miss(*, today: date) -> int:
    """Whose day is over and who did not come: the piece is free again. Returns how many."""
    ids = Reservation.objects.filter(state=State.OPEN, visit_on__lt=today).values_list("pk", flat=True)
    return sum(_missed(pk, today) for pk in list(ids[:1000]))


@transaction.atomic
def _missed(pk: int, today: date) -> int:
    row = Reservation.objects.select_for_update().filter(pk=pk, state=State.OPEN, visit_on__lt=today).first()
    if row is not None:
        _settle(row, state=State.MISSED)
    return int(row is not None)


def _settle(row: Reservation, *, state: str) -> Reservation:
    row.state, row.settled_at = state, clock.now()
    row.save(update_fields=["state", "settled_at"])
    Product.objects.filter(pk=row.product_id, reserved__gt=0).update(reserved=F("reserved") - 1)
    return row


def _made(row: Reservation) -> Reservation:
    """Two calls with one source at once: the second gets what the first made, and its piece is not taken twice."""
    try:
        with transaction.atomic():
            row.save(force_insert=True)
    except IntegrityError:
        first = Reservation.objects.filter(source=row.source, member_id=row.member_id).first()
        if first is None:
            raise
        Product.objects.filter(pk=row.product_id).update(reserved=F("reserved") - 1)
        return first
    return row
