"""One credit per new friend, held until the first order was kept, taken back when it comes back; nothing for rings and oneself."""

import itertools
from collections.abc import Callable

import pytest
from django.db import IntegrityError, transaction

from apps.core import clock
from apps.coupons.models import Coupon
from apps.events.models import Event
from apps.flows import member_merged
from apps.members import departures
from apps.members.models import CodeRequest, Identity, KnownDevice, Member
from apps.orders import services as orders
from apps.points import selectors as points
from apps.referral import services, upkeep
from apps.referral.errors import InvitationUnknown, InvitedAlready, NotNew, OwnInvitation, ReferralOff
from apps.referral.models import Credit, Invite, Program
from tests.coupons import making as coupons
from tests.referral.making import DAY, NOON, buys, credit, friend_of, member, program, stage

pytestmark = pytest.mark.django_db
Run = Callable[..., None]


def balance(who: Member) -> int:
    return points.totals(member_id=who.pk).balance


def settle(run_flows: Run, *, at=NOON + 8 * DAY) -> int:
    with clock.frozen(at):
        looked = services.settle_due(moment=at)
        run_flows()
    return looked


def kept_friend(advocate: Member, run_flows: Run, name: str = "沈悦") -> Member:
    friend = friend_of(advocate, name)
    with clock.frozen(NOON):
        run_flows()
        buys(friend)
        run_flows()
    settle(run_flows)
    return friend


def test_both_get_what_was_promised_once_the_first_order_was_kept_and_once_only(run_flows: Run) -> None:
    coupons.template("thanks", per_member=1)
    program(coupon="thanks")
    advocate = member()
    friend = friend_of(advocate)
    with clock.frozen(NOON):
        run_flows()
        assert stage(friend) == ("registered", "")
        program(points=999)  # what is changed later changes no promise
        buys(friend)
        run_flows()
    assert (credit(friend).stage, credit(friend).due_at) == ("waiting", NOON + 7 * DAY)
    assert settle(run_flows, at=NOON + 7 * DAY - DAY / 24) == 0
    assert (balance(advocate), balance(friend)) == (0, 0)

    assert settle(run_flows) == 1
    assert settle(run_flows) == 0
    assert (stage(friend), balance(advocate), balance(friend)) == (("kept", ""), 200, 50)
    assert list(Coupon.objects.values_list("member_id", "state")) == [(advocate.pk, "ready")]
    second = kept_friend(advocate, run_flows, "许晴")  # the limit per member of a coupon is no limit here
    assert (stage(second)[0], balance(advocate), Coupon.objects.count()) == ("kept", 1199, 2)


def test_a_refund_in_the_days_of_waiting_gives_nothing_and_one_after_them_takes_it_back(run_flows: Run) -> None:
    coupons.template("thanks")
    program(coupon="thanks", least_cents=5_000)
    advocate = member()
    friend = friend_of(advocate)
    with clock.frozen(NOON):
        run_flows()
        buys(friend, cents=4_999)
        run_flows()
        assert stage(friend) == ("registered", ""), "too little to be a purchase"
    with clock.frozen(NOON + DAY):
        first = buys(friend, at=NOON + DAY)
        run_flows()
    assert credit(friend).order_id == first.pk
    with clock.frozen(NOON + 2 * DAY):
        orders.refund(order_id=first.pk, source="r", amount_cents=4_901)  # 49.99 are kept
        run_flows()
        assert (stage(friend), credit(friend).order_id) == (("registered", ""), None)
        again = buys(friend, at=NOON + 2 * DAY)
        run_flows()
    settle(run_flows)
    assert balance(advocate) == 0, "the days run from the order that is kept"
    settle(run_flows, at=NOON + 9 * DAY)
    assert (stage(friend)[0], balance(advocate), balance(friend)) == ("kept", 200, 50)

    with clock.frozen(NOON + 20 * DAY):
        orders.refund(order_id=again.pk, source="r")
        run_flows()
    assert stage(friend) == ("undone", "refunded")
    assert (balance(advocate), balance(friend), Coupon.objects.get().state) == (0, 0, "recalled")


def test_one_friend_is_one_credit_whoever_else_claims_them(run_flows: Run) -> None:
    program()
    advocate, other = member(), member("阿青")
    friend = friend_of(advocate)
    with clock.frozen(NOON):
        run_flows()
        theirs = services.invite(member_id=other.pk).code.slug
        with pytest.raises(InvitedAlready):
            services.accept(member_id=friend.pk, slug=theirs)
        row = credit(friend)
        row.pk = None
        with pytest.raises(IntegrityError), transaction.atomic():
            row.save(force_insert=True)
        Event.objects.update(finished_at=None)  # every fact once more
        run_flows()
    assert list(Credit.objects.values_list("advocate_id", "friend_id")) == [(advocate.pk, friend.pk)]
    assert services.invite(member_id=advocate.pk).pk == services.invite(member_id=advocate.pk).pk


def test_an_invitation_is_named_by_newcomers_only_and_never_ones_own() -> None:
    advocate, newcomer = member(), member("沈悦", at=NOON)
    with clock.frozen(NOON + DAY / 2):
        slug = services.invite(member_id=advocate.pk).code.slug
        with pytest.raises(ReferralOff):
            services.accept(member_id=newcomer.pk, slug=slug)
        program()
        for member_id, code, refusal in (
            (newcomer.pk, "nobody1", InvitationUnknown), (advocate.pk, slug, OwnInvitation), (member("老客").pk, slug, NotNew),
        ):  # fmt: skip
            with pytest.raises(refusal):
                services.accept(member_id=member_id, slug=code)
        assert not Credit.objects.exists()
        made = services.accept(member_id=newcomer.pk, slug=slug)
        assert (services.accept(member_id=newcomer.pk, slug=slug).pk, made.advocate_id) == (made.pk, advocate.pk)
        buyer = member("买过", at=NOON)
        buys(buyer)
        with pytest.raises(NotNew):
            services.accept(member_id=buyer.pk, slug=slug)


def test_two_phones_on_one_device_are_one_person_who_gets_nothing(run_flows: Run) -> None:
    program()
    advocate = member(phone="17000000001")
    friend = friend_of(advocate, phone="17000000002")
    stranger = friend_of(advocate, "真朋友", phone="17000000003")
    digests = [bytes(Identity.objects.get(member=who, kind="phone").digest) for who in (advocate, friend, stranger)]
    devices = (b"d" * 32, b"d" * 32, b"e" * 32)
    for digest, device in zip(digests, devices, strict=True):
        KnownDevice.objects.create(phone_digest=digest, device_digest=device, at=NOON)
    later = friend_of(advocate, "后来知道", phone="17000000004")
    with clock.frozen(NOON):
        run_flows()
        buys(friend), buys(stranger), buys(later)
        run_flows()
    assert stage(later) == ("waiting", "")
    digest = bytes(Identity.objects.get(member=later, kind="phone").digest)
    KnownDevice.objects.create(phone_digest=digest, device_digest=b"d" * 32, at=NOON)
    settle(run_flows)
    assert (stage(friend), stage(later), stage(stranger)) == (("void", "self"), ("void", "self"), ("kept", ""))
    assert (balance(advocate), balance(friend), balance(stranger)) == (200, 0, 50)


def proved(friend: Member, network: bytes) -> None:
    """The friend's phone proved itself by a code that was asked for from there."""
    CodeRequest.objects.create(
        key=f"otp_{friend.pk}", purpose="login", state="sent", phone_digest=Identity.objects.get(member=friend, kind="phone").digest,
        network_digest=network * 32, is_newcomer=True, is_at_home=False, code_digest=b"c" * 32, created_at=NOON, expires_at=NOON,
        used_at=NOON,
    )  # fmt: skip


def test_of_many_phones_on_one_network_a_household_counts(run_flows: Run) -> None:
    program(most_per_network=2)
    advocate, other = member(), member("别人")
    came = [friend_of(advocate, f"第{place}", phone=f"1700000001{place}") for place in range(5)]
    theirs = friend_of(other, phone="17000000019")
    for friend, network in zip([*came, theirs], (b"a", b"a", b"b", b"a", b"a", b"a"), strict=True):
        proved(friend, network)
    unproved = friend_of(advocate, "小程序来", phone="17000000018")
    with clock.frozen(NOON):
        run_flows()
    assert [stage(friend) for friend in came] == [("registered", "")] * 3 + [("void", "network")] * 2
    assert (stage(theirs), stage(unproved)) == (("registered", ""), ("registered", ""))

    later = friend_of(advocate, "下月来", phone="17000000017", at=NOON + 30 * DAY)
    proved(later, b"a")
    with clock.frozen(NOON + 30 * DAY):
        run_flows()
        upkeep.sweep()
    assert stage(later) == ("registered", "")
    assert list(Credit.objects.filter(network__isnull=False)) == [credit(later)], "thirty days are enough"


def quietly() -> None:
    """What registrations and orders set off elsewhere is not looked at here."""
    Event.objects.filter(finished_at=None).update(finished_at=NOON)


@pytest.mark.parametrize("size", [2, pytest.param(20, marks=pytest.mark.nightly)])
def test_a_ring_is_paid_nothing_and_gives_back_what_it_got(run_flows: Run, size: int) -> None:
    """People who came by each other's codes one after the other; the last one's friend is the first one's second account."""
    program()
    people = [member("第1")]
    for place in range(2, size + 2):
        people.append(friend_of(people[-1], f"第{place}", at=NOON + place * DAY / 100))
    with clock.frozen(NOON + DAY / 2):
        for one in people[1:]:
            services.came(member_id=one.pk)
            buys(one, at=NOON + DAY / 2)
            services.bought(member_id=one.pk)
    quietly()
    settle(run_flows)
    assert sum(balance(one) for one in people) == 250 * size, "before anybody knows"
    *people, second = people
    with clock.frozen(NOON + 9 * DAY):
        member_merged.merge(survivor_id=people[0].pk, loser_id=second.pk, choices={}, source="t", reason="one person")
        run_flows()
    assert set(Credit.objects.values_list("stage", "why")) == {("undone", "ring")}
    assert [balance(one) for one in people] == [0] * size


def kept_round(size: int) -> list[Member]:
    """So many people, each brought by the one before, the first by the last one's friend, who is the first once more; all paid."""
    rows = [Member(member_no=f"R{number:03d}", joined_at=NOON) for number in range(size + 1)]
    people = Member.objects.bulk_create(rows)
    paid = buys(people[0])
    terms = {"stage": "kept", "registered_at": NOON, "kept_at": NOON, "due_at": NOON, "order": paid}
    terms |= {"least_cents": 1, "keep_days": 7, "leave_days": 30}
    Credit.objects.bulk_create(
        Credit(friend=friend, advocate=advocate, **terms) for advocate, friend in itertools.pairwise(people)
    )
    Member.objects.filter(pk=people[-1].pk).update(status="merged", merged_into=people[0])
    return people


@pytest.mark.parametrize(("size", "left"), [(3, 0), (20, 0), (21, 21)])
def test_rings_are_followed_for_twenty_people(size: int, left: int) -> None:
    people = kept_round(size)
    services.look_again(member_id=people[0].pk)
    assert Credit.objects.filter(stage="kept").count() == left
    assert Event.objects.filter(name="referral.undone").count() == size - left


def test_a_ring_that_is_known_when_it_closes_is_never_paid(run_flows: Run) -> None:
    """The second account proved its phone on the first one's device: three people, three devices but one."""
    program()
    first = member("第1", phone="17000000001")
    two = friend_of(first, "第2")
    three = friend_of(two, "第3", at=NOON + DAY / 100)
    second = friend_of(three, "小号", at=NOON + DAY / 50, phone="17000000009")
    for who in (first, second):
        digest = bytes(Identity.objects.get(member=who, kind="phone").digest)
        KnownDevice.objects.create(phone_digest=digest, device_digest=b"d" * 32, at=NOON)
    with clock.frozen(NOON + DAY / 10):
        run_flows()
        for one in (two, three, second):
            buys(one, at=NOON + DAY / 10)
        run_flows()
    settle(run_flows)
    assert set(Credit.objects.values_list("stage", "why")) == {("void", "ring")}
    assert [balance(one) for one in (first, two, three, second)] == [0, 0, 0, 0]


def test_who_was_here_before_who_leaves_soon_and_who_is_one_too_many_does_not_count(run_flows: Run) -> None:
    program(most_per_month=1, leave_days=30)
    advocate = member()
    phone = "17000000005"
    gone = member("旧人", phone=phone)
    departures.remember(member_id=gone.pk, was_blocked=False)
    Identity.objects.filter(member=gone).delete()
    back = friend_of(advocate, "回头", phone=phone)
    first, second = friend_of(advocate, "一"), friend_of(advocate, "二")
    with clock.frozen(NOON):
        run_flows()
        assert stage(back) == ("void", "known")
        buys(first)
    with clock.frozen(NOON + DAY / 24):
        buys(second, at=NOON + DAY / 24)
        run_flows()
    settle(run_flows)
    assert (stage(first), stage(second)) == (("kept", ""), ("void", "cap"))
    with clock.frozen(NOON + 29 * DAY):
        services.left(member_ids=[first.pk])
        run_flows()
    assert (stage(first), balance(advocate)) == (("undone", "left"), 0)


def test_a_friend_who_leaves_after_the_days_of_leaving_still_counted(run_flows: Run) -> None:
    program(leave_days=10)
    advocate = member()
    friend = kept_friend(advocate, run_flows)
    with clock.frozen(NOON + 10 * DAY):
        services.left(member_ids=[friend.pk])
        run_flows()
    assert (stage(friend), balance(advocate)) == (("kept", ""), 200)


def test_there_is_one_program_and_nobody_is_credited_while_it_is_off(run_flows: Run) -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        Program.objects.create(is_only=False)
    program(is_on=False)
    with pytest.raises(IntegrityError), transaction.atomic():
        Program.objects.create()
    friend = friend_of(member())
    with clock.frozen(NOON):
        run_flows()
    assert (Credit.objects.filter(friend=friend).exists(), Invite.objects.count()) == (False, 1)
