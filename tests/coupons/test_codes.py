"""Codes: built by a pattern, taken over from a partner, entered by members, guessed in vain."""

import csv
from collections.abc import Callable
from pathlib import Path

import pytest

from apps.core import jobs, letters, ratelimits
from apps.core.errors import ValidationFailed
from apps.core.models import Job, User
from apps.coupons import batches, codes, guessing, issuing, keeping
from apps.coupons.basket import Shopper
from apps.coupons.errors import CouponRefused
from apps.coupons.models import Batch, Coupon, Stock, Template
from apps.members.models import Member
from tests.coupons import making
from tests.coupons.test_issuing import at_once, member

PATTERN = "TEA-####-####-###"


@pytest.fixture
def of(db: None) -> Template:
    return making.template(most=2_000, per_member=2)


@pytest.fixture
def boss(db: None) -> User:
    return User.objects.create_user("boss")


def ran(row: Batch) -> Job:
    assert row.job is not None
    jobs.run(job_id=row.job.pk)
    row.refresh_from_db()
    return Job.objects.get(pk=row.job_id)


def made(of: Template, count: int = 3) -> list[str]:
    row = batches.make(template_id=of.pk, name="flyer", pattern=PATTERN, count=count)
    assert ran(row).result == {"made": count}
    return list(Coupon.objects.filter(batch=row).order_by("pk").values_list("code", flat=True))


def refused(work: Callable[[], object]) -> str:
    with pytest.raises((CouponRefused, ValidationFailed)) as caught:
        work()
    errors: object = caught.value.facts.get("errors")
    return errors[0]["code"] if isinstance(errors, list) else caught.value.code


def test_codes_follow_their_pattern_without_letters_that_are_misread_and_take_of_the_stock(of, boss, monkeypatch):
    monkeypatch.setattr(batches, "CHUNK", 400)
    row = batches.make(template_id=of.pk, name="flyer", pattern="TEA26-####-@@@@@-%%%%", count=1_000, by=boss)

    job = ran(row)

    assert (job.state, job.done, job.total, row.made, Stock.objects.get().issued) == (
        "done",
        1_000,
        1_000,
        1_000,
        1_000,
    )
    found = list(Coupon.objects.values_list("code", "state", "member", "starts_at", "batch", "version"))
    assert {one[1:] for one in found} == {("unclaimed", None, None, row.pk, of.version_id)}
    texts = [one[0] for one in found]
    assert len(set(texts)) == 1_000
    assert {text[:5] for text in texts} == {"TEA26"}
    assert set("".join(text[5:9] for text in texts)) == set(letters.LETTERS)
    assert set("".join(text[9:14] for text in texts)) == set(letters.CAPITALS)
    assert set("".join(text[14:] for text in texts)) == set(letters.DIGITS)
    assert not set("0O1ILU") & set(letters.LETTERS)
    assert codes.shown(texts[0], row.pattern) == f"TEA26-{texts[0][5:9]}-{texts[0][9:14]}-{texts[0][14:]}"


@pytest.mark.parametrize(
    ("pattern", "code"),
    [("TEA-####-####", "guessable"), ("##########", "guessable"), ("tea-###########", "pattern"), ("", "pattern")],
)
def test_a_pattern_that_can_be_guessed_or_says_something_else_is_refused(of, pattern, code):
    assert refused(lambda: batches.make(template_id=of.pk, name="x", pattern=pattern, count=1)) == code
    assert codes.bits("###########") > 50
    assert refused(lambda: batches.make(template_id=of.pk, name="x", pattern=PATTERN, count=1_000_001)) == "range"
    assert (
        refused(lambda: batches.make(template_id=of.pk, name="x", pattern=PATTERN, count=2_001))
        == "coupon_out_of_stock"
    )
    assert Batch.objects.count() == Job.objects.count() == 0


def test_a_job_that_is_begun_again_goes_on_where_it_stood_and_adds_nothing_to_what_is_done(
    of, boss, monkeypatch, tmp_path
):
    monkeypatch.setattr(batches, "CHUNK", 10)
    row = batches.make(template_id=of.pk, name="flyer", pattern=PATTERN, count=25)
    chunks = iter([batches.fill, batches.fill])
    fill = batches.fill
    monkeypatch.setattr(batches, "fill", lambda *asked: next(chunks)(*asked))
    job = Job.objects.get(pk=row.job_id)
    with pytest.raises(StopIteration):
        batches.run_make(job)
    row.refresh_from_db()
    assert (row.made, Coupon.objects.count(), Stock.objects.get().issued) == (20, 20, 20)
    monkeypatch.setattr(batches, "fill", fill)

    for _ in range(2):
        assert batches.run_make(job) == {"made": 25}

    assert (Coupon.objects.filter(batch=row).count(), Stock.objects.get().issued) == (25, 25)
    path = tmp_path / "partner.csv"
    path.write_text("code\nMt-0001\n")
    taken = batches.take_over(template_id=making.template("pool", is_pool=True).pk, name="p", path=path, by=boss)
    job = Job.objects.get(pk=taken.job_id)
    assert batches.run_take(job)["made"] == batches.run_take(job)["made"] == 1
    assert Coupon.objects.filter(batch=taken).count() == 1


def test_a_partners_code_is_handed_out_only_and_never_entered_and_does_no_harm_in_a_sheet(boss, tmp_path: Path):
    pool = making.template("pool", is_pool=True)
    path = tmp_path / "partner.csv"
    path.write_text("code\nMT000123\n=1+cmd|A1\n")
    row = batches.take_over(template_id=pool.pk, name="p", path=path, by=boss)
    assert ran(row).result["made"] == 2
    assert refused(lambda: codes.enter(shopper=Shopper(member().pk), text="MT000123")) == "coupon_not_found"
    job = batches.write(batch_id=row.pk, is_full=True, by=boss)
    jobs.run(job_id=job.pk)
    with jobs.result_path(Job.objects.get(pk=job.pk).result_file).open(encoding="utf-8-sig") as file:
        texts = [line[0] for line in list(csv.reader(file))[1:]]
    assert (texts[0], texts[1][:1] in "=+-@") == ("MT000123", False)


def test_codes_that_exist_already_or_twice_in_a_chunk_are_drawn_again(of, monkeypatch):
    row = batches.make(template_id=of.pk, name="flyer", pattern=PATTERN, count=4)
    making.coupon(of, None, state="unclaimed", code="AAAA", starts_at=None, ends_at=None)
    drawn = iter([["AAAA", "BBBB", "BBBB", "CCCC"], ["CCCC", "DDDD"], ["EEEE"]])
    monkeypatch.setattr(codes, "generate", lambda pattern, count: iter(next(drawn)))

    assert ran(row).result == {"made": 4}

    assert sorted(Coupon.objects.filter(batch=row).values_list("code", flat=True)) == ["BBBB", "CCCC", "DDDD", "EEEE"]
    assert Stock.objects.get().issued == 4


def test_a_code_becomes_its_members_in_any_spelling_and_a_strangers_says_the_same_as_none(of):
    lin, mei = member(1), member(2)
    first, second, third = made(of)
    spelt = f" {first[:3].lower()}-{first[3:7]} {first[7:]}"

    mine = codes.enter(shopper=Shopper(lin.pk), text=spelt)

    row = Coupon.objects.get(code=first)
    assert (row.member, row.state, row.nth, row.channel, row.source) == (lin, "ready", 1, "code", f"code:{row.pk}")
    assert row.starts_at is not None
    assert codes.enter(shopper=Shopper(lin.pk), text=first) == issuing.Issued(
        row.pk, mine.starts_at, mine.ends_at, first, is_new=False
    )
    answers = []
    for text in (first, "TEA-2222-2222-222", ""):
        with pytest.raises(CouponRefused) as caught:
            codes.enter(shopper=Shopper(mei.pk), text=text)
        answers.append((caught.value.code, str(caught.value), caught.value.facts))
    assert len(set(map(str, answers))) == 1
    codes.enter(shopper=Shopper(lin.pk), text=second)
    assert refused(lambda: codes.enter(shopper=Shopper(lin.pk), text=third)) == "coupon_limit_reached"
    keeping.recall(coupon_id=Coupon.objects.get(code=third).pk)
    assert refused(lambda: codes.enter(shopper=Shopper(mei.pk), text=third)) == "coupon_recalled"
    assert Stock.objects.get().issued == 3


def test_a_code_is_judged_like_a_claim_and_follows_a_member_who_was_merged(of):
    lin, loser = member(1), member(2)
    Member.objects.filter(pk=loser.pk).update(merged_into=lin, status="merged")
    said = making.template("gold", making.terms(tiers=["gold"]))
    (mine, gold), first = made(of, 2), made(said, 1)[0]

    assert refused(lambda: codes.enter(shopper=Shopper(lin.pk, tier="silver"), text=first)) == "coupon_wrong_tier"
    assert Coupon.objects.get(code=first).state == "unclaimed"
    codes.enter(shopper=Shopper(lin.pk, tier="gold"), text=first)
    codes.enter(shopper=Shopper(loser.pk), text=mine)

    assert set(Coupon.objects.exclude(member=None).values_list("code", "member")) == {(first, lin.pk), (mine, lin.pk)}
    assert Coupon.objects.get(code=gold).state == "unclaimed"


def test_what_is_longer_than_a_code_has_not_its_shape_and_short_codes_are_masked_whole(of):
    batches.make(template_id=of.pk, name="x", pattern=PATTERN, count=1)
    assert [codes.is_shaped(f"tea-2222-2222-222{more}") for more in ("", "2")] == [True, False]
    assert [codes.masked(text) for text in ("ABCDEFG", "ABCDEFGH")] == ["****", "ABC****GH"]


def test_without_valkey_guesses_are_counted_all_the_same(of, monkeypatch, settings):
    settings.REDIS_URL = "unix:///nowhere/valkey.sock?db=0"
    monkeypatch.setitem(codes.MISSES, "member", 2)
    ratelimits.wake()
    lin = Shopper(member().pk)
    told = []
    for _ in range(3):
        with pytest.raises((CouponRefused, codes.TooManyCodes)) as caught:
            codes.enter(shopper=lin, text="TEA-2222-2222-222")
        told.append(caught.value.code)
    ratelimits.wake()
    assert told == ["coupon_not_found", "coupon_not_found", "rate_limited"]


@pytest.mark.parametrize("who", ["member", "device", "address"])
def test_ten_wrong_codes_end_the_guessing_and_right_ones_are_not_counted(of, who, monkeypatch):
    """Of one address it takes a hundred: thousands of phones may share it."""
    assert {name: codes.MISSES[name] for name in ("member", "device", "address")} == {
        "member": 10, "device": 10, "address": 100,
    }  # fmt: skip
    monkeypatch.setitem(codes.MISSES, who, 10)
    good, late = made(of, 2)
    lin = member(0)
    people = [member(number) for number in range(1, 12)]

    waits: list[int] = []

    def guess(number: int, text: str = "TEA-2222-2222-222") -> str:
        mine = {"device": "one", "address": f"2001:db8::{number + 1:x}"}  # of an IPv6 network one has them all
        other = {"device": f"other-{number}", "address": f"198.51.100.{number}"}
        facts = {name: (mine if name == who else other)[name] for name in ("device", "address")}
        shopper = Shopper(lin.pk if who == "member" else people[number].pk)
        try:
            codes.enter(shopper=shopper, text=text, **facts)
        except (CouponRefused, codes.TooManyCodes) as caught:
            waits.extend([caught.facts["retry_after"]] if caught.code == "rate_limited" else [])
            return caught.code
        return "done"

    assert [guess(0, good) for _ in range(3)] == ["done"] * 3
    assert [guess(number) for number in range(10)] == ["coupon_not_found"] * 10
    assert guess(10) == guess(10, late) == "rate_limited"
    assert all(500 < wait <= 600 for wait in waits)
    assert Coupon.objects.get(code=late).state == "unclaimed"


def test_a_partners_file_is_taken_over_and_what_is_wrong_in_it_is_listed(boss, tmp_path: Path):
    pool = making.template("pool", is_pool=True, per_member=1)
    making.coupon(pool, None, state="unclaimed", code="there-1", starts_at=None, ends_at=None)
    path = tmp_path / "partner.csv"
    path.write_text("code,price\nMt-0001,3\n Mt-0002 ,3\nab,3\nMt-0001,3\nthere-1,3\n有空格,3\n")
    row = batches.take_over(template_id=pool.pk, name="tea house", path=path, by=boss)

    job = ran(row)

    assert (job.state, row.made, row.wanted, job.bad) == ("done", 2, 2, 4)
    assert sorted(Coupon.objects.filter(batch=row).values_list("code", flat=True)) == ["Mt-0001", "Mt-0002"]
    with jobs.result_path(job.result_file).open(encoding="utf-8-sig") as file:
        listed = [(line[0], line[2], line[5]) for line in list(csv.reader(file))[1:]]
    assert listed == [
        ("4", "code_form", "ab"),
        ("5", "code_twice", "Mt-0001"),
        ("6", "code_there", "there-1"),
        ("7", "code_form", "有空格"),
    ]
    lin = member()
    assert refused(lambda: codes.enter(shopper=Shopper(lin.pk), text="MT0001")) == "coupon_not_found"
    Coupon.objects.filter(code="there-1").update(state="recalled")
    first = issuing.issue(member_id=lin.pk, template_id=pool.pk, source="a", channel="centre")
    assert first.code == "Mt-0001"
    assert issuing.issue(member_id=lin.pk, template_id=pool.pk, source="a", channel="centre").code == "Mt-0001"
    assert refused(lambda: issuing.issue(member_id=lin.pk, template_id=pool.pk, source="b", channel="staff")) == (
        "coupon_limit_reached"
    )
    issuing.issue(member_id=member(2).pk, template_id=pool.pk, source="c", channel="staff")
    last = member(3).pk
    assert refused(lambda: issuing.issue(member_id=last, template_id=pool.pk, source="d", channel="staff")) == (
        "coupon_out_of_stock"
    )


def test_the_file_of_a_batch_hides_its_codes_unless_whole_ones_are_asked_for(of, boss):
    texts = made(of, 3)
    codes.enter(shopper=Shopper(member().pk), text=texts[0])
    row = Batch.objects.get()
    for is_full in (False, True):
        job = batches.write(batch_id=row.pk, is_full=is_full, by=boss)
        jobs.run(job_id=job.pk)
        path = jobs.result_path(Job.objects.get(pk=job.pk).result_file)
        assert path.stat().st_mode & 0o777 == 0o600
        with path.open(encoding="utf-8-sig") as file:
            lines = list(csv.reader(file))[1:]
        assert [line[1] for line in lines] == ["ready", "unclaimed", "unclaimed"]
        assert [line[0] for line in lines] == [
            codes.shown(text, PATTERN) if is_full else f"{text[:3]}****{text[-2:]}" for text in texts
        ]


@pytest.mark.django_db(transaction=True)
def test_a_siege_takes_no_code_learns_nothing_and_shuts_out_nobody_else():
    """The full million: `bin/manage prove_value guesses`."""
    of = making.template(per_member=None)
    texts = made(of, 40)
    people = [row.pk for row in Member.objects.bulk_create(Member(member_no=f"S-{n}") for n in range(49))]
    thieves, honest, owner = people[:8], people[8:48], people[48]
    for code in texts[:4]:
        codes.enter(shopper=Shopper(owner), text=code)

    seen = guessing.siege(real=texts[4:], taken=texts[:4], thieves=thieves, honest=honest, count=400, seats=4)

    assert (seen.guesses, seen.looked_at, seen.limited) == (400, 80, 320)
    assert (seen.accepted, seen.told_apart) == (0, 0)
    assert (seen.innocent + seen.neighbours, seen.innocent_done + seen.neighbours_done) == (36, 36)
    assert guessing.unlimited(real=texts[4:], taken=texts[:4], thief=thieves[0], count=1_000) == (0, 0)
    assert not Coupon.objects.filter(member__in=thieves).exists()


@pytest.mark.django_db(transaction=True)
def test_one_code_entered_by_many_and_a_pool_of_few_codes_claimed_by_many_at_once():
    of, pool = making.template(per_member=2), making.template("pool", is_pool=True, is_in_centre=True)
    (code,) = made(of, 1)
    people = Member.objects.bulk_create(Member(member_no=f"E-{number}") for number in range(8))
    batch = Batch.objects.create(template=pool, version=pool.version, name="p", wanted=5, made=5)
    for number in range(5):
        making.coupon(pool, None, state="unclaimed", code=f"P-{number}", batch=batch, starts_at=None, ends_at=None)

    told = at_once([lambda who=who: codes.enter(shopper=Shopper(who.pk), text=code) for who in people])
    assert sorted(told) == ["coupon_not_found"] * 7 + ["done"]

    claims = [
        lambda who=who, n=n: issuing.claim(shopper=Shopper(who.pk), template_id=pool.pk, source=f"p:{who.pk}:{n}")
        for who in people
        for n in range(3)
    ]
    told = at_once(claims)
    owners = Coupon.objects.filter(template=pool, state="ready").values_list("member", flat=True)
    assert told.count("done") == len(owners) == len(set(owners)) == 5
