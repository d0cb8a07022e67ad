from datetime import timedelta

import pytest

from apps.core import brand, clock
from apps.coupons import redeeming, templates
from apps.coupons.basket import Basket, Line, Shopper
from apps.coupons.errors import ActReused, CouponRefused, NotRedeemed, ReservationOver
from apps.coupons.models import Coupon, Entry, Use
from apps.coupons.redeeming import Act, Place
from apps.events.models import Event
from apps.members.models import Member
from apps.stores.models import Store
from tests.coupons import making

pytestmark = pytest.mark.django_db
MINUTE = timedelta(minutes=1)


@pytest.fixture
def member() -> Member:
    return Member.objects.create(member_no="C1")


@pytest.fixture
def store() -> Store:
    return Store.objects.create(code="s1", name="一店")


def act(
    member: Member, *coupons: Coupon, source: str = "till:1", cents: int = 10_000, store: Store | None = None
) -> Act:
    bought = Basket((Line(1, cents, sku="A"),), at=clock.now(), store=store.code if store else "", channel="store")
    place = Place(store_id=store.pk if store else None, reference="R-1")
    return Act([one.pk for one in coupons], Shopper(member.pk), bought, source, place)


def refused(wanted: Act) -> CouponRefused:
    """And nothing was written."""
    before = (
        Use.objects.count(),
        Entry.objects.count(),
        Event.objects.count(),
        dict(Coupon.objects.values_list("pk", "state")),
    )
    with pytest.raises(CouponRefused) as caught:
        redeeming.redeem(wanted)
    after = (
        Use.objects.count(),
        Entry.objects.count(),
        Event.objects.count(),
        dict(Coupon.objects.values_list("pk", "state")),
    )
    assert after == before
    return caught.value


def history(coupon: Coupon) -> list[str]:
    return list(Entry.objects.filter(coupon=coupon).order_by("pk").values_list("kind", flat=True))


def test_a_coupon_is_redeemed_once_and_the_same_source_answers_the_first_receipt(
    member, store, django_assert_num_queries
):
    coupon = making.coupon(making.template(said=making.terms(store_share=25)), member)
    first = redeeming.redeem(act(member, coupon, store=store))
    assert (first.is_new, first.state, first.saved_cents, first.lines()) == (True, "done", 3_000, {1: 3_000})

    again = redeeming.redeem(act(member, coupon, store=store))
    assert (again.is_new, again.id, again.at) == (False, first.id, first.at)
    use = Use.objects.get()
    assert (use.saved_cents, use.store_cents, use.basket_cents, use.shares) == (3_000, 750, 10_000, {"1": 3_000})
    coupon.refresh_from_db()
    assert (coupon.state, history(coupon)) == ("used", ["used"])
    assert list(Event.objects.values_list("name", "lane")) == [("coupon.redeemed", f"member:{member.pk}")]

    other = refused(act(member, coupon, source="till:2"))
    assert other.code == "coupon_already_redeemed"
    assert (other.facts["where"], other.facts["store"], other.facts["coupon_id"]) == ("一店", "s1", coupon.pk)
    assert other.facts["at"] == redeeming.shown(use.done_at)
    with django_assert_num_queries(1), pytest.raises(CouponRefused, match="一店"):
        redeeming.redeem(act(member, coupon, source="till:3"))
    stranger = Member.objects.create(member_no="R-9")
    assert refused(act(stranger, coupon, source="till:4")).code == "coupon_wrong_member"


def test_a_source_stands_for_its_coupons_and_its_kind(member):
    of = making.template()
    one, two = making.coupon(of, member), making.coupon(of, member)
    redeeming.redeem(act(member, one))
    for wrong in (act(member, two), act(member, one, two)):
        with pytest.raises(ActReused):
            redeeming.redeem(wrong)
    with pytest.raises(ActReused):
        redeeming.reserve(act(member, one))
    assert Use.objects.count() == 1


def test_several_coupons_of_one_basket_are_used_all_or_none(member):
    item = making.coupon(making.template("item", making.terms({"kind": "percent", "off": 50}, level="item")), member)
    order = making.coupon(making.template("order"), member)
    gift = making.coupon(
        making.template("gift", making.terms({"kind": "exchange", "what": "杯", "worth_cents": 900}, level="gift")),
        member,
    )
    stopped = making.template("stopped", making.terms({"kind": "shipping"}, level="shipping"))
    templates.stop(template_id=stopped.pk)

    assert refused(act(member, item, order, making.coupon(stopped, member))).code == "coupon_frozen"
    done = redeeming.redeem(act(member, item, order, gift))
    assert [(used.level, used.cents, used.worth_cents) for used in done.used] == [
        ("item", 5_000, 0), ("order", 3_000, 0), ("gift", 0, 900),
    ]  # fmt: skip
    assert (done.saved_cents, done.lines()) == (8_000, {1: 8_000})
    assert set(Coupon.objects.filter(template__key__in=["item", "order", "gift"]).values_list("state", flat=True)) == {
        "used"
    }


def test_what_does_not_count_is_refused_and_not_used_up(member):
    of = making.template()
    mine, second = making.coupon(of, member), making.coupon(of, member)
    free = making.coupon(making.template("free", making.terms({"kind": "free_item"}, level="item")), member)
    theirs = making.coupon(of, Member.objects.create(member_no="C2"))
    old = making.coupon(of, member, at=clock.now() - timedelta(days=40))

    assert refused(act(member, theirs)).code == "coupon_wrong_member"
    assert refused(act(member, old)).code == "coupon_expired"
    assert refused(act(member, mine, second)).code == "coupon_not_stackable"
    assert refused(act(member, free, mine)).code == "coupon_no_effect"  # nothing is left of the only line
    unknown = act(member, mine)
    assert refused(Act([0], unknown.shopper, unknown.basket, "x")).code == "coupon_not_found"


def test_a_reservation_keeps_the_coupon_until_it_is_confirmed_cancelled_or_over(member):
    coupon = making.coupon(making.template(), member)
    held = redeeming.reserve(act(member, coupon, source="web:1"), ttl=timedelta(hours=3))
    assert held.reserved_until == held.at + 15 * MINUTE
    assert refused(act(member, coupon)).code == "coupon_reserved"

    templates.stop(template_id=coupon.template_id)
    done = redeeming.confirm(source="web:1", reference="W-7", moment=held.at + 14 * MINUTE)
    assert (done.state, done.reference, done.saved_cents) == ("done", "W-7", 3_000)
    assert redeeming.confirm(source="web:1").is_new is False
    with pytest.raises(NotRedeemed):
        redeeming.cancel(source="web:1")
    templates.resume(template_id=coupon.template_id)

    other = making.coupon(coupon.template, member)
    redeeming.reserve(act(member, other, source="web:2"))
    assert redeeming.cancel(source="web:2").state == "cancelled"
    assert redeeming.cancel(source="web:2").is_new is False
    with pytest.raises(ReservationOver):
        redeeming.confirm(source="web:2")
    assert history(other) == ["reserved", "released"]


def test_an_overdue_reservation_is_let_go_by_whoever_wants_the_coupon_and_by_the_sweep(member):
    of = making.template()
    one, two = making.coupon(of, member), making.coupon(of, member)
    begun = redeeming.reserve(act(member, one, source="web:1"), ttl=MINUTE)
    redeeming.reserve(act(member, two, source="web:2"), ttl=MINUTE)
    over = begun.at + 2 * MINUTE
    with pytest.raises(ReservationOver):
        redeeming.confirm(source="web:1", moment=over)

    assert redeeming.redeem(act(member, one, source="till:9"), moment=over).is_new
    assert redeeming.release_overdue(moment=begun.at) == 0
    assert redeeming.release_overdue(moment=over) == 1
    assert redeeming.release_overdue(moment=over) == 0
    two.refresh_from_db()
    assert (two.state, history(two), history(one)) == (
        "ready",
        ["reserved", "released"],
        ["reserved", "released", "used"],
    )


def test_what_is_taken_back_can_be_used_again(member):
    coupon = making.coupon(making.template(), member)
    redeeming.redeem(act(member, coupon))
    back = redeeming.take_back(source="till:1", note="wrong item")
    assert (back.state, redeeming.take_back(source="till:1").is_new) == ("taken_back", False)
    assert redeeming.redeem(act(member, coupon)).state == "taken_back"  # the act was done, and undone: not again
    assert redeeming.redeem(act(member, coupon, source="till:2")).state == "done"
    assert history(coupon) == ["used", "returned", "used"]
    assert Event.objects.filter(name="coupon.returned").count() == 1


@pytest.mark.parametrize(
    ("days", "state", "kinds"),
    [(0, "expired", ["used", "returned", "expired"]), (3, "ready", ["used", "returned", "extended"])],
)
def test_a_coupon_whose_days_are_over_comes_back_as_the_brand_wants(member, days, state, kinds):
    brand.write("coupons.return_days", days)
    coupon = making.coupon(making.template(), member)
    redeeming.redeem(act(member, coupon))
    later = coupon.ends_at + timedelta(hours=30)
    redeeming.take_back(source="till:1", moment=later)
    coupon.refresh_from_db()
    assert (coupon.state, history(coupon)) == (state, kinds)
    if days:
        assert coupon.ends_at == clock.day_end(clock.local_date(later) + timedelta(days=2))
