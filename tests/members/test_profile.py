"""What members may change about themselves."""

from datetime import UTC, date, datetime
from threading import Barrier, Thread

import pytest
from django.db import connection

from apps.core.errors import NotFound, ValidationFailed
from apps.members import services as members
from apps.members.errors import BirthdayFixed
from apps.members.models import Member

NOW = datetime(2026, 11, 22, 4, 0, tzinfo=UTC)


def birthday(member_id: int) -> tuple[int | None, int | None, int | None]:
    return Member.objects.values_list("birth_year", "birth_month", "birth_day").get(pk=member_id)


@pytest.fixture
def member_id(db: None) -> int:
    return members.register(source="test", nickname="林若溪")


def test_what_is_not_given_stays(member_id: int):
    members.change_profile(member_id=member_id, gender="f")
    members.change_profile(member_id=member_id, nickname="  若  溪 ")

    member = Member.objects.get(pk=member_id)
    assert (member.nickname, member.gender, member.birth_year) == ("若 溪", "f", None)


def test_a_birthday_is_entered_once_and_corrected_once(member_id: int):
    members.change_profile(member_id=member_id, birthday=date(1990, 3, 8))
    members.change_profile(member_id=member_id, birthday=date(1990, 3, 8))
    members.change_profile(member_id=member_id, birthday=date(1991, 3, 8))

    with pytest.raises(BirthdayFixed):
        members.change_profile(member_id=member_id, nickname="又改", birthday=date(1992, 3, 8))

    assert birthday(member_id) == (1991, 3, 8)
    assert Member.objects.get(pk=member_id).nickname == "林若溪"


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"nickname": "长" * 41}, "/nickname"),
        ({"nickname": "a\u202eb"}, "/nickname"),
        ({"gender": "x"}, "/gender"),
        ({"birthday": date(1899, 12, 31)}, "/birthday"),
        ({"birthday": date(2026, 11, 23)}, "/birthday"),
    ],
)
def test_what_cannot_be_is_refused_and_nothing_is_written(member_id: int, clock, change, pointer):
    clock(NOW)
    with pytest.raises(ValidationFailed) as refusal:
        members.change_profile(member_id=member_id, **change)

    assert [error["pointer"] for error in refusal.value.facts["errors"]] == [pointer]
    assert Member.objects.get(pk=member_id).nickname == "林若溪"
    assert birthday(member_id) == (None, None, None)


def test_a_stranger_is_not_found(db: None):
    with pytest.raises(NotFound):
        members.change_profile(member_id=987_654, nickname="a")


@pytest.mark.django_db(transaction=True)
def test_two_corrections_at_once_change_it_once():
    member_id = members.register(source="test", birthday=date(1990, 1, 1))
    barrier, refused = Barrier(2), []

    def correct(year: int) -> None:
        barrier.wait()
        try:
            members.change_profile(member_id=member_id, birthday=date(year, 1, 1))
        except BirthdayFixed:
            refused.append(year)
        finally:
            connection.close()

    threads = [Thread(target=correct, args=(year,)) for year in (1991, 1992)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(refused) == 1
    assert birthday(member_id)[0] in {1991, 1992} - set(refused)
