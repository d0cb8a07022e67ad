"""Under 14: who is a child, how a guardian agrees by a code to their own phone, and how it is taken back."""

from collections.abc import Callable
from datetime import date, datetime, timedelta

import pytest

from apps.core import ciphers
from apps.core.errors import NotFound
from apps.core.models import AuditEntry
from apps.members import codes, guardians, minors
from apps.members import services as members
from apps.members.errors import CodeSpent, CodeWrong, GuardianIsMember, GuardianNotNeeded, GuardianOfMany
from apps.members.models import CodeRequest, Consent, ConsentNow, Guardian, Member
from tests.members.conftest import NOON, Phone

pytestmark = pytest.mark.django_db
Noon = Callable[[float], datetime]
PARENT, TAIL = "17000000061", "0061"
CHILD = date(2015, 6, 1)
CHINA = NOON.tzinfo


def child(phone: str = "17000000060", born: date = CHILD) -> int:
    return members.register(source="test", phone=phone, birthday=born)


def agree(member_id: int, phone: Phone, *, number: str = PARENT) -> None:
    asked = guardians.request_code(member_id=member_id, phone=number, network="203.0.113.9")
    guardians.confirm(
        member_id=member_id, request_id=asked.request_id, code=phone.code(number[-4:]), source="portal:guardian",
        text_version="2026-12",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("year", "month", "day", "is_child"),
    [
        (2012, 3, 2, False),  # 14 today
        (2012, 3, 3, True),
        (2012, 3, None, True),  # some day of March
        (2012, None, None, True),
        (2012, 2, None, False),
        (2011, None, None, False),
        (2020, None, None, True),
        (None, 3, 3, False),
        (None, None, None, False),
    ],
)
def test_who_is_a_child(noon: Noon, year, month, day, is_child: bool):
    member_id = members.register(source="test")
    Member.objects.filter(pk=member_id).update(birth_year=year, birth_month=month, birth_day=day)

    assert minors.standing(member_id) == minors.Standing(is_child=is_child, agreed_at=None)
    assert minors.counts() == (int(is_child), int(is_child))


def test_who_was_born_on_a_leap_day_turns_fourteen_on_the_last_of_february(clock):
    member_id = child(born=date(2012, 2, 29))
    for day, is_child in (
        (datetime(2026, 2, 27, 12, tzinfo=CHINA), True),
        (datetime(2026, 2, 28, 12, tzinfo=CHINA), True),
        (datetime(2026, 3, 1, 12, tzinfo=CHINA), False),
    ):
        clock(day)
        assert minors.standing(member_id).is_child is is_child


def test_nobody_has_no_standing():
    with pytest.raises(NotFound):
        minors.standing(10**9)


def test_a_guardian_agrees_by_a_code_to_their_own_phone(phone: Phone, noon: Noon):
    member_id = child()
    assert minors.standing(member_id).is_unguarded

    agree(member_id, phone)

    assert phone.texts(TAIL) == [
        f"【Siyu】您的孩子未满14周岁，正在请您同意其会员服务。验证码：{phone.code(TAIL)}，5分钟内有效；输入即表示同意，不同意请忽略。"
    ]
    assert minors.standing(member_id) == minors.Standing(is_child=True, agreed_at=NOON)
    assert minors.counts() == (1, 0)
    said = Consent.objects.get(member_id=member_id)
    assert (said.purpose, said.channel, said.is_granted, said.source, said.text_version) == (
        "guardian", "any", True, "portal:guardian", "2026-12",
    )  # fmt: skip
    assert AuditEntry.objects.get(action="member.guardian_agreed").after == {"source": "portal:guardian"}


def test_of_the_guardians_number_only_a_keyed_hash_is_kept(phone: Phone, noon: Noon):
    member_id = child()
    agree(member_id, phone)

    row = Guardian.objects.get()
    assert bytes(row.phone_digest) == ciphers.blind_index(kind="phone", value=f"+86{PARENT}")
    assert (row.member_id, row.at, row.ended_at) == (member_id, NOON, None)
    assert CodeRequest.objects.get().sealed is None


def test_a_wrong_code_agrees_to_nothing(phone: Phone, noon: Noon):
    member_id = child()
    asked = guardians.request_code(member_id=member_id, phone=PARENT, network="203.0.113.9")
    wrong = f"{(int(phone.code(TAIL)) + 1) % 1_000_000:06d}"
    said = {"member_id": member_id, "request_id": asked.request_id, "source": "portal", "text_version": "1"}

    with pytest.raises(CodeWrong):
        guardians.confirm(code=wrong, **said)
    noon(301)
    with pytest.raises(CodeSpent):
        guardians.confirm(code=phone.code(TAIL), **said)

    assert not Consent.objects.exists()
    assert not Guardian.objects.exists()
    assert CodeRequest.objects.get().tries == 1


def test_a_code_for_logging_in_agrees_to_nothing(phone: Phone, noon: Noon):
    member_id = child()
    asked = codes.request(phone=PARENT, network="203.0.113.9", purpose="login", device="")

    with pytest.raises(CodeSpent):
        guardians.confirm(
            member_id=member_id, request_id=asked.request_id, code=phone.code(TAIL), source="portal", text_version="1"
        )
    assert not Consent.objects.exists()


def test_a_child_cannot_agree_with_the_phone_of_their_own(phone: Phone, noon: Noon):
    member_id = child()

    with pytest.raises(GuardianIsMember):
        guardians.request_code(member_id=member_id, phone="170 0000 0060", network="203.0.113.9")

    assert phone.texts("0060") == []
    assert not CodeRequest.objects.exists()


def test_a_number_that_became_the_childs_own_meanwhile_agrees_to_nothing(phone: Phone, noon: Noon):
    member_id = child()
    asked = guardians.request_code(member_id=member_id, phone=PARENT, network="203.0.113.9")
    members.add_identity(member_id=member_id, kind="phone", value=PARENT)

    with pytest.raises(GuardianIsMember):
        guardians.confirm(
            member_id=member_id, request_id=asked.request_id, code=phone.code(TAIL), source="portal", text_version="1"
        )
    assert not Consent.objects.exists()


def test_for_who_is_no_child_nobody_is_asked(phone: Phone, noon: Noon):
    member_id = members.register(source="test", birthday=date(1990, 1, 1))

    with pytest.raises(GuardianNotNeeded):
        guardians.request_code(member_id=member_id, phone=PARENT, network="203.0.113.9")
    with pytest.raises(GuardianNotNeeded):
        guardians.note(member_id=member_id, is_granted=True, source="staff:store", text_version="staff")

    assert not Consent.objects.exists()
    assert phone.texts(TAIL) == []


def test_one_phone_speaks_for_five_children_and_no_more(phone: Phone, noon: Noon):
    for number in range(5):
        noon(number * 3_700)
        agree(child(f"170000001{number:02d}"), phone)
    sixth = child("17000000199")
    noon(6 * 3_700)

    with pytest.raises(GuardianOfMany):
        agree(sixth, phone)

    assert minors.standing(sixth).is_unguarded
    assert Guardian.objects.count() == 5


def test_it_is_taken_back_without_a_code_and_may_be_given_anew(phone: Phone, noon: Noon):
    member_id = child()
    agree(member_id, phone)
    later = noon(120)

    guardians.take_back(member_id=member_id, source="portal:guardian", text_version="2026-12")

    assert minors.standing(member_id).is_unguarded
    assert Guardian.objects.get().ended_at == later
    assert ConsentNow.objects.get(purpose="guardian").is_granted is False
    again = noon(240)
    agree(member_id, phone)
    assert minors.standing(member_id).agreed_at == again


def test_staff_note_what_a_guardian_said_before_them(noon: Noon):
    member_id = child()

    guardians.note(member_id=member_id, is_granted=True, source="staff:store", text_version="staff")
    assert not minors.standing(member_id).is_unguarded
    noon(60)
    guardians.note(member_id=member_id, is_granted=False, source="staff:letter", text_version="staff")

    assert minors.standing(member_id).is_unguarded
    assert list(Consent.objects.order_by("pk").values_list("is_granted", "source")) == [
        (True, "staff:store"),
        (False, "staff:letter"),
    ]


def test_a_guardians_yes_that_has_ended_counts_no_more(noon: Noon):
    member_id = child()
    guardians.note(member_id=member_id, is_granted=True, source="staff:store", text_version="staff")
    ConsentNow.objects.update(valid_until=NOON + timedelta(seconds=30))
    noon(30)

    assert minors.standing(member_id).is_unguarded
