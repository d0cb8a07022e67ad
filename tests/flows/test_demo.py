"""The demo: exact counts, everything labelled, loaded once, clean after a kill, alive afterwards, refused where it has no business."""

from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from io import StringIO

import pytest
from django.contrib.auth import authenticate
from django.core.management import CommandError, call_command
from django.db.models import Count, Sum

from apps.care.models import Attempt, Touch
from apps.catalog.models import Category, Product
from apps.core import brand, runs
from apps.core.models import AuditEntry, User
from apps.coupons.models import Coupon, Stock, Template, Use
from apps.events.models import Event
from apps.flows.demo import answers, coupons, exchanges, history, mall, people, replay, source, state, wheel, words
from apps.gateways.simulator.client import Client
from apps.members import selectors as members
from apps.members import services as member_services
from apps.members.models import Consent, ConsentNow, Identity, Member
from apps.orders.models import Change, Line, Order
from apps.points import checking, liability, offers
from apps.points.earning import Award, Rule
from apps.points.models import Account, Entry, Exchange, Reward, Standing
from apps.segments import refresh as stats
from apps.segments.models import MemberStats, StageChange
from apps.stores.models import Role, Staff, Store
from tests.processes import Simulator

NOW = datetime(2026, 11, 22, 4, 0, tzinfo=UTC)  # a Sunday, noon in the shops


def _load(*arguments: str) -> str:
    said = StringIO()
    call_command("load_demo", *arguments, stdout=said)
    return said.getvalue()


def _state_of_things() -> dict[str, int]:
    tables = (
        Member,
        Identity,
        Consent,
        Order,
        Line,
        Product,
        Category,
        Store,
        Staff,
        User,
        Touch,
        Attempt,
        StageChange,
    )
    return {table.__name__: table.objects.count() for table in tables} | {"audit": AuditEntry.objects.count()}


@pytest.mark.django_db(transaction=True)
def test_sixty_households_live_a_year_and_are_cared_for_through_its_last_ninety_days(
    clock: Callable[[datetime], datetime], simulator: Simulator
):
    clock(NOW)
    said = _load("--households", "60")

    assert "60 members" in said
    data = Order.objects.filter(source="demo").exclude(order_no__contains=".")
    assert (data.count(), Line.objects.filter(order__in=data).count()) == (4165, 36925)
    assert Line.objects.aggregate(Sum("total_cents")) == Order.objects.aggregate(total_cents__sum=Sum("total_cents"))
    assert Member.objects.count() == Member.objects.filter(source="demo").count() == MemberStats.objects.count() == 60
    assert Order.objects.latest("paid_at").paid_at <= NOW
    assert NOW - data.latest("paid_at").paid_at <= timedelta(days=7)
    assert not Order.objects.filter(channel="store", store__code=words.ONLINE_SHOP[0]).exists()
    _everything_is_labelled_and_invented()
    _care_was_lived(simulator)

    before = _state_of_things()
    assert "here already" in _load("--households", "60")
    assert _state_of_things() == before


@pytest.mark.django_db(transaction=True)
def test_a_year_of_real_lines_has_the_same_stats_whichever_way_they_are_counted(clock, monkeypatch):
    """Few members are counted one by one, many in one sweep: the answers are equal, row for row."""
    clock(NOW)
    _load("--households", "25", "--no-replay")
    assert MemberStats.objects.exclude(top_category_id=None).count() == 25

    monkeypatch.setattr(stats, "MANY", 1)
    assert stats.refresh(NOW, full=True).changed == 0


def _everything_is_labelled_and_invented() -> None:
    assert brand.read("core.demo") is True
    assert set(Order.objects.values_list("source", flat=True)) == {"demo"}
    assert set(Consent.objects.values_list("source", flat=True)) <= {"demo", "sms:R"}
    phones = members.phones(list(Member.objects.values_list("pk", flat=True)))
    assert len(set(phones.values())) == 60
    assert all(phone.startswith("+861990000") for phone in phones.values())
    assert not Member.objects.filter(nickname="").exists()


def _care_was_lived(simulator: Simulator) -> None:
    touches = Counter(Touch.objects.values_list("state", flat=True))
    assert touches["sent"] > 20
    assert touches["held_out"] > 0
    assert touches["skipped"] > 0
    assert set(touches) <= {"sent", "delivered", "held_out", "skipped"}
    days = {moment.date() for moment in Touch.objects.values_list("decided_at", flat=True)}
    assert len(days) > 20
    assert NOW - timedelta(days=91) < min(Touch.objects.values_list("decided_at", flat=True))
    assert Client(simulator.url).stats()["keys"] == touches["sent"]
    assert not Change.objects.filter(due_at__lte=NOW).exists()
    _some_answered(simulator)


def _some_answered(simulator: Simulator) -> None:
    said = {line["key"]: line["text"] for line in Client(simulator.url).inbound()}
    keys = Attempt.objects.filter(touch__channel="sms").values_list("key", "touch_id")
    assert said == {key: answers.words(touch_id) for key, touch_id in keys if answers.words(touch_id)}
    left = {Touch.objects.get(pk=key.removeprefix("touch:")).member_id for key, text in said.items() if text == "R"}
    assert set(Consent.objects.filter(source="sms:R").values_list("member_id", flat=True)) == left
    assert not ConsentNow.objects.filter(member_id__in=left, channel="sms", is_granted=True).exists()


@pytest.fixture
def small_demo(clock: Callable[[datetime], datetime], transactional_db: None) -> Callable[[datetime], datetime]:
    """Ten households without a replay, at noon; the fixture is the clock."""
    clock(NOW)
    _load("--households", "10", "--no-replay")
    return clock


def _lives() -> set[tuple[str, datetime, int, int]]:
    rows = Order.objects.values_list("order_no", "paid_at", "member_id", "total_cents")
    return set(rows)


def test_the_shop_lives_on_as_the_year_before_and_a_minute_twice_changes_nothing(small_demo):
    before = _lives()
    moment = small_demo(NOW + timedelta(hours=20))
    figures = wheel.tick(moment)

    added = _lives() - before
    assert figures == {"history": 0, "live": len(added)}
    assert len(added) >= 1
    for number, paid_at, member_id, total in added:
        base, lap = number.split(".")
        assert NOW < paid_at <= moment
        earlier = base if lap == "1" else f"{base}.{int(lap) - 1}"
        assert (earlier, paid_at - source.TURN, member_id, total) in before
    assert Event.objects.filter(name="order.paid").count() == len(added)
    assert wheel.tick(moment) == {}
    assert _lives() == before | added


def test_after_ten_weeks_off_the_gap_is_history_and_only_its_last_day_tells_facts(small_demo):
    before = _lives()
    moment = small_demo(NOW + timedelta(weeks=10))
    figures = wheel.tick(moment)

    added = _lives() - before
    assert figures["history"] + figures["live"] == len(added)
    assert figures["history"] > 50
    assert Event.objects.filter(name="order.paid").count() == figures["live"]
    assert Line.objects.aggregate(Sum("total_cents")) == Order.objects.aggregate(total_cents__sum=Sum("total_cents"))
    noted = set(Change.objects.values_list("member_id", "due_at"))
    assert {(member_id, paid_at) for _, paid_at, member_id, _ in added} <= noted


def test_small_steps_and_one_leap_lead_to_the_same_orders(small_demo):
    for day in range(1, 6):
        wheel.tick(small_demo(NOW + timedelta(days=day)))
    stepped = _lives()
    Change.objects.all().delete()
    later = Order.objects.filter(paid_at__gt=NOW)
    Line.objects.filter(order__in=later).delete()
    later.delete()

    wheel.tick(small_demo(NOW + timedelta(days=5)))

    assert _lives() == stepped


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


def test_coupons_run_labelled_and_some_were_used_on_orders_that_exist(small_demo):
    running = Template.objects.filter(key__startswith="demo-", state="running").select_related("version")
    assert running.count() == len(coupons.MADE) == 8
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


def test_without_a_demo_the_demo_clock_stands_still(db):
    wheel.tick_recorded(NOW)

    assert Order.objects.count() == 0


def test_a_killed_load_is_removed_and_done_again(small_demo, monkeypatch):
    finished = Counter(Order.objects.values_list("order_no", flat=True))
    state.write(state.LOADING)
    whole = history.load_lines

    def killed(*_: object) -> int:
        raise KeyboardInterrupt

    monkeypatch.setattr(history, "load_lines", killed)
    with pytest.raises(KeyboardInterrupt):
        _load("--households", "10", "--no-replay")
    assert state.read() == state.LOADING
    assert Line.objects.count() == 0

    monkeypatch.setattr(history, "load_lines", whole)
    said = _load("--households", "10", "--no-replay")

    assert "interrupted" in said
    assert Counter(Order.objects.values_list("order_no", flat=True)) == finished
    assert Member.objects.count() == 10
    assert state.read() == state.DONE


def test_a_load_cut_off_inside_its_copy_leaves_indexes_and_references_as_they_were(transactional_db, monkeypatch):
    def extras() -> set[tuple[str, str]]:
        with history.psycopg.connect(history.settings.DATABASE_OWNER_URL) as owner, owner.cursor() as cursor:
            return {
                pair
                for table in ("orders_order", "orders_line")
                for part in history._extras(cursor, table)
                for pair in part
            }

    before = extras()

    def killed(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(history, "_send", killed)
    with pytest.raises(KeyboardInterrupt):
        _load("--households", "3", "--no-replay")

    assert extras() == before
    assert len(before) > 10


def test_real_members_are_never_mixed_with_the_demo(transactional_db):
    member_services.register(source="portal", nickname="林清溪")

    with pytest.raises(CommandError, match=r"members already|会员"):
        _load("--households", "3", "--no-replay")

    assert Member.objects.count() == 1
    assert brand.read("core.demo") is False


def test_a_running_shop_is_left_alone(transactional_db):
    runs.beat("worker")

    with pytest.raises(CommandError, match=r"bin/stop"):
        _load("--households", "3", "--no-replay")

    assert Member.objects.count() == 0


def test_production_settings_refuse_the_demo_and_show_no_log_ins(small_demo, settings, capsys):
    settings.SETTINGS_MODULE = "config.settings.production"
    before = _state_of_things()

    with pytest.raises(CommandError):
        _load("--households", "3", "--no-replay")
    call_command("demo_logins")

    assert capsys.readouterr().out == ""
    assert _state_of_things() == before


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


def test_without_a_demo_no_log_ins_are_printed(db, capsys):
    call_command("demo_logins")

    assert capsys.readouterr().out == ""


def test_names_of_goods_are_chinese(small_demo):
    assert Product.objects.count() > 1_000
    assert not Product.objects.filter(name__regex="[A-Za-z]{2}").exists()
    assert not Category.objects.filter(name__regex="[A-Za-z]").exists()
    assert people.member_no(1) == "HT100001"
    assert len(set(words.CATEGORIES.values())) == len(words.CATEGORIES)


def test_few_members_answer_and_fewer_want_no_more():
    said = Counter(answers.words(touch_id) for touch_id in range(1, 10_001))

    assert 9_500 < said[""] < 9_700
    assert 50 < said["R"] < 150
    assert sum(said[text] for text in answers.THANKS) == 10_000 - said[""] - said["R"]


def test_exchanges_were_lived_through_and_the_books_still_agree(small_demo):
    found = Exchange.objects.filter(source__startswith="demo:")

    assert found.count() >= 3
    assert set(found.values_list("state", flat=True)) >= {"done"}
    assert not found.filter(state="awaiting").exists()
    assert exchanges.live(now=NOW) == 0
    assert checking.check().faults == 0
