"""Ten households of the demo, loaded once for all who look at them: everything labelled, the books clean, alive afterwards."""

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta

import pytest
from django.conf import settings
from django.contrib.auth import authenticate
from django.core.management import CommandError, call_command
from django.db import connection
from django.db.models import Count, Sum

from apps.catalog.models import Bundle, Category, Price, Product
from apps.core import clock as house_clock
from apps.coupons.models import Coupon, Stock, Template, Use
from apps.events.models import Event
from apps.flows.demo import coupons, exchanges, mall, people, price_list, replay, source, wheel, words
from apps.members.models import Member
from apps.orders.models import Change, Line, Order
from apps.points import checking, liability, offers
from apps.points.earning import Award, Rule
from apps.points.models import Account, Entry, Exchange, Reward, Standing
from apps.stores.models import Role, Staff, Store
from tests import databases
from tests.flows.demo_house import NOW, SMALL, lives, load, state_of_things


@pytest.fixture(scope="module")
def _loaded(django_db_setup: None, django_db_blocker: pytest.FixtureRequest) -> Iterator[None]:
    """Committed, as the load does it; what a test changes is rolled back."""
    with django_db_blocker.unblock():  # type: ignore[attr-defined]
        with house_clock.frozen(NOW):
            load(*SMALL)
        connection.close()
        yield
        databases.empty(str(settings.DATABASES["default"]["NAME"]))


@pytest.fixture
def small_demo(_loaded: None, db: None, clock: Callable[[datetime], datetime]) -> Callable[[datetime], datetime]:
    """At noon; the fixture is the clock."""
    clock(NOW)
    return clock


def test_the_shop_lives_on_as_the_year_before_and_a_minute_twice_changes_nothing(small_demo):
    before = lives()
    moment = small_demo(NOW + timedelta(hours=20))
    figures = wheel.tick(moment)

    added = lives() - before
    assert figures == {"history": 0, "live": len(added)}
    assert len(added) >= 1
    for number, paid_at, member_id, total in added:
        base, lap = number.split(".")
        assert NOW < paid_at <= moment
        earlier = base if lap == "1" else f"{base}.{int(lap) - 1}"
        assert (earlier, paid_at - source.TURN, member_id, total) in before
    assert Event.objects.filter(name="order.paid").count() == len(added)
    assert wheel.tick(moment) == {}
    assert lives() == before | added


def test_after_ten_weeks_off_the_gap_is_history_and_only_its_last_day_tells_facts(small_demo):
    before = lives()
    moment = small_demo(NOW + timedelta(weeks=10))
    figures = wheel.tick(moment)

    added = lives() - before
    assert figures["history"] + figures["live"] == len(added)
    assert figures["history"] > 50
    assert Event.objects.filter(name="order.paid").count() == figures["live"]
    assert Line.objects.aggregate(Sum("total_cents")) == Order.objects.aggregate(total_cents__sum=Sum("total_cents"))
    noted = set(Change.objects.values_list("member_id", "due_at"))
    assert {(member_id, paid_at) for _, paid_at, member_id, _ in added} <= noted


def test_small_steps_and_one_leap_lead_to_the_same_orders(small_demo):
    for day in range(1, 6):
        wheel.tick(small_demo(NOW + timedelta(days=day)))
    stepped = lives()
    Change.objects.all().delete()
    later = Order.objects.filter(paid_at__gt=NOW)
    Line.objects.filter(order__in=later).delete()
    later.delete()

    wheel.tick(small_demo(NOW + timedelta(days=5)))

    assert lives() == stepped


def test_a_frozen_member_buys_nothing_and_more_than_a_year_is_caught_up(small_demo):
    frozen = Order.objects.filter(paid_at__gt=NOW - timedelta(days=300)).first().member_id
    Member.objects.filter(pk=frozen).update(status=Member.Status.FROZEN)

    wheel.tick(small_demo(NOW + timedelta(days=400)))

    later = Order.objects.filter(paid_at__gt=NOW)
    assert later.count() > 100
    assert not later.filter(member_id=frozen).exists()
    assert later.filter(order_no__endswith=".2").exists()


def test_every_member_who_bought_stands_where_a_year_of_purchases_puts_them(small_demo):
    spent = (
        Order.objects.filter(paid_at__gt=NOW - timedelta(days=365))
        .values_list("member")
        .annotate(cents=Sum("total_cents"))
    )
    standing = dict(Standing.objects.values_list("member", "value"))

    assert standing == {member: cents // 100 for member, cents in spent if cents >= 100}
    assert Standing.objects.exclude(tier__rank=0).exists()
    assert not Event.objects.filter(name="member.tier_changed").exists()


def test_every_order_of_the_last_ninety_days_earned_points_once_and_the_books_are_clean(small_demo):
    since = replay.first_moment(NOW)
    paid = dict(Order.objects.filter(paid_at__gte=since, total_cents__gte=100).values_list("pk", "paid_at"))
    rule = Rule.objects.get(key="order")
    earned = Award.objects.filter(rule=rule, points__gt=0).values_list("order", "entry__at").distinct()

    assert len(paid) > 50
    assert dict(earned) == paid
    spendable = Account.objects.filter(currency__key="points")
    assert set(spendable.values_list("member", flat=True)) >= set(
        Order.objects.filter(pk__in=paid).values_list("member", flat=True)
    )
    assert not spendable.filter(balance__lte=0).exists()
    assert checking.check().faults == 0
    owed = sum(one.balance + one.pending + one.held for one in spendable)
    assert liability.outstanding(currency="points", days=[NOW.date()]) == [owed]  # the report stands from the start


def test_growth_comes_as_openings_alone_and_its_rule_is_live_for_what_comes_after(small_demo):
    assert set(Entry.objects.filter(account__currency__key="growth").values_list("kind", flat=True)) == {"opening"}
    assert not Rule.objects.filter(is_active=False).exists()


def test_prices_stand_labelled_beside_list_prices_as_they_were_paid(small_demo):
    listed, special = price_list.live(now=NOW)
    assert listed > 20
    assert special == Price.objects.filter(kind="special", label__startswith=price_list.LABEL).count() + 2 == 6
    assert {one.name[:2] for one in Bundle.objects.all()} == {price_list.LABEL}


def test_coupons_run_labelled_and_some_were_used_on_orders_that_exist(small_demo):
    running = Template.objects.filter(key__startswith="demo-", state="running").select_related("version")
    assert running.count() == len(coupons.MADE) == 9
    assert {one.version.terms["text"] for one in running if one.version} == {coupons.NOTE}
    uses = Use.objects.select_related("order", "coupon")
    assert uses.count() > 3
    for use in uses:
        assert use.order is not None
        assert (use.done_at, use.member_id, use.coupon.state) == (use.order.paid_at, use.order.member_id, "used")
        assert use.basket_cents - use.saved_cents == use.order.total_cents
    assert len({use.order_id for use in uses}) == uses.count()
    issued = {one.template_id: one.issued for one in Stock.objects.all() if one.issued}
    assert issued == dict(Coupon.objects.values_list("template").annotate(Count("id")))
    assert coupons.live(now=NOW) == (sum(issued.values()), uses.count())


def test_the_mall_offers_labelled_gifts_that_somebody_can_take(small_demo):
    richest = Account.objects.filter(currency__key="points").order_by("-balance").first()
    offered = offers.find(member_id=richest.member_id, moment=NOW)

    assert {offer.reward.key for offer in offered} == {gift[0] for gift in mall.GIFTS}
    assert [offer.reward.key for offer in offered if "out_of_stock" in offer.reasons] == ["demo-box"]
    assert any(offer.is_available for offer in offered)
    assert set(Reward.objects.values_list("description", flat=True)) == {mall.NOTE}


def test_production_settings_refuse_the_demo_and_show_no_log_ins(small_demo, settings, capsys):
    settings.SETTINGS_MODULE = "config.settings.production"
    before = state_of_things()

    with pytest.raises(CommandError):
        load("--households", "3", "--no-replay")
    call_command("demo_logins")

    assert capsys.readouterr().out == ""
    assert state_of_things() == before


def test_there_is_one_log_in_per_role_and_it_works(small_demo, capsys):
    call_command("demo_logins")
    shown = capsys.readouterr().out

    for role in Role:
        user = authenticate(username=f"demo-{role.value}", password=f"demo-{role.value}-2026")
        assert user is not None
        assert user.staff.role == role.value
        assert f"demo-{role.value}-2026" in shown
    assert Staff.objects.get(role=Role.MANAGER).store_id == Store.objects.get(code="HT01").pk
    assert Staff.objects.get(role=Role.REGION_MANAGER).region.name == words.REGIONS[0]


def test_names_of_goods_are_chinese(small_demo):
    assert Product.objects.count() > 1_000
    assert not Product.objects.filter(name__regex="[A-Za-z]{2}").exists()
    assert not Category.objects.filter(name__regex="[A-Za-z]").exists()
    assert people.member_no(1) == "HT100001"
    assert len(set(words.CATEGORIES.values())) == len(words.CATEGORIES)


def test_exchanges_were_lived_through_and_the_books_still_agree(small_demo):
    found = Exchange.objects.filter(source__startswith="demo:")

    assert found.count() >= 3
    assert set(found.values_list("state", flat=True)) >= {"done"}
    assert not found.filter(state="awaiting").exists()
    assert exchanges.live(now=NOW) == 0
    assert checking.check().faults == 0
