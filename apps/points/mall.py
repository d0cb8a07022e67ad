"""The mall: rewards for points, or points and cash. What is taken is paid for and counted in one transaction, or not at all.

Locks are taken in one order: an exchange, then the member's account (by the ledger), then the reward's stock, whose row is what many
wait for and which is therefore last. The account's lock makes the exchanges of one member follow each other, so limits are exact.
`source` makes a repeat a no-op: the same exchange is answered, whatever became of it; a contradiction is refused.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import F, Q, QuerySet

from apps.core import audit, clock, letters
from apps.core.errors import NotFound, ValidationFailed
from apps.events import services as events
from apps.points import offers, pick_up
from apps.points import services as points
from apps.points.mall_errors import (
    ExchangeContradicts,
    ExchangeOver,
    ExchangePaid,
    PaymentContradicts,
    PickUpElsewhere,
    PickUpUnknown,
    RewardUnavailable,
)
from apps.points.models import Exchange, Hold, Reward, StoreStock

PAY_WITHIN = timedelta(minutes=15)
LONGEST_SOURCE = 100
State, Why = Exchange.State, Exchange.Why


@dataclass(frozen=True)
class Shopper:
    """Who takes, as the caller knows them: `tier_key` is what `offers.tier_key` says of the member."""

    member_id: int
    tier_key: str = ""


@dataclass(frozen=True)
class Taken:
    """`is_new` False: the same source, or the same act, had done it before."""

    exchange: Exchange
    is_new: bool


@transaction.atomic
def exchange(
    *, shopper: Shopper, reward_id: int, source: str, store_id: int | None = None, moment: datetime | None = None
) -> Taken:
    """Take one. Raises NotEnoughPoints, AccountFrozen, RewardUnavailable, ExchangeContradicts, NotFound; nothing is written then.

    With cash to pay it is `awaiting` for 15 minutes, points set aside. A gift is `ready` with a pick-up code, a virtual one `done`.
    """
    moment = moment or clock.now()
    if not 0 < len(source) <= LONGEST_SOURCE:
        raise ValidationFailed(errors=[{"pointer": "/source", "code": "invalid", "message": "1-100"}])
    if known := _known(shopper.member_id, source, reward_id, store_id):
        return Taken(known, is_new=False)
    reward = Reward.objects.select_related("currency").filter(pk=reward_id, is_active=True).first()
    if reward is None:
        raise NotFound
    _check_offer(reward, shopper=shopper, store_id=store_id, moment=moment)
    line = _pay(reward, member_id=shopper.member_id, source=source, moment=moment)
    if not line.is_new:  # another request with this source was quicker
        again = _known(shopper.member_id, source, reward_id, store_id)
        if again is None:
            raise ExchangeContradicts
        return Taken(again, is_new=False)
    _check_limits(reward, member_id=shopper.member_id, moment=moment)
    made = _noted(reward, line=line, shopper=shopper, source=source, store_id=store_id, moment=moment)
    _take_from_stock(reward, store_id=store_id, moment=moment)
    return Taken(made, is_new=True)


@transaction.atomic
def confirm_paid(*, exchange_id: int, cents: int, ref: str, moment: datetime | None = None) -> Taken:
    """The cash has come: spend what was set aside. `ref` is the payment's number; the same again is a no-op.

    Raises HoldOver once the 15 minutes are over (give the cash back), PaymentContradicts, NotFound.
    """
    moment = moment or clock.now()
    row = _locked(exchange_id)
    if row.paid_ref:
        if (row.paid_ref, row.cash_cents) != (ref, cents):
            raise PaymentContradicts(expected_cents=row.cash_cents)
        return Taken(row, is_new=False)
    if row.state != State.AWAITING or row.hold is None:
        raise points.HoldOver
    if cents != row.cash_cents or not ref:
        raise PaymentContradicts(expected_cents=row.cash_cents)
    points.capture(entry_id=row.hold.entry_id, source=f"exchange:{row.pk}:paid", amount=row.points, moment=moment)
    row.paid_ref, row.paid_at, row.entry_id = ref, moment, row.hold.entry_id
    _make_ready(row, moment=moment)
    row.save()
    _tell("reward.exchanged", row, coupon_key=row.reward.coupon_key)
    return Taken(row, is_new=True)


@dataclass(frozen=True)
class Counter:
    """Where and by whom a code is shown: `guesser` is who is counted ("staff:7", "device:3"); `store_id` None: headquarters."""

    store_id: int | None
    staff_id: int | None
    guesser: str


@dataclass(frozen=True)
class Seen:
    """What lies under a code. `state` as it is at this moment: "ready" may be handed over, "lapsed" also before the sweep saw it."""

    exchange: Exchange
    state: str


def look_up(*, code: str, at: Counter, moment: datetime | None = None) -> Seen:
    """Whose gift waits under a code; nothing changes. Counts as a try. Raises TooManyGuesses, PickUpUnknown, PickUpElsewhere."""
    pick_up.count_try(at.guesser)
    row = _under(code, among=_read())
    _check_store(row, at=at)
    return Seen(row, _state_now(row, moment=moment or clock.now()))


def hand_over(*, code: str, at: Counter, moment: datetime | None = None) -> Taken:
    """Give the gift out, once: a second scan answers the first hand-over with `is_new` False.

    Raises TooManyGuesses, PickUpUnknown, PickUpElsewhere, ExchangeOver (state: cancelled, lapsed).
    """
    pick_up.count_try(at.guesser)
    with transaction.atomic():
        return _handed(_under(code, among=_rows()), at=at, moment=moment or clock.now())


@transaction.atomic
def hand_over_seen(*, exchange_id: int, at: Counter, moment: datetime | None = None) -> Taken:
    """The same for one that `look_up` showed to this person a moment ago: the caller has made sure of that, so no try is counted."""
    return _handed(_locked(exchange_id), at=at, moment=moment or clock.now())


def _handed(row: Exchange, *, at: Counter, moment: datetime) -> Taken:
    _check_store(row, at=at)
    state = _state_now(row, moment=moment)
    if state == State.DONE:
        return Taken(row, is_new=False)
    if state != State.READY:
        raise ExchangeOver(state=state)
    row.state, row.settled_at = State.DONE, moment
    row.handed_by_id, row.handed_store_id = at.staff_id, at.store_id or row.store_id
    row.save(update_fields=["state", "settled_at", "handed_by", "handed_store"])
    _tell("reward.handed_over", row, nth=f":{moment.timestamp():.0f}")
    return Taken(row, is_new=True)


@transaction.atomic
def take_back(*, exchange_id: int, handed_at: datetime, at: Counter) -> Taken:
    """The piece that was given out at `handed_at` lies in the store again, under the same code. A later hand-over is left alone: a
    no-op, as a repeat is. The caller has judged who may. Raises PickUpElsewhere, NotFound."""
    row = _locked(exchange_id)
    if row.state != State.DONE or row.settled_at != handed_at or row.code_digest is None:
        return Taken(row, is_new=False)
    if row.handed_store and at.store_id not in {None, row.handed_store_id}:
        raise PickUpElsewhere(store=row.handed_store.name)
    row.state, row.settled_at, row.handed_by, row.handed_store = State.READY, None, None, None
    row.save(update_fields=["state", "settled_at", "handed_by", "handed_store"])
    _tell("reward.taken_back", row, nth=f":{handed_at.timestamp():.0f}")
    return Taken(row, is_new=True)


def _under(code: str, *, among: QuerySet[Exchange]) -> Exchange:
    row = among.filter(code_digest=pick_up.digest(letters.typed(code))).first()
    if row is None:
        raise PickUpUnknown
    return row


def _check_store(row: Exchange, *, at: Counter) -> None:
    if row.store_id and row.store and at.store_id not in {None, row.store_id}:
        raise PickUpElsewhere(store=row.store.name)


def _state_now(row: Exchange, *, moment: datetime) -> str:
    is_late = row.state == State.READY and (row.expires_at is None or row.expires_at <= moment)
    return State.LAPSED if is_late else row.state


@dataclass(frozen=True)
class ByStaff:
    """Who of the staff cancels, and why, in words without names or numbers of people."""

    staff_id: int | None = None
    reason: str = ""


@transaction.atomic
def cancel(
    *, exchange_id: int, by_member: int | None = None, by_staff: ByStaff | None = None, moment: datetime | None = None
) -> Taken:
    """Before it is handed over: points go back to their own lots, the piece to its stock. Again: a no-op.

    `by_member` is the member who asks; None: staff. Raises ExchangeOver, ExchangePaid (members: cash is given back by staff), NotFound.
    """
    moment = moment or clock.now()
    row = _locked(exchange_id)
    if by_member is not None and row.member_id != by_member:
        raise NotFound
    if row.state == State.CANCELLED:
        return Taken(row, is_new=False)
    if row.state not in {State.AWAITING, State.READY}:
        raise ExchangeOver(state=row.state)
    if by_member is not None and row.paid_at:
        raise ExchangePaid
    if by_staff is not None:
        row.note, row.closed_by_id = " ".join(by_staff.reason.split())[:200], by_staff.staff_id
        audit.record("exchange.cancelled", object_type="exchange", object_id=row.pk, after={"reason": row.note})
    _close(row, state=State.CANCELLED, why=Why.STAFF if by_member is None else Why.MEMBER, moment=moment)
    return Taken(row, is_new=True)


@transaction.atomic
def call_off(*, exchange_id: int, moment: datetime | None = None) -> Taken:
    """A virtual reward that could not be delivered: as if staff had cancelled it, points go back; cash is given back by staff. Again: a
    no-op. Raises ExchangeOver for anything else."""
    row = _locked(exchange_id)
    if row.state == State.CANCELLED:
        return Taken(row, is_new=False)
    if row.state != State.DONE or row.reward.kind != Reward.Kind.VIRTUAL:
        raise ExchangeOver(state=row.state)
    _close(row, state=State.CANCELLED, why=Why.STAFF, moment=moment or clock.now())
    return Taken(row, is_new=True)


def sweep(*, moment: datetime | None = None, at_most: int = 500) -> int:
    """Close what was not paid or not picked up in time. Returns how many. One that somebody works on is left for the next time."""
    moment = moment or clock.now()
    due = Exchange.objects.filter(state__in=[State.AWAITING, State.READY], expires_at__lte=moment)
    return sum(
        _swept(pk, moment=moment) for pk in list(due.order_by("expires_at").values_list("pk", flat=True)[:at_most])
    )


@transaction.atomic
def _swept(exchange_id: int, *, moment: datetime) -> bool:
    still_due = Q(pk=exchange_id, state__in=[State.AWAITING, State.READY], expires_at__lte=moment)
    row = _rows(skip_locked=True).filter(still_due).first()
    if row is None:
        return False
    if row.state == State.AWAITING:
        _close(row, state=State.CANCELLED, why=Why.UNPAID, moment=moment)
    else:
        _close(row, state=State.LAPSED, why="", moment=moment, keeps_points=row.reward.forfeits_points)
    return True


def _known(member_id: int, source: str, reward_id: int, store_id: int | None) -> Exchange | None:
    found = Exchange.objects.select_related("reward", "store").filter(member_id=member_id, source=source).first()
    if found and (found.reward_id, found.store_id) != (reward_id, store_id):
        raise ExchangeContradicts
    return found


def _check_offer(reward: Reward, *, shopper: Shopper, store_id: int | None, moment: datetime) -> None:
    """What no lock is needed for."""
    if reason := offers.closed(reward, tier_key=shopper.tier_key, moment=moment):
        raise RewardUnavailable(reason=reason)
    if reward.is_store_limited != (store_id is not None):
        raise RewardUnavailable(reason="wrong_store")


def _pay(reward: Reward, *, member_id: int, source: str, moment: datetime) -> points.Posting:
    """Spend, or set aside where cash is to come. Locks the account."""
    named, currency = f"exchange:{source}", reward.currency.key
    if reward.cash_cents:
        return points.hold(
            member_id=member_id,
            amount=reward.points,
            source=named,
            currency=currency,
            keep_for=PAY_WITHIN,
            moment=moment,
        )
    return points.spend(member_id=member_id, amount=reward.points, source=named, currency=currency, moment=moment)


def _check_limits(reward: Reward, *, member_id: int, moment: datetime) -> None:
    """Under the account's lock: nobody else exchanges for this member meanwhile."""
    if reward.per_member is not None:
        since = moment - timedelta(days=reward.per_days) if reward.per_days else None
        if offers.had(member_id=member_id, reward_id=reward.pk, since=since) >= reward.per_member:
            raise RewardUnavailable(reason="limit_reached")
    if offers.had(member_id=member_id, since=clock.day_start(clock.local_date(moment))) >= settings.MALL_PER_DAY:
        raise RewardUnavailable(reason="daily_limit")


def _noted(
    reward: Reward, *, line: points.Posting, shopper: Shopper, source: str, store_id: int | None, moment: datetime
) -> Exchange:
    row = Exchange(
        reward=reward, member_id=shopper.member_id, store_id=store_id, points=reward.points,
        cash_cents=reward.cash_cents, source=source, at=moment,
    )  # fmt: skip
    if reward.cash_cents:
        row.state, row.hold = State.AWAITING, Hold.objects.get(entry_id=line.entry_id)
        row.expires_at = moment + PAY_WITHIN
        row.save(force_insert=True)
        return row
    row.entry_id = line.entry_id
    _make_ready(row, moment=moment)
    row.save(force_insert=True)
    _tell("reward.exchanged", row, coupon_key=reward.coupon_key)
    return row


def _make_ready(row: Exchange, *, moment: datetime) -> None:
    """Virtual: delivered at once (coupons follow from the fact). A gift gets its code and its last day."""
    if row.reward.kind == Reward.Kind.VIRTUAL:
        row.state, row.settled_at, row.expires_at = State.DONE, moment, None
        return
    code = pick_up.new()
    row.state = State.READY
    row.code_digest, row.code_sealed = pick_up.digest(code), pick_up.sealed(code, member_id=row.member_id)
    row.expires_at = clock.day_end(clock.local_date(moment) + timedelta(days=row.reward.pick_up_days))


def _take_from_stock(reward: Reward, *, store_id: int | None, moment: datetime) -> None:
    """One conditional statement: what is not there, or not on offer any more, is not given."""
    if store_id is not None and not StoreStock.objects.filter(
        reward=reward, store_id=store_id, store__is_open=True, left__gt=0
    ).update(left=F("left") - 1):
        raise RewardUnavailable(reason="wrong_store")
    on_offer = Q(pk=reward.pk, is_active=True, points=reward.points, cash_cents=reward.cash_cents)
    there = Q(left=None) | Q(left__gt=0)
    if not Reward.objects.filter(on_offer, there).update(left=F("left") - 1, taken=F("taken") + 1):
        raise RewardUnavailable(reason="out_of_stock")


def _close(row: Exchange, *, state: str, why: str, moment: datetime, keeps_points: bool = False) -> None:
    """End an exchange that nobody was given: points back (unless kept), the piece back."""
    name = f"exchange:{row.pk}:back"
    if row.state == State.AWAITING and row.hold is not None:
        points.let_go(entry_id=row.hold.entry_id, source=name, moment=moment)
    elif row.entry_id and not keeps_points:
        points.give_back(entry_id=row.entry_id, amount=row.points, source=name, moment=moment)
    row.state, row.why, row.settled_at = state, why, moment
    row.save(update_fields=["state", "why", "settled_at", "note", "closed_by"])
    if row.store_id:
        StoreStock.objects.filter(reward_id=row.reward_id, store_id=row.store_id).update(left=F("left") + 1)
    Reward.objects.filter(pk=row.reward_id).update(left=F("left") + 1, taken=F("taken") - 1)
    _tell(f"reward.{state}", row, why=why)


def _tell(name: str, row: Exchange, nth: str = "", **more: str) -> None:
    """`nth` tells apart what may happen to an exchange more than once."""
    events.publish(
        name, key=f"{row.pk}{nth}", lane=f"member:{row.member_id}", exchange_id=row.pk, member_id=row.member_id,
        reward=row.reward.key, **more,
    )  # fmt: skip


def _locked(exchange_id: int) -> Exchange:
    row = _rows().filter(pk=exchange_id).first()
    if row is None:
        raise NotFound
    return row


def _rows(*, skip_locked: bool = False) -> QuerySet[Exchange]:
    return _read().select_for_update(of=("self",), skip_locked=skip_locked)


def _read() -> QuerySet[Exchange]:
    return Exchange.objects.select_related("reward", "member", "store", "hold", "handed_by", "handed_store")
