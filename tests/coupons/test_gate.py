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
from apps.coupons.models import Batch, Coupon, Stock, Template
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
    valkey.flushdb()
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


def test_the_word_of_the_database_that_nothing_is_left_is_kept(db, valkey, django_assert_num_queries):
    of = sale(most=1)
    lin, mei = member(1), member(2)
    assert claim(of, lin, "a") == "done"
    valkey.hset(gate._keys(of.pk)[0], "left", 900)
    assert claim(of, mei, "b") == "coupon_out_of_stock"
    with django_assert_num_queries(0):
        assert claim(of, mei, "b") == "coupon_out_of_stock"


def test_a_limit_that_was_lifted_and_a_coupon_from_a_friend_shut_nobody_out(db, valkey):
    of = sale(most=9, per_member=1)
    lin, mei = member(1), member(2)
    making.coupon(of, mei, source="gift:1", channel="gift", nth=None)
    assert claim(of, lin, "a") == "done"
    gate.forget(of.pk)
    assert claim(of, lin, "b") == "coupon_limit_reached"
    assert claim(of, mei, "c") == "done"
    Template.objects.filter(pk=of.pk).update(per_member=None)
    gate.forget(of.pk)
    assert claim(Template.objects.get(pk=of.pk), lin, "d") == "done"  # asked of the database, while it is counted anew
    assert claim(Template.objects.get(pk=of.pk), lin, "e") == "done"


def test_it_is_counted_anew_at_once_when_it_was_told_to_forget(db, valkey, django_assert_num_queries):
    of, lin = sale(most=9, per_member=1), member(1)
    assert claim(of, lin, "a") == "done"
    for source in "bc":
        gate.forget(of.pk)
        assert claim(of, lin, source) == "coupon_limit_reached"
        with django_assert_num_queries(0):
            assert claim(of, lin, source) == "coupon_limit_reached"


def test_of_a_pool_the_codes_are_left_and_only_a_flash_sale_that_is_small_enough_has_a_gate(db, valkey, monkeypatch):
    pool, plain, large = sale(is_pool=True), making.template("plain"), making.template("large", is_flash=True, most=9)
    batch = Batch.objects.create(template=pool, version=pool.version, name="p", wanted=2, made=2)
    for number in range(2):
        making.coupon(pool, None, state="unclaimed", code=f"P-{number}", batch=batch, starts_at=None, ends_at=None)
    lin = member(1)
    assert claim(pool, lin, "a") == "done"
    assert valkey.hget(gate._keys(pool.pk)[0], "left") == b"2"  # as counted before the claim
    claim(plain, lin, "b")
    Stock.objects.filter(template=large).update(issued=3)
    monkeypatch.setattr(gate, "LARGEST", 2)
    claim(large, lin, "c")
    assert valkey.keys("coupon-gate:*:believed") == [gate._believed(pool.pk).encode()]
    assert not valkey.exists(gate._keys(plain.pk)[0])


def test_a_valkey_that_does_not_answer_is_left_alone_for_a_second(db, valkey, monkeypatch):
    of, asked = sale(most=9), []

    def gone(url: str) -> object:
        asked.append(url)
        raise redis.ConnectionError

    monkeypatch.setattr(gate, "_scripts", gone)
    assert [claim(of, member(number), f"s{number}") for number in range(3)] == ["done"] * 3
    assert len(asked) == 1
    gate._rest["until"] = 0.0


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
        calls[at] = valkey.flushdb

    at_once(calls)

    assert Coupon.objects.count() == 30 == Stock.objects.get().issued
    assert not Coupon.objects.values("member").annotate(n=Count("pk")).filter(n__gt=1).exists()
