"""The gate of a flash sale: it says no early and never yes; without it, or with a false one, the database is right."""

from datetime import datetime, timedelta

import pytest
import redis
from django.conf import settings
from django.db import transaction
from django.db.models import Count

from apps.coupons import gate, templates
from apps.coupons.basket import Shopper
from apps.coupons.errors import CouponRefused
from apps.coupons.models import Coupon, Stock, Template
from apps.members.models import Member
from tests.coupons import making
from tests.coupons.test_issuing import at_once, member

NOW = datetime.fromisoformat("2026-11-29T20:00+08:00")


@pytest.fixture
def valkey() -> "redis.Redis":
    gate._rest["until"] = 0.0
    return redis.Redis.from_url(settings.REDIS_URL)


def sale(**fields: object) -> Template:
    return making.template("flash", is_flash=True, is_in_centre=True, **fields)


def claim(of: Template, who: Member, source: str, moment: datetime = NOW) -> str:
    try:
        made = gate.claim(shopper=Shopper(who.pk), template=of, source=source, moment=moment)
    except CouponRefused as refused:
        return refused.code
    return "done" if made.is_new else "again"


def test_the_gate_refuses_without_the_database_and_answers_a_repeat_with_its_coupon(
    db, valkey, django_assert_num_queries, django_capture_on_commit_callbacks
):
    of = sale(most=1, opens_at=NOW)
    lin, mei = member(1), member(2)
    early = NOW - timedelta(minutes=1)
    assert claim(of, lin, "a", early) == "coupon_not_open"
    with django_assert_num_queries(0):
        assert claim(of, lin, "a", early) == "coupon_not_open"
    with django_capture_on_commit_callbacks(execute=True):
        assert claim(of, lin, "a") == "done"
    with django_assert_num_queries(0):
        assert claim(of, lin, "b") == "coupon_limit_reached"
        assert claim(of, mei, "c") == "coupon_out_of_stock"
    assert claim(of, lin, "a") == "again"
    assert (Coupon.objects.count(), Stock.objects.get().issued) == (1, 1)


def test_an_emptied_a_false_and_a_dead_gate_leave_the_word_to_the_database(db, valkey, settings):
    of = sale(most=2)
    lin, mei, jun = (member(number) for number in range(3))
    assert claim(of, lin, "a") == "done"
    valkey.flushall()
    assert claim(of, lin, "b") == "coupon_limit_reached"
    valkey.hset(gate._keys(of.pk)[0], "left", 900)
    assert claim(of, mei, "c") == "done"
    assert claim(of, jun, "d") == "coupon_out_of_stock"
    valkey.hset(gate._keys(of.pk)[0], "left", 900)
    assert claim(of, jun, "d") == "coupon_out_of_stock"
    templates.set_stock(template_id=of.pk, most=3)
    gate.forget(of.pk)
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    assert claim(of, jun, "d") == "done"
    assert claim(of, lin, "e") == "coupon_limit_reached"
    assert Stock.objects.get().issued == 3
    gate._rest["until"] = 0.0


def test_more_stock_opens_a_sold_out_gate_at_once(db, valkey, django_capture_on_commit_callbacks):
    of = sale(most=1)
    assert claim(of, member(1), "a") == "done"
    mei = member(2)
    assert claim(of, mei, "b") == "coupon_out_of_stock"
    with django_capture_on_commit_callbacks(execute=True):
        templates.set_stock(template_id=of.pk, most=2)
    assert claim(of, mei, "b") == "done"


def test_what_is_told_twice_or_taken_back_does_not_count_in_the_gate(db, valkey, django_capture_on_commit_callbacks):
    of = sale(most=3)
    lin, mei, jun, kai = (member(number) for number in range(4))
    claim(of, lin, "a", NOW - timedelta(seconds=1))  # counted anew: two are left to the gate once this one is told
    with django_capture_on_commit_callbacks(execute=True):
        assert [claim(of, lin, "a") for _ in range(3)] == ["again"] * 3
    with django_capture_on_commit_callbacks(execute=True), transaction.atomic():
        assert claim(of, mei, "b") == "done"
        transaction.set_rollback(True)
    with django_capture_on_commit_callbacks(execute=True):
        assert [claim(of, who, "c") for who in (jun,)] == ["done"]
    assert claim(of, mei, "b2") == "done"
    assert claim(of, kai, "d") == "coupon_out_of_stock"
    assert 0 < valkey.pttl(gate._believed(of.pk)) <= gate.COUNTED_FOR
    assert Stock.objects.get().issued == 3


def test_a_looser_limit_or_an_earlier_opening_counts_at_once(db, valkey, django_capture_on_commit_callbacks):
    of = sale(most=9, per_member=1, opens_at=NOW + timedelta(hours=1))
    lin = member(1)
    assert [claim(of, lin, "a") for _ in range(2)] == ["coupon_not_open"] * 2

    def save(**more: object) -> None:
        with django_capture_on_commit_callbacks(execute=True):
            templates.save(template_id=of.pk, draft=making.terms(), **more)

    save(opens_at=NOW, per_member=1, is_flash=True, is_in_centre=True)
    with django_capture_on_commit_callbacks(execute=True):
        assert claim(of, lin, "a") == "done"
    assert claim(of, lin, "b") == "coupon_limit_reached"
    save(opens_at=NOW, per_member=2, is_flash=True, is_in_centre=True)
    assert claim(of, lin, "b") == "done"


@pytest.mark.django_db(transaction=True)
def test_emptying_valkey_in_the_middle_of_a_rush_neither_oversells_nor_leaves_coupons(valkey):
    of = sale(most=30)
    people = Member.objects.bulk_create(Member(member_no=f"F-{number}") for number in range(60))
    calls = [
        lambda who=who, n=n: gate.claim(shopper=Shopper(who.pk), template=of, source=f"f:{who.pk}:{n}")
        for who in people
        for n in range(3)
    ]
    for at in (20, 60, 100):
        calls[at] = valkey.flushall

    at_once(calls)

    assert Coupon.objects.count() == 30 == Stock.objects.get().issued
    assert not Coupon.objects.values("member").annotate(n=Count("pk")).filter(n__gt=1).exists()
