"""A sale at the counter, in one transaction: coupons are used, the order is recorded and paid, points are spent against it.
Repeatable by its key.

What a paid order sets off (points, tier, stats) follows by its fact as for any order; `follow` delivers it while the clerk waits.
A sale that is undone is refunded whole: points that it earned go, points and coupons that paid for it come back.

Locks: what the person did in this shop day first, so that caps are exact at however many tills; then coupons; then the account (by the
ledger).
"""

import re
import time
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Q, Sum

from apps.core import audit, clock, money
from apps.core.errors import NotFound
from apps.coupons import redeeming
from apps.coupons.basket import Shopper
from apps.events.models import Event
from apps.flows import bought, counter_rules, own_cards, shopper
from apps.flows import services as flows
from apps.flows.bought import Bought
from apps.flows.checkout_errors import (
    AmountOutOfBounds,
    KeyReused,
    MemberAbsent,
    MemberTooOften,
    PointsTooMany,
    PricesMoved,
    ReceiptElsewhere,
    ReceiptInvalid,
    ReceiptUsed,
    SaleInFuture,
    SaleTooOld,
    ShiftCapReached,
    UndoNeedsManager,
    UndoOver,
)
from apps.flows.counter_rules import Rules
from apps.flows.models import Checkout
from apps.flows.shopper import Put
from apps.members import selectors as members
from apps.orders import services as orders
from apps.orders.errors import OrderNumberReused, RefundExceeds
from apps.orders.models import Order
from apps.orders.services import NewLine
from apps.points import selectors as points
from apps.points import takebacks
from apps.points.models import Award, Currency
from apps.stores import limits
from apps.stores.models import Shift, Staff

SKEW = timedelta(minutes=2)  # by which a till's clock may be ahead
UNDO_WITHIN = timedelta(minutes=5)
OLDEST_SHIFT = timedelta(days=2)  # that a sale of today can belong to: begun before midnight, kept without a network
PATIENCE = 1.5  # seconds that a clerk waits for the points
_RECEIPT = re.compile(r"[0-9A-Za-z][0-9A-Za-z./_-]{0,39}", re.ASCII).fullmatch
_KEY = re.compile(r"[0-9A-Za-z_-]{8,64}", re.ASCII).fullmatch


@dataclass(frozen=True)
class Desk:
    """Where, and who stands there."""

    shift_id: int
    device_id: int
    store_id: int
    store_code: str
    staff_id: int


@dataclass(frozen=True)
class Sale:
    """`key` is the till's name for this act. `bought`: what lies there. `shown_cents`: what the screen said that it costs, where prices
    are the catalogue's; None: it said nothing. `scanned_at`: when the member stood there, for what was kept without a network (its
    signature was checked). `is_present`: the member's code was read, not only their phone. `is_vouched`: the clerk says that the goods
    fit the coupons, whose ids are `coupons`."""

    key: str
    member_id: int
    receipt: str
    bought: Bought
    points: int = 0
    shown_cents: int | None = None
    coupons: tuple[int, ...] = ()
    is_vouched: bool = False
    is_present: bool = False
    scanned_at: datetime | None = None


@dataclass(frozen=True)
class Taken:
    """`is_new` False: the same act had been done before."""

    checkout: Checkout
    is_new: bool


@dataclass(frozen=True)
class Brought:
    """What a sale gave by now. `is_settled` False: the points follow in a moment."""

    earned: int
    balance: int
    is_settled: bool


@transaction.atomic
def pay(*, desk: Desk, sale: Sale, moment: datetime | None = None) -> Taken:
    """Take a sale in. Raises the errors of `checkout_errors`, NotEnoughPoints, AccountFrozen, PriceUnknown; nothing is written then."""
    moment = moment or clock.now()
    rules = counter_rules.read()
    if known := _known(sale):
        return Taken(known, is_new=False)
    member_id = members.current_id(sale.member_id)
    at = sale.scanned_at or moment
    _check(sale, desk=desk, rules=rules, moment=moment)
    who, put = _put(sale, desk=desk, member_id=member_id, at=at)
    _check_amount(sale, put, rules)
    own_cards.refuse(staff_id=desk.staff_id, member_id=member_id)
    limits.take_turn("checkout", staff_id=desk.staff_id)
    if known := _known(sale):
        return Taken(known, is_new=False)
    _check_caps(sale, desk=desk, member_id=member_id, rules=rules, moment=moment)
    receipt = _reserve(sale, put, desk=desk, who=who, moment=moment)
    sold = bought.sold(put, receipt)
    gross, left = sum(line.cents for line in sold), sum(line.to_pay_cents for line in sold)
    worth = _worth(sale, left=left)
    lines = bought.order_lines(sale.bought, sold, cents=left - worth)
    order = _recorded(sale, lines, desk=desk, member_id=member_id, cents=left - worth, rules=rules, at=at)
    if sale.points:
        takebacks.pay_order(
            member_id=member_id, order_id=order.pk, amount=sale.points, source=f"order:{order.pk}:points",
            order_cents=left, moment=moment,
        )  # fmt: skip
    if sale.coupons:
        redeeming.confirm(source=_act(sale), order_id=order.pk, reference=sale.receipt, moment=moment)
    order = orders.mark_paid(order_id=order.pk, paid_at=at)
    made = Checkout.objects.create(
        key=sale.key, order=order, shift_id=desk.shift_id, gross_cents=gross, points_spent=sale.points,
        points_cents=worth, coupons=len(sale.coupons), coupon_cents=gross - left, scanned_at=at, at=moment,
        was_offline=sale.scanned_at is not None,
    )  # fmt: skip
    return Taken(made, is_new=True)


def follow(*, order_id: int, fact: str = "order.paid", patience: float = PATIENCE) -> bool:
    """Let what the sale sets off happen now, in the order of the member's other facts. False: it has to wait. No transaction open."""
    event_id = Event.objects.filter(name=fact, key=f"{fact}:{order_id}").values_list("pk", flat=True).first()
    until = time.monotonic() + patience
    while event_id is not None and not flows.deliver(event_id=event_id):
        if time.monotonic() >= until:
            return False
        time.sleep(0.05)  # a worker has it
    return True


def brought(*, checkout: Checkout, is_settled: bool) -> Brought:
    given = Award.objects.filter(order_id=checkout.order_id, rule__currency__key="points")
    earned = given.aggregate(sum=Sum("points"))["sum"] or 0
    balance = points.totals(member_id=checkout.order.member_id).balance
    return Brought(earned, balance, is_settled)


@transaction.atomic
def undo(*, checkout_id: int, desk: Desk, manager_id: int | None = None, moment: datetime | None = None) -> Taken:
    """Refund a sale of this store whole. The clerk alone within five minutes, afterwards with `manager_id`, whose PIN was checked.

    Again: a no-op. Raises UndoNeedsManager, UndoOver, NotFound.
    """
    moment = moment or clock.now()
    rows = Checkout.objects.select_for_update(of=("self",)).select_related("order", "shift")
    row = rows.filter(pk=checkout_id, order__store_id=desk.store_id).first()
    if row is None:
        raise NotFound
    if row.undone_at is not None:
        return Taken(row, is_new=False)
    is_own = row.shift.staff_id == desk.staff_id and moment - row.at <= UNDO_WITHIN
    if not is_own and manager_id is None:
        raise UndoNeedsManager
    if row.order.total_cents == 0:  # coupons paid for all of it: no money goes back, and so no refund tells of it
        redeeming.free_order(order_id=row.order_id, moment=moment)
    else:
        _refund(row, moment)
    row.undone_at, row.undone_by_id, row.agreed_by_id = moment, desk.staff_id, None if is_own else manager_id
    row.save(update_fields=["undone_at", "undone_by", "agreed_by"])
    facts = {"by": desk.staff_id, "agreed_by": row.agreed_by_id, "device": desk.device_id, "cents": row.gross_cents}
    audit.record("checkout.undone", object_type="order", object_id=row.order_id, after=facts)
    return Taken(row, is_new=True)


def _refund(row: Checkout, moment: datetime) -> None:
    try:
        orders.refund(order_id=row.order_id, source=f"undo:{row.pk}", refunded_at=moment)
    except RefundExceeds:
        raise UndoOver from None


def last_of(*, shift_id: int, at_most: int = 1) -> list[Checkout]:
    """The newest sales of a shift."""
    return list(Checkout.objects.select_related("order").filter(shift_id=shift_id).order_by("-pk")[:at_most])


def points_worth(amount: int) -> int:
    """分 that so many points take off, rounded down."""
    per_hundred = Currency.objects.values_list("cents_per_hundred", flat=True).get(key="points")
    return amount * per_hundred // 100


def _known(sale: Sale) -> Checkout | None:
    row = Checkout.objects.select_related("order", "shift").filter(key=sale.key).first()
    if row is None:
        return None
    amount_cents, goods = bought.of_order(row.order, gross_cents=row.gross_cents)
    said = [(one.sku, one.quantity) for one in sale.bought.goods]
    if (row.order.order_no, amount_cents, goods, row.points_spent) != (
        sale.receipt, sale.bought.amount_cents, said, sale.points,
    ):  # fmt: skip
        raise KeyReused
    return row


def _put(sale: Sale, *, desk: Desk, member_id: int, at: datetime) -> tuple[Shopper | None, Put]:
    """The shopper too where coupons or prices ask for one: an amount alone costs what it says."""
    asks = bool(sale.coupons or sale.bought.goods)
    who = shopper.shopper_of(member_id, moment=at) if asks else None
    return who, bought.put(sale.bought, who=who, store_code=desk.store_code, moment=at, is_vouched=sale.is_vouched)


def _check_amount(sale: Sale, put: Put, rules: Rules) -> None:
    cents = put.basket.cents
    if not rules.least_cents <= cents <= rules.most_cents:
        raise AmountOutOfBounds(least=money.show(rules.least_cents), most=money.show(rules.most_cents))
    if sale.shown_cents is not None and sale.shown_cents != cents:
        raise PricesMoved(now=money.show(cents))


def _check(sale: Sale, *, desk: Desk, rules: Rules, moment: datetime) -> None:
    """What no lock is needed for."""
    if not _KEY(sale.key) or not _RECEIPT(sale.receipt):
        raise ReceiptInvalid
    if rules.receipt_has_store and not sale.receipt.upper().startswith(desk.store_code.upper()):
        raise ReceiptElsewhere
    if sale.scanned_at and sale.scanned_at > moment + SKEW:
        raise SaleInFuture
    if sale.scanned_at and sale.scanned_at < moment - timedelta(hours=rules.hours_back):
        raise SaleTooOld(hours=rules.hours_back)
    if (sale.points or sale.coupons) and (not sale.is_present or sale.scanned_at):
        raise MemberAbsent


def _check_caps(sale: Sale, *, desk: Desk, member_id: int, rules: Rules, moment: datetime) -> None:
    """Of one person in a shop day, whatever till they went to and however often they ended their shift. In their turn."""
    rules = rules.of_role(Staff.objects.values_list("role", flat=True).get(pk=desk.staff_id))
    today = clock.day_start(clock.local_date(moment))
    shifts = Shift.objects.filter(staff_id=desk.staff_id, began_at__gte=today - OLDEST_SHIFT)
    mine = Checkout.objects.filter(shift__in=shifts, undone_at=None, at__gte=today)
    if mine.count() >= rules.orders:
        raise ShiftCapReached(cap="orders")
    spends = Q(points_spent__gt=0) | Q(coupons__gt=0)
    if (sale.points or sale.coupons) and mine.filter(spends).count() >= rules.redemptions:
        raise ShiftCapReached(cap="redemptions")
    given = Award.objects.filter(order__in=mine.values("order"), rule__currency__key="points")
    if (given.aggregate(sum=Sum("points"))["sum"] or 0) >= rules.points:
        raise ShiftCapReached(cap="points")
    if mine.filter(order__member_id__in=members.family(member_id)).count() >= rules.per_member:
        raise MemberTooOften


def _worth(sale: Sale, *, left: int) -> int:
    """分 that the points take off what coupons left: at least one, and never the whole, so that there is something to give back."""
    worth = points_worth(sale.points) if sale.points else 0
    if sale.points and (sale.points < 0 or not 0 < worth < left):
        per_hundred = points_worth(100)
        raise PointsTooMany(most=max(left - 1, 0) * 100 // per_hundred if per_hundred else 0)
    return worth


def _reserve(sale: Sale, put: Put, *, desk: Desk, who: Shopper | None, moment: datetime) -> redeeming.Receipt | None:
    """Set the coupons aside for the order that is about to be. None: there are none. Raises CouponRefused."""
    if who is None or not sale.coupons:
        return None
    act = redeeming.Act(
        coupon_ids=sale.coupons,
        shopper=who,
        basket=put.basket,
        source=_act(sale),
        place=redeeming.Place(
            store_id=desk.store_id, device_id=desk.device_id, staff_id=desk.staff_id, reference=sale.receipt
        ),
        with_points=bool(sale.points),
    )
    return redeeming.reserve(act, moment=moment)


def _act(sale: Sale) -> str:
    return f"checkout:{sale.key}"


def _recorded(
    sale: Sale, lines: list[NewLine], *, desk: Desk, member_id: int, cents: int, rules: Rules, at: datetime
) -> Order:
    """The order, new. Raises ReceiptUsed for one that was taken in before, whatever it said."""
    source = f"till:{desk.store_id}" + (f":{desk.device_id}" if rules.receipts_by == "till" else "")
    try:
        order = orders.record(
            source=source, order_no=sale.receipt, member_id=member_id, lines=lines, total_cents=cents,
            store_id=desk.store_id, guide_id=desk.staff_id, channel=bought.CHANNEL, created_at=at,
        )  # fmt: skip
    except OrderNumberReused:
        order = Order.objects.get(source=source, order_no=sale.receipt)
    earlier = Checkout.objects.filter(order=order).values_list("at", flat=True).first()
    if earlier is not None or order.status != Order.Status.RECORDED:
        raise ReceiptUsed(at=(earlier or order.created_at).isoformat())
    return order
