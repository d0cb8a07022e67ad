"""Predictions on real tables: the gate, versions, what is learned from when, who keeps no row, and when things run out."""

from datetime import date, timedelta

import numpy as np
import pytest
from django.core.management import call_command
from django.db import connection

from apps.catalog.models import Category, Product
from apps.core import clock, requests
from apps.core.errors import NotFound
from apps.core.models import AuditEntry
from apps.members import consents
from apps.members.models import Member
from apps.orders.models import Order
from apps.segments import refresh
from apps.segments.models import CategoryCycle, MemberCycle, Prediction, PredictionModel, PredictionRun
from apps.segments.predictions import columns, cycles, fitting, history, keeping, scoring, selectors, versions
from apps.segments.predictions.sufficiency import NotEnough
from tests.segments.histories import Life, buy, cancel, day, life, refund

pytestmark = pytest.mark.django_db
END = 400.0  # days of the crowd's history


def crowd(size: int = 620) -> list[Member]:
    """Buyers with rhythms of their own, of whom some stop: drawn from a fixed seed."""
    random = np.random.default_rng(7)
    members = Member.objects.bulk_create(
        [Member(member_no=f"C{number:05d}", joined_at=day(0)) for number in range(size)]
    )
    orders = []
    for member in members:
        gap, stops = random.gamma(2, 14), random.random() < 0.12
        at = random.uniform(0, 300)
        while at < END:
            orders.append((member, at, int(random.gamma(3, 3000)) + 100))
            if stops and random.random() < 0.5:
                break
            at += random.exponential(gap) + 1
    Order.objects.bulk_create(
        Order(
            source="t", order_no=str(n), member=m, status="paid", total_cents=cents, paid_at=day(at), created_at=day(at)
        )
        for n, (m, at, cents) in enumerate(orders)
    )
    return members


def columns_at(moment) -> dict[int, dict[str, float]]:
    with connection.cursor() as cursor:
        history.take(cursor, "known", moment)
        rows = history.read(cursor, "known")
        cursor.execute("drop table known")
    names = [name for name in history.NAMES if name != "member_id"]
    return {int(member): {name: rows[name][place] for name in names} for place, member in enumerate(rows["member_id"])}


def test_a_history_holds_what_was_known_at_the_moment_and_nothing_later():
    one = life(0, 0.1, 10, 40)
    taken_back, later = buy(one, day(20)), buy(one, day(300))
    nothing = buy(one, day(25), total=0)
    undone = buy(one, day(30))
    refund(one, taken_back, day(50))
    cancel(one, undone, day(31))
    assert (later.id, nothing.id) > (0, 0)

    before = columns_at(day(45))[one.member.pk]
    assert before == {
        "orders": 5, "days": 4, "span": 40, "age": 45, "gaps_squared": 100 + 100 + 400, "recent_days": 4,
        "recent_orders": 2, "cents": 50_000, "repeat_cents": 30_000,
    }  # fmt: skip
    after = columns_at(day(60))[one.member.pk]
    assert (after["days"], after["gaps_squared"], after["cents"]) == (3, 100 + 900, 40_000)  # refunded whole: never was
    assert life(50).member.pk not in columns_at(day(45))


def test_columns_come_back_as_they_went_in_and_null_is_refused():
    sent = {"a": np.array([1.0, -2.5, np.inf]), "b": np.array([0.1, 1e300, -0.0])}
    with connection.cursor() as cursor:
        cursor.execute("create temp table given (a float8, b float8)")
        assert columns.write(cursor, "given", sent) == 3
        got = columns.read(cursor, "select * from given", ("a", "b"), {})
        assert all(np.array_equal(got[name], sent[name]) for name in sent)
        assert columns.read(cursor, "select * from given where false", ("a", "b"), {})["a"].size == 0
        cursor.execute("insert into given values (null, 1)")
        with pytest.raises(ValueError, match="NULL"):
            columns.read(cursor, "select * from given", ("a", "b"), {})
        cursor.execute("drop table given")


def test_without_enough_data_nobody_is_predicted():
    life(0, 20, 199), life(100)
    with pytest.raises(NotEnough) as refused:
        fitting.fit(day(200))
    assert refused.value.found.counts() == {"buyers": 2, "history_days": 200, "recent_orders": 1, "regulars": 1}
    run = scoring.score(day(200))
    assert (run.is_sufficient, run.scored, run.model) == (False, 0, None)
    gate = selectors.gate(selectors.last_run())
    assert gate.counts[0] == ("buyers", 2, 500)
    assert not Prediction.objects.exists()


def test_from_orders_to_predictions_versions_and_back(monkeypatch, capsys):
    members = crowd()
    with requests.acting(actor="cli"):
        call_command("fit_predictions", "--as-of", day(END).isoformat())
    assert "Version 1, active: 620 buyers" in capsys.readouterr().out
    first = PredictionModel.objects.get()
    assert (first.version, first.is_active, first.activated_by) == (1, True, "system")
    assert first.buyers == 620
    assert first.orders == Order.objects.count()
    assert first.first_order_on == clock.local_date(Order.objects.earliest("paid_at").paid_at)
    tested = first.scores
    assert tested["members"] == len(columns_at(day(END - 90)))
    bought = Order.objects.filter(paid_at__gt=day(END - 90), paid_at__lte=day(END)).values("member")
    known = Order.objects.filter(paid_at__lte=day(END - 90)).values("member")
    assert tested["lapsed"] == Member.objects.filter(pk__in=known).exclude(pk__in=bought).count()
    assert tested["models"]["features"]["auc"] > tested["models"]["rfm"]["auc"] > 0.5
    assert 0.8 < tested["orders"]["expected"] / tested["orders"]["came"] < 1.25
    assert first.lapse_by == "features"

    run = scoring.score(day(END))
    assert (run.scored, run.changed, run.removed) == (620, 620, 0)
    assert scoring.score(day(END)).changed == 0  # again: nothing to write
    rows = Prediction.objects.in_bulk()
    assert len(rows) == 620
    for row in rows.values():
        assert row.band == ("low" if row.p_lapse < 0.33 else "high" if row.p_lapse > 0.66 else "middle")
        assert len(row.reasons) == len(row.reason_values) == 3
        assert row.next_order_on is None or date(2027, 2, 5) <= row.next_order_on <= date(2028, 2, 5)
    gone = Member.objects.filter(pk__in=known).exclude(pk__in=bought)
    quiet = [rows[pk].p_lapse for pk in gone.values_list("pk", flat=True)]
    busy = [rows[pk].p_lapse for pk in {one["member"] for one in bought}]
    assert np.mean(quiet) > 2 * np.mean(busy)
    monkeypatch.setattr(scoring, "CHUNK", 50)
    assert scoring.score(day(END)).changed == 0  # in many chunks the same

    second = versions.keep(again(first, version=2))
    assert second.is_active  # nobody has chosen
    with requests.acting(actor="user:7"):
        assert versions.roll_back().version == 1
    entry = AuditEntry.objects.get(action="predictions.activated")
    assert (entry.actor, entry.after) == ("user:7", {"version": 1, "before": 2})
    assert not versions.keep(again(first, version=3)).is_active  # a person has chosen
    assert versions.activate(version=1).activated_by == "user:7"
    assert list(PredictionModel.objects.filter(is_active=True).values_list("version", flat=True)) == [1]

    told = selectors.of_member(members[0].pk)
    assert (told.version, len(told.reasons), told.clv_days) == (1, 3, 365)


def again(model: PredictionModel, *, version: int) -> PredictionModel:
    """The same fit under another number."""
    copied = PredictionModel.objects.get(pk=model.pk)
    copied.pk, copied.version, copied.is_active, copied.activated_at = None, version, False, None
    return copied


def test_a_version_worse_than_rfm_does_not_become_active_by_itself():
    made = stored_version()
    worse = again(made, version=2)
    worse.scores = {"models": {"features": {"brier": 0.2}, "bgnbd": None, "rfm": {"brier": 0.19}}}
    assert made.is_active
    assert not versions.keep(worse).is_active
    with pytest.raises(versions.NothingBefore):
        versions.roll_back()
    assert versions.activate(version=2).is_active  # a person may
    with pytest.raises(NotFound):
        versions.activate(version=9)


def stored_version() -> PredictionModel:
    """A version as a fit would leave it, without a crowd."""
    rhythm = {"r": 0.24, "alpha": 4.4, "a": 0.8, "b": 2.4, "log_likelihood": 0.0, "buyers": 0}
    line = {
        "usual_gap": 30.0, "intercept": 0.0, "weights": [1, 1, 1, -1, 1, -1, 1, -1, -1], "means": [0.0] * 9, "deviations": [1.0] * 9,
    }  # fmt: skip
    return versions.keep(
        PredictionModel(
            version=1, as_of=day(0), fitted_at=day(0), fitted_by="cli", first_order_on=date(2026, 1, 1),
            last_order_on=date(2026, 1, 1), buyers=1, orders=1, sample=1, lapse_by="features", scores={},
            parameters={
                "rhythm": rhythm, "spend": None, "average_cents": 10_000.0, "lapse": line, "lapse_by": "features",
                "clv_days": 365.0, "discount_a_year": 0.1,
            },
        )
    )  # fmt: skip


@pytest.fixture
def small_gate(monkeypatch):
    monkeypatch.setitem(scoring.sufficiency.NEEDED, "buyers", 1)
    monkeypatch.setitem(scoring.sufficiency.NEEDED, "history_days", 1)
    stored_version()


def test_who_may_not_be_looked_at_keeps_no_row(small_gate):
    kept, objects, erased, merged, child, refunded = (life(0, 5, 20, 30) for _ in range(6))
    scoring.score(day(31))
    assert Prediction.objects.count() == 6
    with clock.frozen(day(31)):
        consents.give_consent(
            member_id=objects.member.pk,
            purpose="profiling",
            channel="any",
            is_granted=False,
            source="test",
            text_version="1",
        )
    Member.objects.filter(pk=erased.member.pk).update(status="erased")
    Member.objects.filter(pk=merged.member.pk).update(status="merged", merged_into_id=kept.member.pk)
    Member.objects.filter(pk=child.member.pk).update(birth_year=clock.local_date(clock.now()).year - 5)
    for order_id in refunded.purchases:
        Order.objects.filter(pk=order_id).update(status="cancelled")
    run = scoring.score(day(32))
    assert list(Prediction.objects.values_list("pk", flat=True)) == [kept.member.pk]
    assert (run.scored, run.removed) == (1, 5)


def test_a_child_loses_its_predictions_at_the_refresh_and_anybody_at_once(small_gate):
    child, other = life(0, 5, 20, 30), life(0, 5, 20, 30)
    scoring.score(day(31))
    Member.objects.filter(pk=child.member.pk).update(birth_year=clock.local_date(clock.now()).year - 5)
    with clock.frozen(day(31)):
        refresh.refresh_members([child.member.pk], day(31))
    assert list(Prediction.objects.values_list("pk", flat=True)) == [other.member.pk]
    assert keeping.forget(member_ids=[other.member.pk]) == 1
    assert not Prediction.objects.exists()


def test_rows_go_when_the_data_no_longer_suffice(small_gate, monkeypatch):
    life(0, 5, 20, 30)
    assert scoring.score(day(31)).scored == 1
    run = scoring.score(day(90))  # no order in the last 30 days
    assert (run.is_sufficient, run.removed) == (False, 1)
    assert not Prediction.objects.exists()


def test_only_one_scoring_goes_at_a_time(small_gate, owner_cursor):
    owner_cursor.execute("select pg_advisory_lock(%s)", [scoring.LOCK])
    with pytest.raises(scoring.AlreadyScoring):
        scoring.score(day(31))
    owner_cursor.execute("select pg_advisory_unlock(%s)", [scoring.LOCK])
    assert not PredictionRun.objects.exists()


@pytest.fixture
def shelf() -> dict[str, Product]:
    return {
        name: Product.objects.create(sku=name, name=name, category=Category.objects.create(name=name.title()))
        for name in ("milk", "soap", "lamp")
    }


def cycles_at(moment) -> None:
    with connection.cursor() as cursor:
        cycles.refresh(cursor, moment)


def due() -> list[tuple]:
    rows = MemberCycle.objects.order_by("member_id", "category_id")
    return [(row.member_id, row.product.name, row.gap_days, row.is_own, row.due_on) for row in rows]


def shopping(product: Product, *days: float) -> Life:
    one = life()
    for at in days:
        buy(one, day(at), products=(product,))
    return one


def test_a_cycle_is_the_members_own_or_the_categorys(shelf, monkeypatch):
    monkeypatch.setattr(cycles, "_KEEP_CATEGORIES", cycles._KEEP_CATEGORIES.replace("gaps >= 30", "gaps >= 3"))
    own = shopping(shelf["soap"], 0, 30, 70, 80)  # 30, 40, 10: median 30
    twice = shopping(shelf["soap"], 20, 70)  # one gap only: the category's
    once = shopping(shelf["soap"], 60)
    lamp = shopping(shelf["lamp"], 80)  # nobody buys a second one
    shopping(shelf["milk"], 0, 1)  # one gap in the category: none
    cycles_at(day(85))
    soap = CategoryCycle.objects.get()
    assert (soap.category_id, soap.gap_days, soap.gaps, soap.members) == (shelf["soap"].category_id, 35.0, 4, 3)
    assert soap.repeat_share == pytest.approx(2 / 3)
    on = date(2026, 1, 1)
    assert due() == [
        (own.member.pk, "soap", 30.0, True, on + timedelta(days=110)),
        (twice.member.pk, "soap", 35.0, False, on + timedelta(days=105)),
        (once.member.pk, "soap", 35.0, False, on + timedelta(days=95)),
    ]
    with clock.frozen(day(85)):
        assert [row.due_on for row in selectors.due_of(own.member.pk)] == [on + timedelta(days=110)]
        assert selectors.due_of(lamp.member.pk) == []
    buy(once, day(90), products=(shelf["soap"],))
    cycles_at(day(91))  # a fifth gap, of 30 days: the median is 30 now
    assert (once.member.pk, "soap", 30.0, False, on + timedelta(days=120)) in due()
    cycles_at(day(300))
    assert due() == []  # overdue for months: no longer a reminder
