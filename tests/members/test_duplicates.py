"""Records that may be one person are found for reasons, shown in order, and never merged by themselves."""

from datetime import date

import pytest

from apps.analytics.lists import doubts
from apps.core.errors import NotFound
from apps.members import duplicates
from apps.members import services as members
from apps.members.models import Doubt, Member
from apps.stores.models import Store

pytestmark = pytest.mark.django_db


def person(**said: object) -> int:
    return members.register(source="test", **said)  # type: ignore[arg-type]


def found() -> list[tuple[int, int, int, list[str]]]:
    rows = Doubt.objects.filter(state="open").order_by("-score", "id")
    return list(rows.values_list("first_id", "second_id", "score", "reasons"))


def test_name_and_birthday_or_name_and_phone_tail_make_a_pair_with_points_and_reasons():
    a = person(nickname="林 若溪", birthday=date(1990, 3, 8), phone="17000000001")
    b = person(nickname="林若溪", birthday=date(1990, 3, 8))
    c = person(nickname="周周", phone="17000000777")
    d = person(nickname="周周", phone="17100000777")
    person(nickname="沈悦", birthday=date(1990, 3, 8), phone="17000001777")

    assert duplicates.search().open == 2
    assert found() == [(a, b, 70, ["name_birthday"]), (c, d, 60, ["phone_tail_name"])]


def test_what_speaks_against_takes_points_away():
    person(nickname="林若溪", birthday=date(1990, 3, 8), gender="f")
    person(nickname="林若溪", birthday=date(1991, 3, 8), gender="f")
    person(nickname="周周", birthday=date(1990, 1, 1), gender="f")
    person(nickname="周周", birthday=date(1990, 1, 1), gender="m")

    assert duplicates.search().open == 0


def test_a_name_that_many_share_says_nothing():
    for _ in range(9):
        person(nickname="微信用户", birthday=date(1990, 1, 1))

    assert duplicates.search().open == 0


def test_the_same_mini_program_person_under_two_apps_comes_first():
    a, b = person(nickname="甲"), person(nickname="乙")
    for member_id, app in ((a, "wx1"), (b, "wx2")):
        members.add_identity(member_id=member_id, kind="openid", namespace=app, value="o-same")

    duplicates.search()
    assert found() == [(a, b, 90, ["same_openid"])]


def test_two_people_stay_two_people_and_pairs_that_no_longer_look_alike_go():
    a = person(nickname="林若溪", birthday=date(1990, 3, 8))
    b = person(nickname="林若溪", birthday=date(1990, 3, 8))
    c = person(nickname="周周", birthday=date(1990, 1, 1))
    person(nickname="周周", birthday=date(1990, 1, 1))
    duplicates.search()
    first = Doubt.objects.get(first_id=a, second_id=b)
    duplicates.apart(doubt_id=first.pk)
    Member.objects.filter(pk=c).update(nickname="改了名")

    searched = duplicates.search()
    assert (searched.open, searched.gone) == (0, 1)
    assert list(Doubt.objects.values_list("state", "decided_by")) == [("apart", "system")]
    with pytest.raises(NotFound):
        duplicates.apart(doubt_id=first.pk)


def test_a_pair_is_seen_only_by_those_who_see_both():
    here, there = (Store.objects.create(code=code, name=code) for code in ("S1", "S2"))
    person(nickname="林若溪", birthday=date(1990, 3, 8), home_store_id=here.pk)
    person(nickname="林若溪", birthday=date(1990, 3, 8), home_store_id=there.pk)
    duplicates.search()

    assert (doubts.count(stores=None), doubts.count(stores=[here.pk])) == (1, 0)
    assert [len(doubts.find(stores=stores).rows) for stores in (None, [here.pk], [here.pk, there.pk])] == [1, 0, 1]
