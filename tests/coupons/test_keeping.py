"""Recall and its undoing, a later end, running out, warnings, the wallet."""

from datetime import datetime, timedelta

import pytest

from apps.core import brand, jobs
from apps.core.models import AuditEntry, Job, User
from apps.coupons import gifts, issuing, keeping, templates, wallet, warnings
from apps.coupons.errors import CouponRefused
from apps.coupons.models import Batch, Coupon, Entry, Gift, Template
from apps.events.models import Event
from apps.members.models import Member
from tests.coupons import making

NOW = datetime.fromisoformat("2026-11-29T10:00+08:00")
pytestmark = pytest.mark.django_db


@pytest.fixture
def of() -> Template:
    return making.template(is_giftable=True)


@pytest.fixture
def lin() -> Member:
    return Member.objects.create(member_no="K-1")


@pytest.fixture
def boss() -> User:
    return User.objects.create_user("boss")


def days(starts: int, ends: int, **more: object) -> dict[str, object]:
    return {"starts_at": NOW + timedelta(days=starts), "ends_at": NOW + timedelta(days=ends)} | more


def history(row: Coupon) -> list[tuple[str, str]]:
    return [(one.kind, one.note) for one in wallet.history(coupon_id=row.pk)]


def code(refused: pytest.ExceptionInfo[CouponRefused]) -> str:
    assert str(refused.value)
    return refused.value.code


def test_a_recall_leaves_a_line_ends_the_offer_and_can_be_undone(of, lin, boss, clock):
    clock(NOW)
    row = making.coupon(of, lin, **days(-1, 5))
    link = gifts.offer(member_id=lin.pk, coupon_id=row.pk)

    for _ in range(2):
        assert keeping.recall(coupon_id=row.pk, by=boss, note="wrong price").state == "recalled"

    assert history(row) == [("recalled", "wrong price")]
    assert Entry.objects.get().by == boss
    assert gifts.look(token=link).state == Gift.objects.get().state == "revoked"
    assert keeping.restore(coupon_id=row.pk, by=boss, note="it was right").state == "ready"
    assert history(row) == [("recalled", "wrong price"), ("restored", "it was right")]
    free = making.coupon(of, None, state="unclaimed", code="A-1", starts_at=None, ends_at=None)
    keeping.recall(coupon_id=free.pk)
    assert keeping.restore(coupon_id=free.pk).state == "unclaimed"
    acts = AuditEntry.objects.filter(object_type="coupon").order_by("pk").values_list("action", flat=True)
    assert list(acts) == ["coupon.recalled", "coupon.restored"] * 2


@pytest.mark.parametrize(
    ("state", "reason"),
    [
        ("used", "coupon_already_redeemed"),
        ("reserved", "coupon_reserved"),
        ("given", "coupon_given"),
        ("expired", "coupon_expired"),
    ],
)
def test_what_is_used_or_over_is_not_recalled(of, lin, state, reason):
    row = making.coupon(of, lin, state=state)

    with pytest.raises(CouponRefused) as refused:
        keeping.recall(coupon_id=row.pk)

    assert code(refused) == reason
    row.refresh_from_db()
    assert row.state == state
    assert history(row) == []
    with pytest.raises(CouponRefused):
        keeping.restore(coupon_id=row.pk)


def test_a_later_end_brings_a_run_out_coupon_back_and_an_earlier_one_is_refused(of, lin, boss, clock):
    clock(NOW)
    row = making.coupon(of, lin, state="expired", told_at=NOW, **days(-9, -1))
    for end in (NOW - timedelta(days=2), NOW):
        with pytest.raises(CouponRefused) as refused:
            keeping.extend(coupon_id=row.pk, ends_at=end)
        assert code(refused) == "coupon_expired"

    keeping.extend(coupon_id=row.pk, ends_at=NOW + timedelta(days=3), by=boss, note="storm")

    row.refresh_from_db()
    assert (row.state, row.ends_at, row.told_at) == ("ready", NOW + timedelta(days=3), None)
    assert history(row) == [("extended", "storm")]


def test_all_unused_of_a_batch_or_template_are_recalled_by_a_job(of, lin, boss, monkeypatch):
    monkeypatch.setattr(keeping, "CHUNK", 2)
    batch = Batch.objects.create(template=of, version=of.version, name="flyers", pattern="T-####", wanted=5, made=5)
    for number in range(5):
        making.coupon(of, None, state="unclaimed", code=f"T-{number}", batch=batch)
    mine, used = making.coupon(of, lin), making.coupon(of, lin, state="used")
    other = making.coupon(making.template("other"), lin)

    first = keeping.start_recall(template_id=of.pk, batch_id=batch.pk, user=boss, note="misprint")
    jobs.run(job_id=first.pk)
    assert Job.objects.get(pk=first.pk).result == {"recalled": 5}
    assert set(Coupon.objects.filter(batch=batch).values_list("state", flat=True)) == {"recalled"}
    assert set(Entry.objects.values_list("kind", "note", "by")) == {("recalled", "misprint", boss.pk)}

    second = keeping.start_recall(template_id=of.pk, user=boss)
    jobs.run(job_id=second.pk)
    assert Job.objects.get(pk=second.pk).result == {"recalled": 1}
    states = [Coupon.objects.get(pk=row.pk).state for row in (mine, used, other)]
    assert states == ["recalled", "used", "ready"]


def test_a_coupon_past_its_end_is_over_before_and_after_the_sweep_writes_it_down(of, lin, clock):
    clock(NOW)
    over = making.coupon(of, lin, **days(-9, 0))
    code_over = making.coupon(of, None, state="unclaimed", code="A", **days(-9, -1))
    lasts, held = making.coupon(of, lin, **days(-9, 1)), making.coupon(of, lin, state="reserved", **days(-9, -1))
    before = wallet.page(member_id=lin.pk, kind="over")[0]

    assert keeping.expire_all() == 2
    assert keeping.expire_all() == 0

    assert wallet.page(member_id=lin.pk, kind="over")[0] == before == [over, held]
    assert wallet.usable(member_id=lin.pk) == [lasts]
    assert [Coupon.objects.get(pk=row.pk).state for row in (over, code_over, held)] == [
        "expired",
        "expired",
        "reserved",
    ]
    assert Entry.objects.get(coupon=over).at == over.ends_at
    assert Event.objects.get(name="coupons.expired").payload == {"at": NOW.isoformat(), "count": 2}


def test_members_are_told_once_of_what_ends_within_the_brands_days(of, lin, clock):
    clock(NOW)
    brand.write("coupons.warn_days", 2)
    soon = making.coupon(of, lin, **days(-9, 1))
    making.coupon(of, lin, **days(-9, 1))
    making.coupon(of, lin, **days(-9, 3))
    making.coupon(of, lin, state="used", **days(-9, 1))

    assert warnings.publish_expiring() == 1
    assert warnings.publish_expiring() == 0

    fact = Event.objects.get(name="coupon.expiring")
    assert fact.lane == f"member:{lin.pk}"
    assert fact.payload == {"member_id": lin.pk, "last_day": "2026-11-30", "coupons": 2, "coupon_id": soon.pk}
    clock(NOW + timedelta(days=1))
    assert warnings.publish_expiring() == 1
    with pytest.raises(ValueError, match="0 to 60"):
        brand.write("coupons.warn_days", 61)


def test_a_low_stock_is_told_once_per_threshold_and_a_pool_by_its_free_codes(lin):
    few, enough = making.template("few", most=3), making.template("enough", most=9)
    pool = making.template("pool", is_pool=True)
    for row in (few, enough, pool):
        templates.set_stock(template_id=row.pk, most=row.stock.most, low_at=2)
    assert warnings.publish_low() == 0
    batch = Batch.objects.create(template=pool, version=pool.version, name="partner", wanted=2, made=2)
    for number in range(2):
        making.coupon(pool, None, state="unclaimed", code=f"P{number}", batch=batch)
    issuing.issue(member_id=lin.pk, template_id=few.pk, source="a", channel="staff")

    assert (warnings.publish_low(), warnings.publish_low()) == (2, 0)

    told = Event.objects.filter(name="coupon.low_stock").order_by("lane").values_list("payload", flat=True)
    assert sorted(one["template_id"] for one in told) == [few.pk, pool.pk]
    assert {one["left"] for one in told} == {2}
    templates.set_stock(template_id=few.pk, most=2, low_at=1)
    assert warnings.publish_low() == 1


def test_the_wallet_pages_without_gap_or_repeat_in_three_lists(of, lin, clock, django_assert_num_queries):
    clock(NOW)
    usable = [making.coupon(of, lin, **days(-1, ends)) for ends in (3, 1, 2, 2, 5)]
    used = [making.coupon(of, lin, state="used", **days(-9, n)) for n in range(3)]
    given = making.coupon(of, lin, state="given", **days(-9, 9))
    over = [making.coupon(of, lin, state=state, **days(-9, -1)) for state in ("ready", "expired", "recalled")]
    making.coupon(of, Member.objects.create(member_no="K-2"))

    def walk(kind: wallet.Kind) -> list[Coupon]:
        found, key = wallet.page(member_id=lin.pk, kind=kind, limit=2)
        while key:
            more, key = wallet.page(member_id=lin.pk, kind=kind, limit=2, after=key)
            found += more
        return found

    assert walk("usable") == [usable[n] for n in (1, 2, 3, 0, 4)]
    assert walk("used") == [given, *reversed(used)]
    assert walk("over") == list(reversed(over))
    assert [wallet.count(member_id=lin.pk, kind=kind) for kind in ("usable", "used", "over")] == [5, 4, 3]
    with django_assert_num_queries(1):
        assert wallet.page(member_id=lin.pk, kind="usable")[0][0].version.terms["level"] == "order"
