"""Identities: one owner each, normal forms, blind look-up, bulk resolution for imports."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection

from apps.core import clock
from apps.members import identities, selectors, services
from apps.members.errors import IdentityTaken, MemberNumberTaken, PhoneInvalid, PhoneTaken
from apps.members.models import Identity, Member, MemberKey
from tests import growing

CANARY = "13912345678"


@pytest.mark.django_db
def test_a_registered_member_is_found_by_phone_however_it_is_written():
    member_id = services.register(source="portal", nickname="林小溪", phone="139 1234-5678")

    for written in ("13912345678", "+8613912345678", "86 139 1234 5678", "１３９１２３４５６７８"):
        assert selectors.find_by_phone(written) == member_id
    assert selectors.find_by_phone("13912345679") is None
    assert selectors.find_by_phone("hello") is None
    assert selectors.find_by_phone_tail("5678") == [member_id]
    assert selectors.find_by_phone_tail("5679") == []


@pytest.mark.django_db
@pytest.mark.parametrize("phone", ["12345", "057188888888", "1391234567", "139123456789", "abc", "+1 555"])
def test_a_bad_phone_is_refused_and_no_member_is_left_behind(phone):
    with pytest.raises(PhoneInvalid):
        services.register(source="portal", phone=phone)

    assert Member.objects.count() == 0


@pytest.mark.django_db
def test_a_taken_phone_or_number_is_refused_and_leaves_no_trace():
    services.register(source="portal", member_no="A1", phone=CANARY)

    with pytest.raises(PhoneTaken):
        services.register(source="portal", member_no="A2", phone=CANARY)
    with pytest.raises(MemberNumberTaken):
        services.register(source="portal", member_no="A1")

    assert Member.objects.count() == 1
    assert Identity.objects.count() == 1
    assert MemberKey.objects.count() == 1


@pytest.mark.django_db
def test_the_same_identity_again_is_a_no_op_and_namespaces_are_apart():
    first = services.register(source="portal")
    second = services.register(source="portal")
    openid = Identity.Kind.OPENID
    added = services.add_identity(member_id=first, kind=openid, namespace="wx1", value="oABC")

    assert services.add_identity(member_id=first, kind=openid, namespace="wx1", value="oABC") == added
    services.add_identity(member_id=second, kind=openid, namespace="wx2", value="oABC")
    with pytest.raises(IdentityTaken):
        services.add_identity(member_id=second, kind=openid, namespace="wx1", value="oABC")

    assert selectors.find_by_identity(kind=openid, namespace="wx2", value="oABC") == second
    assert Identity.objects.count() == 2


@pytest.mark.django_db(transaction=True)
def test_twenty_simultaneous_registrations_of_one_phone_make_one_member():
    def join(_: int) -> str:
        try:
            services.register(source="portal", phone=CANARY)
            return "joined"
        except PhoneTaken:
            return "refused"
        finally:
            connection.close()

    with ThreadPoolExecutor(10) as pool:
        outcomes = list(pool.map(join, range(20)))

    assert sorted(outcomes) == ["joined"] + ["refused"] * 19
    assert Identity.objects.count() == 1
    assert Member.objects.count() == 1
    assert MemberKey.objects.count() == 1


@pytest.mark.django_db
def test_an_import_resolves_members_and_reports_bad_and_taken_phones():
    owner = services.register(source="portal", member_no="OLD", phone=CANARY)
    rows = [("OLD", ""), ("A", "13800000001"), ("B", "bad"), ("C", CANARY), ("D", "13800000001"), ("E", "")]

    member_ids, errors = services.resolve_for_import(rows, "import")

    assert set(member_ids) == {"OLD", "A", "B", "C", "D", "E"}
    assert member_ids["OLD"] == owner
    assert errors == {"B": "phone_invalid", "C": "phone_taken", "D": "phone_taken"}
    assert selectors.phones(list(member_ids.values())) == {owner: "+8613912345678", member_ids["A"]: "+8613800000001"}
    assert Member.objects.get(member_no="A").source == "import"
    assert services.resolve_for_import(rows, "import") == (member_ids, errors)
    assert (Member.objects.count(), Identity.objects.count()) == (6, 2)


@pytest.mark.django_db
def test_an_import_adds_a_new_phone_and_the_newest_one_is_used():
    ids, _ = services.resolve_for_import([("A", "13800000001")], "import")
    services.resolve_for_import([("A", "13800000002")], "import")

    assert selectors.phones([ids["A"]]) == {ids["A"]: "+8613800000002"}
    assert selectors.find_by_phone("13800000001") == ids["A"]


@pytest.mark.django_db(transaction=True)
def test_simultaneous_imports_of_the_same_members_agree():
    rows = [(f"N{number}", f"1380000{number:04d}") for number in range(300)]

    def resolve(turn: int) -> tuple[dict[str, int], dict[str, str]]:
        try:
            return services.resolve_for_import(rows if turn % 2 else rows[::-1], "import")
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(resolve, range(4)))

    assert all(answer == answers[0] for answer in answers)
    assert answers[0][1] == {}
    assert (Member.objects.count(), Identity.objects.count()) == (300, 300)


@pytest.mark.django_db
def test_an_import_looks_everybody_up_before_it_writes_the_first():
    numbers = [f"C{number}" for number in range(500)]

    read = growing.pages_read(identities.NEW_MEMBERS, ["import", clock.now(), numbers], table="members_member")

    assert read == 0
    assert Member.objects.count() == 500
