"""The mall: each sentence with exact points, stock and states; a refusal leaves nothing behind."""

from datetime import UTC, datetime, timedelta

import pytest

from apps.core import letters
from apps.core.errors import NotFound
from apps.events.models import Event
from apps.members.models import Member
from apps.points import mall, offers, pick_up, stocking
from apps.points import services as points
from apps.points.errors import AccountFrozen, HoldOver, NotEnoughPoints
from apps.points.mall_errors import (
    ExchangeContradicts,
    ExchangeOver,
    ExchangePaid,
    PaymentContradicts,
    PickUpElsewhere,
    PickUpUnknown,
    RewardUnavailable,
    StockTooLow,
    TooManyGuesses,
)
from apps.points.models import Account, Currency, Entry, Exchange, Lot, Reward, StockChange, StoreStock
from apps.stores.models import Staff, Store
from tests.points.gifts import gift, rich, shop, take

NOW = datetime(2026, 11, 30, 4, 0, tzinfo=UTC)  # noon in the shop


def state(member: Member) -> tuple[int, int, int, int]:
    """balance, held, stock, taken"""
    account = Account.objects.get(member=member, currency__key="points")
    reward = Reward.objects.get(key="gift")
    return account.balance, account.held, reward.left or 0, reward.taken


def counter(store: Store, who: str = "staff:1") -> mall.Counter:
    return mall.Counter(store_id=store.pk, staff_id=None, guesser=who)


def test_a_gift_costs_points_and_stock_and_is_ready_under_a_code(member: Member):
    reward = gift(points=60, left=3)
    rich(member, 100)

    taken = take(member, reward, "a", moment=NOW)

    assert (taken.is_new, taken.exchange.state, taken.exchange.points) == (True, "ready", 60)
    assert state(member) == (40, 0, 2, 1)
    assert taken.exchange.expires_at == datetime(2026, 12, 30, 16, 0, tzinfo=UTC)  # thirty whole days after today
    code = pick_up.opened(bytes(taken.exchange.code_sealed or b""), member_id=member.pk)
    assert len(code) == 12
    assert set(code) <= set(letters.LETTERS)
    assert pick_up.BITS > 58
    assert Event.objects.get(name="reward.exchanged").payload == {
        "exchange_id": taken.exchange.pk, "member_id": member.pk, "reward": "gift", "coupon_key": "",
    }  # fmt: skip


def test_the_same_source_again_is_the_same_exchange_even_when_it_was_cancelled(member: Member):
    reward, other = gift(points=60, left=3), gift("other", points=10)
    rich(member, 200)
    first = take(member, reward, "a")

    again = take(member, reward, "a")
    with pytest.raises(ExchangeContradicts):
        take(member, other, "a")
    mall.cancel(exchange_id=first.exchange.pk)
    Reward.objects.filter(pk=reward.pk).update(points=70, is_active=False)
    late = take(member, reward, "a")

    assert (again.exchange.pk, again.is_new) == (first.exchange.pk, False)
    assert (late.exchange.pk, late.is_new, late.exchange.state) == (first.exchange.pk, False, "cancelled")
    assert (Exchange.objects.count(), Entry.objects.filter(kind="spend").count()) == (1, 1)


@pytest.mark.parametrize(
    ("fields", "refusal"),
    [
        ({"points": 101}, NotEnoughPoints),
        ({"left": 0}, "out_of_stock"),
        ({"starts_at": NOW + timedelta(seconds=1)}, "not_started"),
        ({"ends_at": NOW}, "ended"),
        ({"tier_keys": ["gold"]}, "tier_too_low"),
        ({"is_store_limited": True, "left": None}, "wrong_store"),
        ({"is_active": False}, NotFound),
    ],
)
def test_what_is_not_to_be_had_is_refused_and_leaves_nothing(member: Member, fields: dict, refusal: object):
    reward = gift(**({"points": 60, "left": 3} | fields))
    rich(member, 100)

    with pytest.raises(RewardUnavailable if isinstance(refusal, str) else refusal) as refused:  # type: ignore[call-overload]
        take(member, reward, "a", moment=NOW, tier_key="silver")

    if isinstance(refusal, str):
        assert refused.value.facts == {"reason": refusal}
    assert state(member) == (100, 0, reward.left or 0, 0)
    assert (Exchange.objects.count(), Entry.objects.count(), Event.objects.count()) == (0, 1, 0)


def test_a_frozen_account_is_refused(member: Member):
    reward = gift(points=60)
    rich(member, 100)
    Account.objects.update(is_frozen=True)

    with pytest.raises(AccountFrozen):
        take(member, reward, "a")
    assert offers.one(member_id=member.pk, reward_id=reward.pk).reasons == ("frozen",)  # type: ignore[union-attr]


def test_the_limit_counts_what_was_kept_within_its_days(member: Member):
    reward = gift(points=10, left=9, per_member=2, per_days=30)
    rich(member, 100)
    first = take(member, reward, "a", moment=NOW)
    take(member, reward, "b", moment=NOW + timedelta(days=1))

    with pytest.raises(RewardUnavailable) as refusal:
        take(member, reward, "c", moment=NOW + timedelta(days=2))
    assert refusal.value.facts == {"reason": "limit_reached"}
    mall.cancel(exchange_id=first.exchange.pk, moment=NOW + timedelta(days=2))
    take(member, reward, "d", moment=NOW + timedelta(days=2))
    with pytest.raises(RewardUnavailable):
        take(member, reward, "e", moment=NOW + timedelta(days=3))
    take(member, reward, "f", moment=NOW + timedelta(days=31, seconds=1))

    assert state(member) == (70, 0, 6, 3)


def test_a_member_exchanges_only_so_often_a_day(member: Member, settings):
    settings.MALL_PER_DAY = 2
    reward = gift(points=10)
    rich(member, 100)
    late = datetime(2026, 11, 30, 15, 59, tzinfo=UTC)  # 23:59 in the shop
    take(member, reward, "a", moment=late)
    take(member, reward, "b", moment=late)

    with pytest.raises(RewardUnavailable) as refusal:
        take(member, reward, "c", moment=late)
    take(member, reward, "d", moment=late + timedelta(minutes=1))

    assert refusal.value.facts == {"reason": "daily_limit"}


def test_a_store_gives_only_what_lies_there(member: Member):
    here, there = shop("S1"), shop("S2")
    reward = gift(points=10, left=None, is_store_limited=True)
    stocking.change_stock(reward_id=reward.pk, store_id=here.pk, change=1, reason="delivery")
    rich(member, 100)

    with pytest.raises(RewardUnavailable) as refusal:
        take(member, reward, "a", store_id=there.pk)
    taken = take(member, reward, "b", store_id=here.pk)
    with pytest.raises(RewardUnavailable):
        take(member, reward, "c", store_id=here.pk)

    assert refusal.value.facts == {"reason": "wrong_store"}
    assert (StoreStock.objects.get(store=here).left, Reward.objects.get().taken) == (0, 1)
    mall.cancel(exchange_id=taken.exchange.pk)
    assert (StoreStock.objects.get(store=here).left, Reward.objects.get().taken) == (1, 0)


def test_points_and_cash_wait_for_the_payment_and_are_spent_with_it(member: Member):
    reward = gift(points=60, cash_cents=990, left=3)
    rich(member, 100)

    taken = take(member, reward, "a", moment=NOW)
    assert (taken.exchange.state, taken.exchange.code_digest, state(member)) == ("awaiting", None, (40, 60, 2, 1))
    with pytest.raises(PaymentContradicts):
        mall.confirm_paid(exchange_id=taken.exchange.pk, cents=989, ref="pay-1", moment=NOW)
    paid = mall.confirm_paid(exchange_id=taken.exchange.pk, cents=990, ref="pay-1", moment=NOW)
    again = mall.confirm_paid(exchange_id=taken.exchange.pk, cents=990, ref="pay-1", moment=NOW)
    with pytest.raises(PaymentContradicts):
        mall.confirm_paid(exchange_id=taken.exchange.pk, cents=990, ref="pay-2", moment=NOW)

    assert (paid.is_new, again.is_new, paid.exchange.state) == (True, False, "ready")
    assert (state(member), bool(paid.exchange.code_digest)) == ((40, 0, 2, 1), True)
    assert Event.objects.filter(name="reward.exchanged").count() == 1
    with pytest.raises(ExchangePaid):
        mall.cancel(exchange_id=taken.exchange.pk, by_member=member.pk)
    mall.cancel(exchange_id=taken.exchange.pk)
    assert state(member) == (100, 0, 3, 0)


def test_what_is_not_paid_in_fifteen_minutes_goes_back_whoever_lets_go_of_the_points_first(member: Member):
    reward = gift(points=60, cash_cents=990, left=3)
    rich(member, 200)
    one, two = take(member, reward, "a", moment=NOW), take(member, reward, "b", moment=NOW)
    over = NOW + timedelta(minutes=15)

    assert mall.sweep(moment=over - timedelta(seconds=1)) == 0
    with pytest.raises(HoldOver):
        mall.confirm_paid(exchange_id=one.exchange.pk, cents=990, ref="late", moment=over)
    points.let_go_expired(moment=over)
    assert mall.sweep(moment=over) == 2
    assert mall.sweep(moment=over) == 0

    assert state(member) == (200, 0, 3, 0)
    assert set(Exchange.objects.values_list("pk", "state", "why")) == {
        (one.exchange.pk, "cancelled", "unpaid"), (two.exchange.pk, "cancelled", "unpaid"),
    }  # fmt: skip
    with pytest.raises(HoldOver):
        mall.confirm_paid(exchange_id=one.exchange.pk, cents=990, ref="late", moment=over)


def test_cancelling_returns_points_to_their_own_lots(member: Member):
    reward = gift(points=60, left=3)
    for source, days in (("soon", 5), ("late", 50)):
        terms = points.Terms(expires_at=NOW + timedelta(days=days))
        points.earn(member_id=member.pk, amount=40, source=source, terms=terms, moment=NOW)
    taken = take(member, reward, "a", moment=NOW)

    mall.cancel(exchange_id=taken.exchange.pk, by_member=member.pk, moment=NOW)
    again = mall.cancel(exchange_id=taken.exchange.pk, by_member=member.pk, moment=NOW)

    assert dict(Lot.objects.values_list("entry__source", "remaining")) == {"soon": 40, "late": 40}
    assert (again.is_new, state(member)) == (False, (80, 0, 3, 0))


def test_nobody_cancels_for_somebody_else(member: Member, friend: Member):
    reward = gift(points=60, left=3)
    rich(member, 100)
    taken = take(member, reward, "a")

    with pytest.raises(NotFound):
        mall.cancel(exchange_id=taken.exchange.pk, by_member=friend.pk)
    assert Exchange.objects.get().state == "ready"


def test_a_gift_is_handed_over_once_and_a_second_scan_shows_the_first(member: Member):
    store, reward = shop("S1"), gift(points=60, left=3)
    clerk = Staff.objects.create(code="007", name="Clerk", store=store)
    rich(member, 100)
    code = take(member, reward, "a", moment=NOW).code
    at = mall.Counter(store_id=store.pk, staff_id=clerk.pk, guesser=f"staff:{clerk.pk}")

    first = mall.hand_over(code=f" {code[:4].lower()}-{code[4:8]} {code[8:]}", at=at, moment=NOW)
    second = mall.hand_over(code=code, at=at, moment=NOW + timedelta(hours=1))

    assert (first.is_new, second.is_new) == (True, False)
    assert (second.exchange.settled_at, second.exchange.handed_by, second.exchange.handed_store) == (NOW, clerk, store)
    with pytest.raises(ExchangeOver) as refusal:
        mall.cancel(exchange_id=first.exchange.pk)
    assert refusal.value.facts == {"state": "done"}
    assert state(member) == (40, 0, 2, 1)
    assert Event.objects.filter(name="reward.handed_over").count() == 1


def test_only_its_own_store_hands_a_store_gift_over(member: Member):
    here, there = shop("S1"), shop("S2")
    reward = gift(points=10, left=None, is_store_limited=True)
    stocking.change_stock(reward_id=reward.pk, store_id=here.pk, change=1, reason="delivery")
    rich(member, 100)
    code = take(member, reward, "a", store_id=here.pk).code

    with pytest.raises(PickUpElsewhere) as refusal:
        mall.hand_over(code=code, at=counter(there))
    assert refusal.value.facts == {"store": "Store S1"}
    assert Exchange.objects.get().state == "ready"
    assert mall.hand_over(code=code, at=counter(here)).is_new


def test_what_was_cancelled_or_is_too_late_is_not_handed_over(member: Member):
    store, reward = shop("S1"), gift(points=10, left=3)
    rich(member, 100)
    one, two = take(member, reward, "a", moment=NOW), take(member, reward, "b", moment=NOW)
    mall.cancel(exchange_id=one.exchange.pk)

    with pytest.raises(ExchangeOver) as cancelled:
        mall.hand_over(code=one.code, at=counter(store), moment=NOW)
    with pytest.raises(ExchangeOver) as late:
        mall.hand_over(code=two.code, at=counter(store), moment=two.exchange.expires_at)

    assert (cancelled.value.facts, late.value.facts) == ({"state": "cancelled"}, {"state": "lapsed"})
    assert Exchange.objects.filter(state="done").count() == 0


def test_guessing_codes_ends_after_thirty_tries(member: Member):
    store = shop("S1")
    for _ in range(pick_up.TRIES):
        with pytest.raises(PickUpUnknown):
            mall.hand_over(code="2222-2222-2222", at=counter(store))

    with pytest.raises(TooManyGuesses):
        mall.hand_over(code="2222-2222-2222", at=counter(store))
    with pytest.raises(PickUpUnknown):
        mall.hand_over(code="2222-2222-2222", at=counter(store, "staff:2"))


@pytest.mark.parametrize(("forfeits", "balance"), [(False, 100), (True, 40)])
def test_a_gift_that_nobody_fetches_lapses_by_its_own_rule(member: Member, forfeits: bool, balance: int):
    reward = gift(points=60, left=3, pick_up_days=7, forfeits_points=forfeits, per_member=1)
    rich(member, 100)
    taken = take(member, reward, "a", moment=NOW)
    ends = datetime(2026, 12, 7, 16, 0, tzinfo=UTC)

    assert mall.sweep(moment=ends - timedelta(seconds=1)) == 0
    assert mall.sweep(moment=ends) == 1

    taken.exchange.refresh_from_db()
    assert (taken.exchange.state, taken.exchange.settled_at) == ("lapsed", ends)
    assert state(member) == (balance, 0, 3, 0)
    reasons = offers.one(member_id=member.pk, reward_id=reward.pk, moment=ends).reasons  # type: ignore[union-attr]
    assert reasons == (("limit_reached", "insufficient_balance") if forfeits else ())


def test_a_virtual_reward_is_done_at_once(member: Member):
    reward = gift(kind="virtual", coupon_key="tea-20", points=60, left=3)
    rich(member, 100)

    taken = take(member, reward, "a", moment=NOW)

    assert (taken.exchange.state, taken.exchange.settled_at, taken.exchange.code_digest) == ("done", NOW, None)
    assert Event.objects.get(name="reward.exchanged").payload["coupon_key"] == "tea-20"


def test_offers_say_every_reason_and_show_first_what_can_be_had(member: Member):
    here = shop("S1")
    rich(member, 100)
    gift("dear", points=300)
    gift("cheap", points=50)
    gift("near", points=120)
    gift("gone", points=120, left=0, starts_at=NOW + timedelta(days=1))
    gift("over", points=5, ends_at=NOW)
    local = gift("local", points=70, is_store_limited=True)
    stocking.change_stock(reward_id=local.pk, store_id=here.pk, change=4, reason="delivery")

    found = offers.find(member_id=member.pk, moment=NOW)

    assert [(offer.reward.key, offer.left, offer.short_by, offer.reasons) for offer in found] == [
        ("cheap", None, 0, ()), ("local", 4, 0, ()), ("near", None, 20, ("insufficient_balance",)),
        ("dear", None, 200, ("insufficient_balance",)),
        ("gone", 0, 20, ("not_started", "out_of_stock", "insufficient_balance")),
    ]  # fmt: skip
    assert [(store.name, store.left) for store in found[1].stores] == [("Store S1", 4)]


def test_stock_is_changed_with_a_reason_and_never_below_nothing(member: Member):
    reward = gift(left=3)

    assert stocking.change_stock(reward_id=reward.pk, change=-2, reason="damaged") == 1
    with pytest.raises(StockTooLow) as refusal:
        stocking.change_stock(reward_id=reward.pk, change=-2, reason="damaged")

    assert refusal.value.facts == {"left": 1}
    assert list(StockChange.objects.values_list("change", "left_after", "reason")) == [(-2, 1, "damaged")]


def test_growth_pays_for_nothing_that_costs_points(member: Member):
    reward = gift(points=60)
    points.earn(member_id=member.pk, amount=100, source="order:1", currency="growth")

    with pytest.raises(NotEnoughPoints):
        take(member, reward, "a")
    assert Currency.objects.count() == 2
    assert Exchange.objects.count() == 0
