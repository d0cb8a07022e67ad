"""A coupon for a friend: taken once, by somebody else, and never a way around the limit."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from apps.core import clock
from apps.coupons import gifts, issuing, keeping, templates, wallet
from apps.coupons.errors import CouponRefused
from apps.coupons.models import Coupon, Gift, Template
from apps.members.models import Member
from tests.coupons import making
from tests.coupons.test_issuing import at_once, member


@pytest.fixture
def of(db: None) -> Template:
    return making.template(is_giftable=True, most=5)


def owned(of: Template, by: Member) -> int:
    return issuing.issue(member_id=by.pk, template_id=of.pk, source=f"s:{by.pk}", channel="staff").coupon_id


def code_of(work: Callable[[], object]) -> str:
    before = (Coupon.objects.count(), sorted(Gift.objects.values_list("pk", "state")))
    with pytest.raises(CouponRefused) as caught:
        work()
    assert str(caught.value)
    assert (Coupon.objects.count(), sorted(Gift.objects.values_list("pk", "state"))) == before
    return caught.value.code


def test_a_friend_takes_it_once_with_the_same_terms_and_days_and_the_giver_keeps_the_place_under_the_limit(of):
    lin, mei, jun = (member(number) for number in range(3))
    mine = owned(of, lin)
    templates.save(template_id=of.pk, draft=making.terms(minimum_cents=9_900), is_giftable=True)
    templates.freeze(template_id=of.pk)
    Coupon.objects.filter(pk=mine).update(origin="poster")
    link = gifts.offer(member_id=lin.pk, coupon_id=mine)
    assert gifts.look(token=link).state == "open"
    assert code_of(lambda: gifts.look(token=link.swapcase())) == "coupon_not_found"
    assert code_of(lambda: gifts.take(member_id=lin.pk, token=link)) == "coupon_own_gift"

    taken = gifts.take(member_id=mei.pk, token=link)

    row, child = Coupon.objects.get(pk=mine), Coupon.objects.get(pk=taken.coupon_id)
    assert (row.state, row.nth, child.state, child.nth, child.parent) == ("given", 1, "ready", None, row)
    assert (child.member, child.version_id, child.channel) == (mei, row.version_id, "gift")
    assert (child.starts_at, child.ends_at, child.origin) == (row.starts_at, row.ends_at, "poster")
    assert [one.kind for one in wallet.history(coupon_id=mine)] == ["given"]
    assert gifts.take(member_id=mei.pk, token=link) == issuing.Issued(
        child.pk, taken.starts_at, taken.ends_at, is_new=False
    )
    assert code_of(lambda: gifts.take(member_id=jun.pk, token=link)) == "coupon_given"
    assert code_of(lambda: gifts.revoke(member_id=lin.pk, coupon_id=mine)) == "coupon_given"
    again = {"member_id": lin.pk, "template_id": of.pk, "source": "again", "channel": "centre"}
    assert code_of(lambda: issuing.issue(**again)) == "coupon_limit_reached"
    assert code_of(lambda: gifts.offer(member_id=mei.pk, coupon_id=child.pk)) == "coupon_not_giftable"


def test_a_withdrawn_or_replaced_link_an_unknown_one_and_a_strangers_coupon_say_the_same(of):
    lin, mei = member(1), member(2)
    mine = owned(of, lin)
    first = gifts.offer(member_id=lin.pk, coupon_id=mine)
    second = gifts.offer(member_id=lin.pk, coupon_id=mine)
    assert code_of(lambda: gifts.take(member_id=mei.pk, token=first)) == "coupon_not_found"
    ended = Gift.objects.order_by("pk").values_list("settled_at", flat=True)[0]
    gifts.revoke(member_id=lin.pk, coupon_id=mine)
    assert (
        Gift.objects.order_by("pk").values_list("settled_at", flat=True)[0] == ended
    )  # the first one ended when it was replaced
    gifts.revoke(member_id=lin.pk, coupon_id=mine)

    for token in (second, "x", ""):
        assert code_of(lambda token=token: gifts.take(member_id=mei.pk, token=token)) == "coupon_not_found"
    assert code_of(lambda: gifts.look(token="x")) == "coupon_not_found"
    assert code_of(lambda: gifts.offer(member_id=mei.pk, coupon_id=mine)) == "coupon_not_found"
    assert code_of(lambda: gifts.revoke(member_id=mei.pk, coupon_id=mine)) == "coupon_not_found"
    assert Coupon.objects.get().state == "ready"


def test_what_ended_was_used_recalled_or_stopped_meanwhile_is_not_taken(of):
    lin, mei = member(1), member(2)
    mine = owned(of, lin)
    link = gifts.offer(member_id=lin.pk, coupon_id=mine)

    def taken(**more: object) -> str:
        return code_of(lambda: gifts.take(member_id=mei.pk, token=link, **more))  # type: ignore[arg-type]

    end = Coupon.objects.get(pk=mine).ends_at
    assert end is not None
    assert taken(moment=end) == "coupon_expired"
    assert gifts.look(token=link, moment=end - timedelta(seconds=1)).state == "open"
    later = clock.now() + timedelta(days=40)
    assert taken(moment=later) == "coupon_expired"
    assert gifts.look(token=link, moment=later).state == "revoked"
    for state, reason in (("used", "coupon_already_redeemed"), ("reserved", "coupon_reserved")):
        Coupon.objects.filter(pk=mine).update(state=state)
        assert taken() == reason
    Coupon.objects.filter(pk=mine).update(state="ready")
    templates.stop(template_id=of.pk)
    assert taken() == "coupon_frozen"
    templates.resume(template_id=of.pk)
    keeping.recall(coupon_id=mine)
    assert taken() == "coupon_not_found"
    plain = making.template("plain")
    theirs = owned(plain, mei)
    assert code_of(lambda: gifts.offer(member_id=mei.pk, coupon_id=theirs)) == "coupon_not_giftable"


@pytest.mark.django_db(transaction=True)
def test_many_friends_a_withdrawal_a_recall_and_a_new_link_at_once_leave_one_owner():
    of, lin = making.template(is_giftable=True, per_member=4), member(0)
    friends = [member(number) for number in range(1, 7)]
    for turn in range(4):
        mine = issuing.issue(member_id=lin.pk, template_id=of.pk, source=f"t:{turn}", channel="staff").coupon_id
        link = gifts.offer(member_id=lin.pk, coupon_id=mine)
        takes = [lambda who=who, link=link: gifts.take(member_id=who.pk, token=link) for who in friends]
        others = [
            lambda mine=mine: gifts.revoke(member_id=lin.pk, coupon_id=mine),
            lambda mine=mine: gifts.offer(member_id=lin.pk, coupon_id=mine),
            lambda mine=mine: keeping.recall(coupon_id=mine),
        ]

        told = at_once([*takes, *(others[turn - 1 : turn] if turn else [])], threads=7)

        children = Coupon.objects.filter(parent=mine).count()
        assert children == Gift.objects.filter(coupon=mine, state="claimed").count()
        assert children <= 1
        assert (Coupon.objects.get(pk=mine).state == "given") == (children == 1)
        if not turn:
            assert (told.count("done"), told.count("coupon_given"), children) == (1, 5, 1)
