"""The member code: once, within a minute, and not to be guessed."""

import random
import secrets
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from threading import Barrier

import pytest
from django.conf import settings
from django.db import IntegrityError, connection, transaction

from apps.core import clock, ratelimits
from apps.core.errors import DomainError
from apps.core.ratelimits import Limit
from apps.members import member_codes
from apps.members.errors import (
    MemberCodeExpired,
    MemberCodeInvalid,
    MemberCodeUsed,
    MemberNotActive,
    SeenOver,
    TooManyBadCodes,
    TooManyCodes,
)
from apps.members.member_codes import Where
from apps.members.models import Member, MemberCode
from apps.stores import credentials
from apps.stores.models import Store

SHOWN_AT = datetime(2026, 11, 29, 7, 0, tzinfo=UTC)


def shop(code: str = "S01", name: str = "武康路店") -> Where:
    """A store with a till."""
    store, _is_new = Store.objects.get_or_create(code=code, defaults={"name": name})
    till = credentials.issue_device(name="till", store_id=store.pk, scopes=["members.read"])
    return Where(store_id=store.pk, device_id=till.id)


def person(number: str = "P-1", **more: object) -> Member:
    return Member.objects.create(member_no=number, **more)


def after(seconds: float) -> datetime:
    return SHOWN_AT + timedelta(seconds=seconds)


def read(code: str, at: Where, seconds: float) -> member_codes.Seen:
    return member_codes.read(code=code, at=at, moment=after(seconds))


def unused() -> int:
    return MemberCode.objects.filter(used_at=None).count()


@pytest.mark.django_db
class TestOneReading:
    def test_says_the_member_once_and_when_and_where_from_then_on(self):
        here, there = shop(), shop("S02", "云栖广场店")
        lin = person()
        code = member_codes.show(member_id=lin.pk, moment=SHOWN_AT).code

        seen = read(code, here, 1)
        refusals = []
        for at, seconds in ((here, 2), (there, 59), (here, 66)):
            with pytest.raises(MemberCodeUsed) as refusal:
                read(code, at, seconds)
            refusals.append(refusal.value.facts)

        assert (seen.member_id, seen.until) == (lin.pk, after(601))
        assert refusals[0] == {
            "used_at": "2026-11-29T07:00:01+00:00", "time": "15:00:01", "store": "武康路店", "is_here": True,
        }  # fmt: skip
        assert [facts["is_here"] for facts in refusals] == [True, False, True]
        assert MemberCode.objects.get().used_at == after(1)

    @pytest.mark.parametrize("seconds", [-5, 1, 59, 65])
    def test_is_good_for_its_minute_and_what_clocks_may_differ(self, seconds: int):
        code = member_codes.show(member_id=person().pk, moment=SHOWN_AT).code
        assert read(code, shop(), seconds).at == after(seconds)

    @pytest.mark.parametrize(("seconds", "why"), [(-6, MemberCodeInvalid), (66, MemberCodeExpired)])
    def test_is_refused_before_and_after(self, seconds: int, why: type[DomainError]):
        code = member_codes.show(member_id=person().pk, moment=SHOWN_AT).code
        with pytest.raises(why):
            read(code, shop(), seconds)
        assert unused() == 1

    def test_is_read_as_people_type_it(self):
        code = member_codes.show(member_id=person().pk, moment=SHOWN_AT).code
        wide = "".join(chr(ord(digit) + 0xFEE0) for digit in code)
        typed = f" {wide[:6]} {wide[6:10]}-{wide[10:14]} {wide[14:]} "
        assert read(typed, shop(), 3).at == after(3)

    def test_counts_for_the_record_that_a_merge_left(self):
        lin = person()
        code = member_codes.show(member_id=lin.pk, moment=SHOWN_AT).code
        kept = person("P-2")
        Member.objects.filter(pk=lin.pk).update(merged_into=kept, status="merged")

        seen, here = read(code, at := shop(), 5), at

        assert seen.member_id == kept.pk
        assert member_codes.member_of(seen_id=seen.id, at=here, moment=after(6)) == kept.pk

    @pytest.mark.parametrize("status", ["frozen", "blocked", "cancelled", "erased"])
    def test_is_refused_for_who_is_not_active_and_not_used_up(self, status: str):
        lin = person()
        code = member_codes.show(member_id=lin.pk, moment=SHOWN_AT).code
        Member.objects.filter(pk=lin.pk).update(status=status)

        with pytest.raises(MemberNotActive):
            read(code, shop(), 5)
        with pytest.raises(MemberNotActive):
            member_codes.show(member_id=lin.pk, moment=SHOWN_AT)
        assert (unused(), MemberCode.objects.count()) == (1, 1)


@pytest.mark.django_db
class TestTheGrant:
    def test_is_of_the_device_for_ten_minutes_whoever_stands_there(self):
        here, there = shop(), shop("S02")
        lin = person()
        seen = read(member_codes.show(member_id=lin.pk, moment=SHOWN_AT).code, here, 0)

        assert member_codes.member_of(seen_id=seen.id, at=here, moment=after(600)) == lin.pk
        for at, seconds in ((here, 601), (there, 1)):
            with pytest.raises(SeenOver):
                member_codes.member_of(seen_id=seen.id, at=at, moment=after(seconds))

    def test_is_not_given_by_a_code_that_was_only_shown_and_ends_with_the_membership(self):
        here, lin = shop(), person()
        shown = member_codes.show(member_id=lin.pk, moment=SHOWN_AT)
        with pytest.raises(SeenOver):
            member_codes.member_of(seen_id=shown.id, at=here, moment=after(1))
        read(shown.code, here, 1)
        Member.objects.filter(pk=lin.pk).update(status="frozen")
        with pytest.raises(MemberNotActive):
            member_codes.member_of(seen_id=shown.id, at=here, moment=after(2))

    def test_needs_a_device_or_a_clerk(self):
        with pytest.raises(ValueError, match="a device or a clerk"):
            Where(store_id=1)


@pytest.mark.django_db
class TestThePageThatShows:
    def test_hears_of_a_reading_of_this_code_or_a_later_one_of_the_same_member(self):
        here, lin, mei = shop(), person(), person("P-2")
        first = member_codes.show(member_id=lin.pk, moment=SHOWN_AT)
        second = member_codes.show(member_id=lin.pk, moment=after(50))
        other = member_codes.show(member_id=mei.pk, moment=after(50))
        read(other.code, here, 52)
        assert member_codes.result(shown_id=first.id, member_id=lin.pk) is None

        read(second.code, here, 55)

        found = member_codes.result(shown_id=first.id, member_id=lin.pk)
        assert found is not None
        assert (found.at, found.store) == (after(55), "武康路店")
        assert member_codes.result(shown_id=second.id + 5, member_id=lin.pk) is None

    def test_is_shown_30_codes_a_minute(self):
        lin = person()
        codes = {member_codes.show(member_id=lin.pk).code for _ in range(30)}
        assert len(codes) == 30
        with pytest.raises(TooManyCodes):
            member_codes.show(member_id=lin.pk)
        assert MemberCode.objects.count() == 30


@pytest.mark.django_db
class TestGuessing:
    def test_30_unknown_codes_of_a_device_and_even_a_good_one_waits(self):
        here, there, lin = shop(), shop("S02"), person()
        good = [member_codes.show(member_id=lin.pk, moment=SHOWN_AT).code for _ in range(3)]
        read(good[0], here, 1)  # what is right, too old or used counts for nothing
        with pytest.raises(MemberCodeUsed):
            read(good[0], here, 1)
        for _ in range(30):
            with pytest.raises(MemberCodeInvalid):
                read("4" + "0" * 17, here, 1)

        with pytest.raises(TooManyBadCodes) as refusal:
            read(good[1], here, 1)
        assert 0 < int(str(refusal.value.facts["retry_after"])) <= 60
        assert unused() == 2
        assert read(good[1], there, 2).member_id == lin.pk

    def test_goes_on_counting_when_valkey_is_gone(self, settings: object):
        here, lin = shop(), person()
        good = member_codes.show(member_id=lin.pk, moment=SHOWN_AT).code
        settings.REDIS_URL = "redis://127.0.0.1:1/0"  # type: ignore[attr-defined]
        ratelimits.wake()
        try:
            for _ in range(29):
                with pytest.raises(MemberCodeInvalid):
                    read("123", here, 1)
            read(good, here, 1)
            with pytest.raises(MemberCodeInvalid):
                read("123", here, 1)
            with pytest.raises(TooManyBadCodes):
                read("123", here, 1)
        finally:
            ratelimits.wake()

    def test_codes_carry_58_bits_and_nothing_of_the_member(self):
        lin = person("900000000000000001")
        codes = [member_codes.show(member_id=lin.pk, moment=SHOWN_AT).code for _ in range(30)]
        assert member_codes.BITS > 58.7
        assert all(member_codes.is_shaped(code) for code in codes)
        assert len({code[:6] for code in codes}) > 25  # nothing in common, though it is one member and one moment
        kept = MemberCode.objects.values_list("digest", flat=True)
        assert not any(code.encode() in bytes(digest) for code in codes for digest in kept)

    def test_none_of_100_000_is_known(self):
        assert known(tries=100_000, shown=100) == (0, 100)

    @pytest.mark.nightly
    def test_none_of_a_million_is_known(self):
        assert known(tries=1_000_000, shown=1000) == (0, 1000)


def known(*, tries: int, shown: int) -> tuple[int, int]:
    """How many of so many guesses, and of the codes themselves, the table knows."""
    members = Member.objects.bulk_create(Member(member_no=f"G-{number}") for number in range(shown))
    codes = [member_codes.show(member_id=member.pk, moment=SHOWN_AT).code for member in members]
    guesses = {changed for code in codes for changed in near(code)} - set(codes)
    while len(guesses) < tries:
        guesses.add(secrets.choice(member_codes.FIRST) + f"{secrets.randbelow(10**17):017d}")
    elsewhere = foreign(codes)
    found = sum(_found([member_codes._digest(code) for code in part]) for part in chunks(sorted(guesses), 20_000))
    return found + _found(elsewhere), _found([member_codes._digest(code) for code in codes])


def near(code: str) -> set[str]:
    """The code with one digit changed, and with two neighbours exchanged."""
    one = {code[:at] + digit + code[at + 1 :] for at in range(18) for digit in "0123456789"}
    return one | {code[:at] + code[at + 1] + code[at] + code[at + 2 :] for at in range(17)}


def foreign(codes: list[str]) -> list[bytes]:
    """The same digits as another installation keeps them."""
    own, settings.INDEX_KEY = settings.INDEX_KEY, bytes(32)
    try:
        return [member_codes._digest(code) for code in codes]
    finally:
        settings.INDEX_KEY = own


def chunks(values: list[str], size: int) -> list[list[str]]:
    return [values[at : at + size] for at in range(0, len(values), size)]


def _found(digests: list[bytes]) -> int:
    with connection.cursor() as cursor:
        cursor.execute("select count(*) from members_membercode where digest = any(%s)", [digests])
        return int(cursor.fetchone()[0])


def test_of_10_000_codes_at_random_moments_exactly_the_fresh_unused_ones_pass():
    here, store, chance = Where(store_id=1, device_id=1), Store(pk=1, name="x"), random.Random(5)
    told: Counter[str] = Counter()
    for _ in range(10_000):
        seconds, is_used = chance.uniform(-20, 100), chance.random() < 0.5
        row = MemberCode(issued_at=SHOWN_AT, expires_at=after(60), used_at=after(1) if is_used else None)
        row.store = store if is_used else None
        try:
            member_codes.check(row, at=here, moment=after(seconds))
            name = "passes"
        except DomainError as refusal:
            name = refusal.code
        should = (
            "member_code_used" if is_used
            else "member_code_invalid" if seconds < -5
            else "member_code_expired" if seconds > 65 else "passes"
        )  # fmt: skip
        told[f"{should}: {name}"] += 1
    assert set(told) == {
        "passes: passes", "member_code_used: member_code_used", "member_code_expired: member_code_expired",
        "member_code_invalid: member_code_invalid",
    }  # fmt: skip


@pytest.mark.django_db
def test_the_database_keeps_a_reading_whole():
    code = member_codes.show(member_id=person().pk, moment=SHOWN_AT)
    with pytest.raises(IntegrityError, match="members_code_read_somewhere"), transaction.atomic():
        MemberCode.objects.filter(pk=code.id).update(used_at=SHOWN_AT)


def race(*, codes: int, tills: int) -> list[Counter[str]]:
    """Each code is read by all tills at the same moment; what they were told, per code."""
    places = [shop(f"S{number:02}") for number in range(tills)]
    lin = person()
    start = Barrier(tills)

    def at_till(code: str, at: Where) -> str:
        start.wait()
        try:
            member_codes.read(code=code, at=at)
        except DomainError as refusal:
            return refusal.code
        finally:
            connection.close()
        return "read"

    told = []
    with ThreadPoolExecutor(tills) as pool:
        for _ in range(codes):
            ratelimits.clear(Limit("member-code-shown", str(lin.pk), 1, 1))
            code = member_codes.show(member_id=lin.pk, moment=clock.now()).code
            told.append(Counter(pool.map(at_till, [code] * tills, places)))
    return told


@pytest.mark.django_db(transaction=True)
def test_of_tills_that_read_it_at_once_one_gets_it():
    assert race(codes=25, tills=4) == [Counter(read=1, member_code_used=3)] * 25


@pytest.mark.nightly
@pytest.mark.django_db(transaction=True)
def test_of_10_000_codes_none_is_read_twice(figure: Callable[[str], None]):
    told: Counter[str] = sum(race(codes=10_000, tills=2), Counter())
    figure(f"10,000 codes at two tills at once: {dict(told)}")
    assert told == Counter(read=10_000, member_code_used=10_000)
