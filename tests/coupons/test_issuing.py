import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta

import pytest
from django.db import connection

from apps.core import clock
from apps.coupons import budgets, issuing, proving, templates
from apps.coupons import terms as grammar
from apps.coupons.basket import Shopper
from apps.coupons.errors import CouponRefused
from apps.coupons.models import Budget, Coupon, Spent, Stock, Template
from apps.members.models import Member
from tests.coupons import making

NOW = datetime.fromisoformat("2026-11-29T10:00+08:00")


def member(number: int = 1) -> Member:
    return Member.objects.create(member_no=f"C-{number}", nickname=f"林{number}")


def give(of: Template, to: Member, source: str, **more: object) -> issuing.Issued:
    facts = {"channel": "staff", "moment": NOW} | more
    return issuing.issue(member_id=to.pk, template_id=of.pk, source=source, **facts)  # type: ignore[arg-type]


def claim(of: Template, shopper: Shopper, source: str = "c:1", moment: datetime = NOW) -> issuing.Issued:
    return issuing.claim(shopper=shopper, template_id=of.pk, source=source, moment=moment)


def code_of(work: Callable[[], object]) -> str:
    """The code of the refusal, after which nothing is written."""
    before = (Coupon.objects.count(), list(Stock.objects.order_by("pk").values_list("issued", flat=True)))
    with pytest.raises(CouponRefused) as caught:
        work()
    assert str(caught.value)
    assert (Coupon.objects.count(), list(Stock.objects.order_by("pk").values_list("issued", flat=True))) == before
    return caught.value.code


def test_a_coupon_is_issued_with_its_terms_days_and_way_and_a_repeat_answers_the_same(db):
    of, lin = making.template(most=5), member()

    made = give(of, lin, "card:7", origin="poster-7")

    row = Coupon.objects.get(pk=made.coupon_id)
    assert (row.member, row.template, row.version, row.state, row.nth) == (lin, of, of.version, "ready", 1)
    assert (row.channel, row.origin, row.source, row.issued_at) == ("staff", "poster-7", "card:7", NOW)
    assert (row.starts_at, row.ends_at) == (NOW, datetime.fromisoformat("2026-12-29T00:00+08:00"))
    assert give(of, lin, "card:7") == issuing.Issued(row.pk, row.starts_at, row.ends_at, is_new=False)
    assert (Coupon.objects.count(), Stock.objects.get().issued) == (1, 1)
    with pytest.raises(issuing.SourceReused):
        give(of, member(2), "card:7")


@pytest.mark.parametrize("moment", ["2026-11-29T23:59:59.9+08:00", "2026-11-30T00:00+08:00", "2028-02-28T18:00+00:00"])
@pytest.mark.parametrize(
    "valid",
    [
        {"kind": "after_claim", "days": 1},
        {"kind": "after_claim", "days": 30, "starts_after": 2},
        {"kind": "between", "from": "2026-11-01", "to": "2026-12-31"},
        {"kind": "between", "from": "2026-11-01T08:00", "to": "2026-12-31T20:00:30+09:00"},
        {"kind": "between", "from": "2026-11-01T08:00Z", "to": "2028-02-29"},
    ],
)
def test_the_database_reckons_the_days_as_the_grammar_does(db, valid, moment):
    at, terms = datetime.fromisoformat(moment), making.terms(valid=valid)
    with connection.cursor() as cursor:
        cursor.execute("select * from coupons_validity(%s::jsonb, %s)", [json.dumps(terms), at])
        assert cursor.fetchone() == grammar.validity(terms, claimed_at=at)


def test_the_limit_counts_each_member_and_what_was_paid_for_stands_outside(db):
    of, lin = making.template(per_member=2), member()
    give(of, lin, "a")
    give(of, lin, "b")

    assert code_of(lambda: give(of, lin, "c")) == "coupon_limit_reached"
    assert Coupon.objects.get(pk=give(of, lin, "m", channel="mall").coupon_id).nth is None
    assert give(of, member(2), "d").is_new
    endless = making.template("endless", per_member=None)
    assert [Coupon.objects.get(pk=give(endless, lin, f"e{n}").coupon_id).nth for n in range(3)] == [1, 2, 3]


def test_the_stock_ends_the_issue_and_more_of_it_goes_on(db):
    of = making.template(most=2)
    give(of, member(1), "a")
    give(of, member(2), "b")

    assert code_of(lambda: give(of, member(3), "c")) == "coupon_out_of_stock"
    templates.set_stock(template_id=of.pk, most=3)
    assert give(of, Member.objects.get(member_no="C-3"), "c").is_new
    assert Stock.objects.get().issued == 3


def test_a_claim_asks_for_window_stop_and_conditions_and_a_gift_of_the_brand_only_for_the_stop(db):
    opens, closes = NOW + timedelta(hours=1), NOW + timedelta(hours=2)
    said = making.terms(tiers=["gold"], segments=["tea", "sweet"], groups=["g1"], first_order=True)
    of = making.template("picky", said, is_in_centre=True, opens_at=opens, closes_at=closes)
    lin, hidden = member(), making.template("hidden")
    fits = {"tier": "gold", "segments": frozenset({"tea"}), "groups": frozenset({"g1", "g2"})}

    def asked(moment: datetime = opens, **other: object) -> str:
        return code_of(lambda: claim(of, Shopper(lin.pk, **(fits | other)), moment=moment))

    with pytest.raises(CouponRefused) as caught:
        claim(of, Shopper(lin.pk, **fits))
    assert (caught.value.code, caught.value.facts) == ("coupon_not_open", {"opens_at": "2026-11-29 11:00"})
    assert asked(closes) == "coupon_closed"
    assert asked(tier="silver") == asked(tier="") == "coupon_wrong_tier"
    assert asked(segments=frozenset({"salt"})) == "coupon_wrong_segment"
    assert asked(groups=frozenset()) == "coupon_wrong_group"
    assert asked(orders=1) == "coupon_first_order_only"
    assert code_of(lambda: claim(hidden, Shopper(lin.pk))) == "coupon_not_found"
    assert give(of, lin, "gift").is_new
    second = member(2)
    assert claim(of, Shopper(second.pk, **fits), "c:2", moment=opens).is_new
    templates.stop(template_id=of.pk)
    assert asked() == code_of(lambda: give(of, second, "late")) == "coupon_frozen"
    ended = making.template("ended", making.terms(valid={"kind": "between", "from": "2026-11-01", "to": "2026-11-28"}))
    assert code_of(lambda: give(ended, lin, "ended")) == "coupon_closed"
    draft = templates.create(key="draft", name="草", draft=making.terms())
    assert code_of(lambda: give(draft, lin, "draft")) == "coupon_not_found"
    Member.objects.filter(pk=lin.pk).update(status="erased")
    other = making.template("other")
    assert code_of(lambda: give(other, lin, "gone")) == "coupon_member_gone"


def test_an_alias_stands_for_the_member_it_was_merged_into(db):
    of, lin, old = making.template(), member(1), member(2)
    Member.objects.filter(pk=old.pk).update(merged_into=lin, status="merged")

    made = give(of, old, "x")

    assert Coupon.objects.get(pk=made.coupon_id).member == lin
    assert not give(of, old, "x").is_new
    assert not give(of, lin, "x").is_new


def test_many_are_told_one_by_one_and_the_stock_is_kept(db):
    of = making.template(most=3)
    has, first, second, third, gone = (member(number) for number in range(5))
    give(of, has, "before")
    Member.objects.filter(pk=gone.pk).update(status="cancelled")
    asked = {"template_id": of.pk, "source": "story:9", "channel": "care", "origin": "journey-9", "moment": NOW}

    told = issuing.issue_many(member_ids=[third.pk, gone.pk, has.pk, first.pk, second.pk, 0], **asked)

    assert {one.member_id: one.outcome for one in told} == {
        first.pk: "done",
        second.pk: "done",
        third.pk: "coupon_out_of_stock",
        has.pk: "coupon_limit_reached",
        gone.pk: "coupon_member_gone",
        0: "coupon_member_gone",
    }
    assert sorted(Coupon.objects.filter(origin="journey-9").values_list("member", "source", "nth")) == [
        (first.pk, f"story:9:{first.pk}", 1),
        (second.pk, f"story:9:{second.pk}", 1),
    ]
    assert Stock.objects.get().issued == 3
    again = issuing.issue_many(member_ids=[first.pk, third.pk], **asked)
    assert [one.outcome for one in again] == ["again", "coupon_out_of_stock"]
    assert again[0].coupon_id == Coupon.objects.get(member=first).pk
    templates.stop(template_id=of.pk)
    assert [one.outcome for one in issuing.issue_many(member_ids=[third.pk], **asked)] == ["coupon_frozen"]


def at_once(calls: list[Callable[[], object]], threads: int = 8) -> list[str]:
    """What each call came to, from so many threads."""

    def one(call: Callable[[], object]) -> str:
        try:
            call()
        except CouponRefused as refused:
            return refused.code
        return "done"

    def several(calls: list[Callable[[], object]]) -> list[str]:
        try:
            return [one(call) for call in calls]
        finally:
            connection.close()

    with ThreadPoolExecutor(threads) as pool:
        return [told for part in pool.map(several, [calls[n::threads] for n in range(threads)]) for told in part]


@pytest.mark.django_db(transaction=True)
def test_four_hundred_claims_of_two_hundred_members_on_forty_coupons_issue_exactly_forty():
    of, people = proving.sale(key="rush", most=40), proving.people(stamp="R", count=200)

    told = proving.rush(of=of, members=people, each=2, at_once=8)

    assert sum(told.values()) == 400
    assert (told["done"], set(told)) == (40, {"done", "coupon_limit_reached", "coupon_out_of_stock"})
    assert set(proving.zeros(of, told=told, most=40).values()) == {0}


@pytest.mark.django_db(transaction=True)
def test_one_claim_sent_many_times_at_once_is_one_coupon_and_a_limit_of_three_is_three():
    of, lin = making.template(most=9, per_member=3, is_in_centre=True), member()

    same = at_once([lambda: claim(of, Shopper(lin.pk), "same")] * 16)
    assert same == ["done"] * 16
    assert Coupon.objects.count() == 1

    others = at_once([lambda n=n: claim(of, Shopper(lin.pk), f"o:{n}") for n in range(16)])
    assert others.count("done") == 2
    assert others.count("coupon_limit_reached") == 14
    assert sorted(Coupon.objects.values_list("nth", flat=True)) == [1, 2, 3]
    assert Stock.objects.get().issued == 3


@pytest.mark.django_db(transaction=True)
def test_lists_of_many_and_single_claims_meet_without_waiting_for_each_other_for_ever():
    of = making.template(most=60, is_in_centre=True)
    people = [one.pk for one in Member.objects.bulk_create(Member(member_no=f"L-{n}") for n in range(50))]
    lists = [
        lambda n=n: issuing.issue_many(
            member_ids=people[n:] + people[:n], template_id=of.pk, source=f"l:{n}", channel="care"
        )
        for n in (0, 25)
    ]
    singles = [lambda who=who: claim(of, Shopper(who), f"s:{who}") for who in reversed(people)]

    at_once([*lists, *singles], threads=6)

    assert Coupon.objects.count() == 50 == Stock.objects.get().issued
    assert not Coupon.objects.exclude(nth=1).exists()


def test_budgets_count_each_use_where_and_when_it_happens_and_all_or_none(db):
    of, lin = making.template(), member()
    row = making.coupon(of, lin)
    for per, what, most in (("total", "uses", 3), ("day", "cents", 5_000), ("member_month", "uses", 9)):
        Budget.objects.create(template=of, per=per, of=what, most=most)
    Budget.objects.create(template=of, per="store", of="uses", most=1)

    def take(cents: int, store: int | None = None, days: int = 0) -> None:
        budgets.take(coupon=row, cents=cents, moment=NOW + timedelta(days=days), store_id=store)

    take(3_000)
    before = sorted(Spent.objects.values_list("key", "amount"))
    assert before == [("", 1), ("2026-11-29", 3_000), (f"m{lin.pk}:2026-11", 1)]
    assert code_of(lambda: take(2_001)) == code_of(lambda: take(5_001, days=1)) == "coupon_budget_spent"
    assert sorted(Spent.objects.exclude(amount=0).values_list("key", "amount")) == before
    take(2_000, store=5)
    assert code_of(lambda: take(1, store=5, days=1)) == "coupon_budget_spent"
    take(1, store=6, days=1)
    assert code_of(lambda: take(1, days=2)) == "coupon_budget_spent"
    budgets.give_back(coupon=row, cents=2_000, moment=NOW, store_id=5)
    take(1, store=5, days=2)
    assert dict(Spent.objects.filter(budget__per__in=["total", "store"]).values_list("key", "amount")) == {
        "": 3,
        "s5": 1,
        "s6": 1,
    }


@pytest.mark.django_db(transaction=True)
def test_a_budget_of_ten_uses_bears_ten_of_forty_at_once():
    of = making.template()
    Budget.objects.create(template=of, per="total", of="uses", most=10)
    Budget.objects.create(template=of, per="day", of="cents", most=10**6)
    row = making.coupon(of, member())

    told = at_once([lambda: budgets.take(coupon=row, cents=7, moment=clock.now())] * 40)

    assert (told.count("done"), told.count("coupon_budget_spent")) == (10, 30)
    assert sorted(Spent.objects.values_list("amount", flat=True)) == [10, 70]
