"""What follows when an order is given back, received or dropped: points it earned are taken back, points that paid for it return.

What an order may keep is a function of its present state alone, so refunds may be told in any order, twice, or late: each time what
is too much by then is taken. The rule in words: docs/points-rules.md.
"""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from fractions import Fraction
from typing import Any

from django.db import connection, transaction

from apps.core import clock, money
from apps.members import selectors as members
from apps.orders.models import Order, Refund
from apps.points import services as points
from apps.points import spend_limits
from apps.points.earning import Payment
from apps.points.errors import SourceReused
from apps.points.models import Entry, Hold

Parts = Mapping[int, list[tuple[int | None, int]]]  # by entry: line (None: the order) and points


@dataclass(frozen=True)
class Settled:
    """Points taken back and points returned by one settling."""

    taken: int = 0
    returned: int = 0


def kept(total_cents: int, refunded_cents: int, lines: Mapping[int, tuple[int, int]]) -> dict[int | None, Fraction]:
    """The part of each line's points that its order may keep; None: the order's own. `lines`: total and refunded 分.

    A refund without a line is spread over what is left, freight included. It only ever falls as refunds come in.
    """
    if total_cents and refunded_cents >= total_cents:
        return dict.fromkeys([None, *lines], Fraction(0))
    whole = max(sum(total for total, _refunded in lines.values()), total_cents)
    if not whole:
        return dict.fromkeys([None, *lines], Fraction(1))
    left = whole - sum(refunded for _total, refunded in lines.values())
    order = Fraction(total_cents - refunded_cents, total_cents) if total_cents else Fraction(1)
    share = order * whole / left if left else Fraction(0)
    parts: dict[int | None, Fraction] = {None: order}
    for line_id, (total, refunded) in lines.items():
        own = Fraction(total - refunded, total) if total else Fraction(1)
        parts[line_id] = min(share * own, Fraction(1))
    return parts


@transaction.atomic
def settle_order(*, order_id: int, tag: str, moment: datetime | None = None) -> Settled:
    """Take back what the order earned too much as it stands now, and return what it paid with points too much. `tag` names the
    cause in the books ("refund:17"); the same tag again changes nothing that it did."""
    moment = moment or clock.now()
    fractions = _fractions(order_id)
    taken = sum(
        _once(entry_id, amount, f"{tag}:e{entry_id}", moment, is_earning=True)
        for entry_id, amount in _too_much(_earned(order_id), _REVERSED, fractions)
    )
    returned = sum(
        _once(entry_id, amount, f"{tag}:p{entry_id}", moment, is_earning=False)
        for entry_id, amount in _too_much(_paid(order_id), _RETURNED, fractions)
    )
    return Settled(taken, returned)


def settle_refund(*, refund_id: int, moment: datetime | None = None) -> Settled:
    """A refund has come: settle its order. Idempotent; the order of refunds does not matter."""
    refund = Refund.objects.get(pk=refund_id)
    return settle_order(order_id=refund.order_id, tag=f"refund:{refund_id}", moment=moment)


@transaction.atomic
def pay_order(
    *, member_id: int, order_id: int, amount: int, source: str, order_cents: int | None = None, moment: datetime | None = None
) -> points.Posting:  # fmt: skip
    """Spend points on an order's lines, in proportion to what they cost; refunds of the lines return them.

    `order_cents`: what the limits take a part of (None: its total). Raises as `spend`, and SpendLimitReached.
    """
    moment = moment or clock.now()
    posting = points.spend(member_id=member_id, amount=amount, source=source, moment=moment)
    return _noted(posting, member_id=member_id, order_id=order_id, order_cents=order_cents, moment=moment)


@transaction.atomic
def hold_for_order(
    *, member_id: int, order_id: int, amount: int, source: str, order_cents: int | None = None,
    keep_for: timedelta = points.HOLD_FOR, moment: datetime | None = None,
) -> points.Posting:  # fmt: skip
    """Set points aside for an order until it is paid (`points.capture`) or dropped (`cancel_order`). Raises as `pay_order`."""
    moment = moment or clock.now()
    posting = points.hold(member_id=member_id, amount=amount, source=source, keep_for=keep_for, moment=moment)
    return _noted(posting, member_id=member_id, order_id=order_id, order_cents=order_cents, moment=moment)


def _noted(
    posting: points.Posting, *, member_id: int, order_id: int, order_cents: int | None, moment: datetime
) -> points.Posting:
    """The account is locked by now, so what the limits count stands still."""
    if not posting.is_new:
        return posting
    lines = _lines(order_id)
    parts = money.split(posting.amount, [total for total, _refunded in lines.values()]) or [posting.amount]
    wanted = zip([*lines] if lines else [None], parts, strict=True)
    Payment.objects.bulk_create(
        Payment(entry_id=posting.entry_id, order_id=order_id, line_id=line_id, points=part)
        for line_id, part in wanted
        if part
    )
    if order_cents is None:
        order_cents = Order.objects.values_list("total_cents", flat=True).get(pk=order_id)
    spend_limits.require(
        posting=posting, member_id=member_id, order_id=order_id, order_cents=order_cents, day=clock.local_date(moment)
    )
    return posting


@transaction.atomic
def cancel_order(*, order_id: int, moment: datetime | None = None) -> int:
    """The order was dropped before it was paid: all points that were to pay for it are free again. Returns how many."""
    moment, freed = moment or clock.now(), 0
    _lock(order_id)
    holds = dict(Hold.objects.filter(entry__in=_paid(order_id)).values_list("entry_id", "state"))
    for entry_id, amount in _too_much(_paid(order_id), _RETURNED, defaultdict(Fraction)):
        if holds.get(entry_id) == Hold.State.HELD:
            freed += points.let_go(entry_id=entry_id, source=f"order:{order_id}:off:{entry_id}", moment=moment).amount
        elif holds.get(entry_id, Hold.State.CAPTURED) == Hold.State.CAPTURED:
            freed += _once(entry_id, amount, f"order:{order_id}:off:p{entry_id}", moment, is_earning=False)
    return freed


def release_order(*, order_id: int, fact: str, moment: datetime | None = None) -> int:
    """The fact that points of this order waited for has come. The rule's `days` count from the day of the receipt, whenever this
    is told. Returns how many earnings no longer wait for it."""
    moment = moment or clock.now()
    came = Order.objects.values_list("received_at", flat=True).get(pk=order_id) or moment
    waiting = Entry.objects.filter(
        awards__order_id=order_id, version__definition__pending__kind="fact", version__definition__pending__fact=fact
    ).values_list("pk", "version__definition")
    due = {entry_id: usable_from(definition["pending"], came) for entry_id, definition in waiting}
    return sum(
        points.release(entry_id=entry_id, moment=moment, due_at=due_at) for entry_id, due_at in sorted(due.items())
    )


def usable_from(pending: Mapping[str, Any], came: datetime) -> datetime:
    """When points that waited for a fact can be used, which came at `came`: then, or from the beginning of a later shop day on."""
    days = pending.get("days")
    return clock.day_start(clock.local_date(came) + timedelta(days=days)) if days else came


def drop_open(*, member_id: int, moment: datetime | None = None) -> Settled:
    """A member has left for good: what is pending lapses, what is set aside is let go. The books stay."""
    moment, taken, returned = moment or clock.now(), 0, 0
    for entry_id in Hold.objects.filter(
        state=Hold.State.HELD, entry__account__member__in=members.family(member_id)
    ).values_list("entry_id", flat=True):
        returned += points.let_go(entry_id=entry_id, source=f"hold:{entry_id}:left", moment=moment).amount
    with connection.cursor() as cursor:
        cursor.execute(_PENDING, [member_id])
        waiting = cursor.fetchall()
    for entry_id, amount in waiting:
        source = f"left:e{entry_id}"
        taken += points.reverse(
            entry_id=entry_id, amount=amount, source=source, policy="only_pending", moment=moment
        ).amount
    return Settled(taken, returned)


_PENDING = """
select l.entry_id, sum(l.remaining)::bigint from points_lot l join points_account a on a.id = l.account_id
where a.member_id = %s and l.activated_at is null and l.remaining > 0 group by l.entry_id order by l.entry_id
"""
_REVERSED = "select entry_id, sum(reversed)::bigint from points_lot where entry_id = any(%s) group by entry_id"
_RETURNED = """
select reverses_id, sum(undone)::bigint from points_entry where reverses_id = any(%s) and kind = 'return' group by reverses_id
"""


def _once(entry_id: int, amount: int, source: str, moment: datetime, *, is_earning: bool) -> int:
    """Take back, or return; a source that wrote before has done its part, whatever came since has a source of its own."""
    undo = points.reverse if is_earning else points.give_back
    try:
        return undo(entry_id=entry_id, amount=amount, source=source, moment=moment).amount
    except SourceReused:
        return 0


def _too_much(parts: Parts, undone: str, fractions: Mapping[int | None, Fraction]) -> list[tuple[int, int]]:
    """By entry, what goes beyond the part that is kept and was not undone yet."""
    with connection.cursor() as cursor:
        cursor.execute(undone, [sorted(parts)])
        done = dict(cursor.fetchall())
    found = []
    for entry_id in sorted(parts):
        given = sum(part for _line, part in parts[entry_id])
        keeps = sum(int(part * fractions[line_id]) for line_id, part in parts[entry_id])
        if undone is _RETURNED:  # of what was paid the house keeps its part, rounded up
            keeps = given - sum(int(part * (1 - fractions[line_id])) for line_id, part in parts[entry_id])
        if given - keeps > done.get(entry_id, 0):
            found.append((entry_id, given - keeps - done.get(entry_id, 0)))
    return found


def _earned(order_id: int) -> Parts:
    return _grouped("select entry_id, line_id, points from points_award where order_id = %s and points > 0", order_id)


def _paid(order_id: int) -> Parts:
    return _grouped("select entry_id, line_id, points from points_payment where order_id = %s", order_id)


def _grouped(statement: str, order_id: int) -> Parts:
    parts: dict[int, list[tuple[int | None, int]]] = defaultdict(list)
    with connection.cursor() as cursor:
        cursor.execute(statement, [order_id])
        for entry_id, line_id, amount in cursor.fetchall():
            parts[entry_id].append((line_id, amount))
    return parts


def _fractions(order_id: int) -> dict[int | None, Fraction]:
    return kept(*_lock(order_id), _lines(order_id))


def _lock(order_id: int) -> tuple[int, int]:
    """Total and refunded 分 of the order, which nobody else settles meanwhile."""
    with connection.cursor() as cursor:
        cursor.execute(
            "select total_cents, refunded_cents from orders_order where id = %s for no key update", [order_id]
        )
        row = cursor.fetchone()
    return int(row[0]), int(row[1])


def _lines(order_id: int) -> dict[int, tuple[int, int]]:
    with connection.cursor() as cursor:
        cursor.execute(
            "select id, total_cents, refunded_cents from orders_line where order_id = %s order by line_no", [order_id]
        )
        return {line_id: (total, refunded) for line_id, total, refunded in cursor.fetchall()}
