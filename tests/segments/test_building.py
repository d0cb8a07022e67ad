"""Who is in a segment: whole, by changes alone, by time alone, and through other segments."""

import threading
from collections.abc import Collection
from datetime import timedelta

import pytest
from django.db import connection

from apps.core.errors import ValidationFailed
from apps.coupons.models import Coupon, Template, Version
from apps.coupons.models import Entry as CouponEntry
from apps.events.models import Event as Fact
from apps.members.models import Member
from apps.members.services import give_consent, set_tags
from apps.orders.models import Change, Order, Refund
from apps.points.models import Account, Currency, Entry
from apps.segments import building, defining, language, refresh
from apps.segments.models import Build, Membership, Passage, Segment, Stir
from tests.segments import histories
from tests.segments.rule_world import NOW, Brand
from tests.segments.rules_drawn import Rules

pytestmark = pytest.mark.django_db
TEA = {"field": "tags", "op": "any_of", "value": ["tea"]}


def inside(segment: Segment) -> set[int]:
    return set(Membership.objects.filter(segment=segment).values_list("member_id", flat=True))


def people(count: int) -> list[int]:
    return [Member.objects.create(member_no=f"B{n}", joined_at=NOW - timedelta(days=9)).pk for n in range(count)]


def tag(member_id: int, *names: str) -> None:
    set_tags(member_id=member_id, tags=names)


def test_a_change_is_looked_at_alone_and_told_as_one_fact() -> None:
    one, two, _three = people(3)
    tag(one, "tea")
    tea = defining.create(key="tea", name="Tea", rule=TEA)
    building.build(NOW)
    assert inside(tea) == {one}
    tag(two, "tea")
    tag(one)
    figures = building.build(NOW + timedelta(minutes=1))
    assert (figures.stirred, figures.whole, figures.partly, figures.entered, figures.left) == (2, 0, 1, 1, 1)
    assert inside(tea) == {two}
    told = list(Passage.objects.order_by("id").values_list("member_id", "is_entry", "build__is_full"))
    assert told[0] == (one, True, True)
    assert sorted(told[1:]) == [(one, False, False), (two, True, False)]
    facts = list(
        Fact.objects.filter(name="segment.changed").order_by("id").values_list("payload__entered", "payload__left")
    )
    assert facts == [(1, 0), (1, 1)]
    assert Segment.objects.values_list("size", "built_at").get() == (1, NOW + timedelta(minutes=1))


def test_a_run_without_news_writes_nothing() -> None:
    tag(people(1)[0], "tea")
    defining.create(key="tea", name="Tea", rule=TEA)
    building.build(NOW)
    building.build(NOW)
    before = (Build.objects.count(), Passage.objects.count(), Fact.objects.count())
    figures = building.build(NOW + timedelta(minutes=1))
    assert (figures.stirred, figures.whole, figures.entered, figures.left) == (0, 0, 0, 0)
    assert (Build.objects.count(), Passage.objects.count(), Fact.objects.count(), Stir.objects.count()) == (*before, 0)
    defining.archive(segment_id=Segment.objects.get().pk)
    assert building.build(NOW + timedelta(minutes=2), full=True).whole == 0


def test_time_alone_lets_members_out_at_midnight_and_after_so_many_hours() -> None:
    one = people(1)[0]
    Member.objects.filter(pk=one).update(joined_at=NOW - timedelta(days=1))
    days = defining.create(key="d", name="d", rule={"field": "joined_at", "op": "within", "value": {"last_days": 2}})
    hours = {"last_days": 2, "counted": "hours"}
    rolling = defining.create(key="h", name="h", rule={"field": "joined_at", "op": "within", "value": hours})
    building.build(NOW)
    assert (inside(days), inside(rolling)) == ({one}, {one})
    midnight = NOW.replace(hour=0, minute=0) + timedelta(days=1)
    building.build(midnight - timedelta(minutes=1))
    assert (inside(days), inside(rolling)) == ({one}, {one})
    building.build(midnight)
    assert (inside(days), inside(rolling)) == (set(), {one})
    building.build(NOW + timedelta(days=1))
    assert inside(rolling) == set()


def test_a_segment_of_segments_is_worked_out_after_them_also_by_changes() -> None:
    one, two = people(2)
    tag(one, "tea")
    outer = defining.create(key="outer", name="o", rule=TEA)
    defining.create(key="tea", name="Tea", rule=TEA)
    defining.change_rule(segment_id=outer.pk, rule={"not": {"field": "segment", "op": "in", "value": ["segment:tea"]}})
    building.build(NOW)
    assert inside(outer) == {two}
    tag(two, "tea")
    building.build(NOW)
    assert inside(outer) == set()
    chosen = defining.create_list(key="vip", name="v", member_ids=[two])
    asks = {"field": "segment", "op": "in", "value": ["segment:vip"]}
    mirror = defining.create(key="mirror", name="m", rule=asks)
    building.build(NOW)
    assert inside(mirror) == {two}
    assert defining.change_list(segment_id=chosen.pk, add=[one, two], remove=[two]) == (1, 1)
    building.build(NOW)
    assert inside(mirror) == {one}


def test_a_segment_follows_another_that_time_alone_moves() -> None:
    one = people(1)[0]
    Member.objects.filter(pk=one).update(joined_at=NOW - timedelta(days=1))
    defining.create(key="new", name="n", rule={"field": "joined_at", "op": "within", "value": {"last_days": 2}})
    asks = {"field": "segment", "op": "in", "value": ["segment:new"]}
    others = defining.create(key="others", name="o", rule={"not": asks})
    building.build(NOW)
    building.build(NOW)
    assert inside(others) == set()
    building.build(NOW.replace(hour=0, minute=0) + timedelta(days=1))
    assert inside(others) == {one}


def test_lines_of_the_ledgers_tell_whose_points_and_coupons_changed() -> None:
    one, two = people(2)
    currency = Currency.objects.order_by("pk").first() or Currency.objects.create(key="points", name="p", name_en="p")
    account = Account.objects.create(member_id=one, currency=currency)
    template = Template.objects.create(key="tea", name="tea")
    version = Version.objects.create(template=template, number=1, terms={}, worst_cents=0)
    rich = defining.create(key="r", name="r", rule={"field": "points", "key": currency.key, "op": "gte", "value": 50})
    holders = defining.create(key="h", name="h", rule={"field": "coupons_usable", "op": "gte", "value": 1})
    building.build(NOW)
    Account.objects.filter(pk=account.pk).update(balance=60)
    Entry.objects.create(account=account, kind="earn", amount=60, balance_after=60, source="o", at=NOW)
    days = {"starts_at": NOW - timedelta(days=1), "ends_at": NOW + timedelta(days=1)}
    coupon = Coupon.objects.create(
        template=template, version=version, member_id=two, channel="staff", source="c", **days
    )
    building.build(NOW)
    assert (inside(rich), inside(holders)) == ({one}, {two})
    for _ in range(2):
        building.build(NOW)
    Coupon.objects.filter(pk=coupon.pk).update(state="recalled")
    CouponEntry.objects.create(coupon=coupon, kind="recalled")
    building.build(NOW)
    assert inside(holders) == set()


def test_a_circle_is_refused_wherever_it_closes() -> None:
    rule = {"field": "segment", "op": "in", "value": ["segment:a"]}
    first = defining.create(key="a", name="a", rule=TEA)
    second = defining.create(key="b", name="b", rule=rule)
    with pytest.raises(ValidationFailed) as refusal:
        defining.change_rule(segment_id=first.pk, rule={"not": rule | {"value": ["segment:b"]}})
    assert refusal.value.facts["errors"][0]["code"] == "circle"
    assert (Segment.objects.get(pk=first.pk).number, second.asks) == (1, [first.pk])
    with pytest.raises(ValidationFailed):
        defining.archive(segment_id=first.pk)


def test_a_segment_that_cannot_be_built_says_so_and_holds_up_no_other() -> None:
    one = people(1)[0]
    tag(one, "tea")
    broken = defining.create(key="broken", name="b", rule=TEA)
    Segment.objects.filter(pk=broken.pk).update(rule={"field": "gone", "op": "in", "value": ["x"]})
    fine = defining.create(key="fine", name="f", rule=TEA)
    assert building.build(NOW).failed == ["broken", "broken"]
    assert (inside(fine), inside(broken)) == ({one}, set())
    assert Build.objects.filter(segment=broken).values_list("error", flat=True).first() == "unknown_field"
    Segment.objects.filter(pk=broken.pk).update(rule=TEA)
    building.build(NOW)
    assert inside(broken) == {one}


def test_an_order_that_changes_no_figure_is_heard_of_by_rules_about_orders() -> None:
    one = people(1)[0]
    given_back = defining.create(key="r", name="r", rule={"field": "refund_percent", "op": "gte", "value": 100})
    refresh.refresh(NOW)
    building.build(NOW)
    order = Order.objects.create(
        source="test", order_no="1", member_id=one, status="paid", total_cents=5_000, refunded_cents=5_000, paid_at=NOW
    )
    Refund.objects.create(order=order, source="r", amount_cents=5_000, refunded_at=NOW)
    Change.objects.create(member_id=one, due_at=NOW)
    refresh.refresh(NOW)
    building.build(NOW)
    assert inside(given_back) == {one}


def test_whoever_objects_to_personalisation_leaves_segments_that_profile() -> None:
    life = histories.life(1, 20, 40)
    refresh.refresh(histories.day(41), full=True)
    orders = defining.create(key="o", name="o", rule={"field": "orders", "op": "gte", "value": 2})
    plain = defining.create(key="p", name="p", rule={"field": "joined_at", "op": "known", "value": True})
    building.build(histories.day(41))
    assert (inside(orders), inside(plain)) == ({life.member.pk}, {life.member.pk})
    give_consent(
        member_id=life.member.pk, purpose="profiling", channel="any", is_granted=False, source="test", text_version="1"
    )
    building.build(histories.day(41))
    assert (inside(orders), inside(plain)) == (set(), {life.member.pk})


def _worlds_agree(seed: int, *, members: int, rules: int, rounds: int) -> None:
    """Builds by changes equal whole builds after random changes by the doors there are."""
    brand = Brand(seed, members)
    made = Rules(seed, [tier.key for tier in brand.tiers], brand.currency.key)
    segments = [defining.create(key=f"s{n}", name="s", rule=made.rule()) for n in range(rules)]
    building.build(NOW)
    for _ in range(rounds):
        for member in made.dice.sample(brand.members, 4):
            brand.change(member)
        refresh.refresh(NOW)
        building.build(NOW)
        by_changes = [inside(segment) for segment in segments]
        building.build(NOW, full=True)
        wrong = [s.rule for s, was in zip(segments, by_changes, strict=True) if inside(s) != was]
        assert not wrong, wrong


def test_builds_by_changes_equal_whole_builds() -> None:
    _worlds_agree(3, members=15, rules=14, rounds=2)


@pytest.mark.nightly
@pytest.mark.parametrize("seed", range(20, 30))
def test_builds_by_changes_equal_whole_builds_at_length(seed: int) -> None:
    _worlds_agree(seed, members=60, rules=25, rounds=10)


@pytest.mark.django_db(transaction=True)
def test_two_builders_at_once_let_each_member_in_once() -> None:
    ids = people(30)
    for one in ids:
        tag(one, "tea")
    tea = defining.create(key="tea", name="Tea", rule=TEA)
    gate, errors = threading.Barrier(4), []

    def work() -> None:
        try:
            gate.wait()
            building.build(NOW)
        except Exception as error:
            errors.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    assert (Passage.objects.count(), inside(tea)) == (30, set(ids))


def sizes(keys: Collection[str]) -> dict[str, int]:
    return dict(Segment.objects.filter(key__in=keys).values_list("key", "size"))


def test_a_count_equals_the_size_that_is_built_at_the_same_moment() -> None:
    brand = Brand(5, 20)
    made = Rules(5, [tier.key for tier in brand.tiers], brand.currency.key)
    counted = {}
    for n in range(20):
        rule = made.rule()
        read = language.compiled(rule, moment=NOW)
        with connection.cursor() as cursor:
            cursor.execute(read.members("count(*)"), read.params)
            counted[f"c{n}"] = cursor.fetchone()[0]
        defining.create(key=f"c{n}", name="c", rule=rule)
    building.build(NOW)
    assert sizes(counted) == counted
