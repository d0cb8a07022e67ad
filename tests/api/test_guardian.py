"""Under 14 by the API: as on the child's pages."""

from datetime import date

import pytest

from apps.core import clock as house
from apps.members import minors
from apps.members import services as members
from apps.members.models import Consent, Guardian
from tests.api.conftest import Caller
from tests.api.test_auth import newest_code
from tests.api.test_frame import is_problem

pytestmark = pytest.mark.django_db(transaction=True)
PARENT, TAIL = "17000000061", "0061"


@pytest.fixture
def child(me: Caller) -> Caller:
    members.change_profile(member_id=me.member.pk, birthday=date(house.local_date(house.now()).year - 9, 6, 1))
    return me


def said() -> list[tuple[bool, str, str]]:
    lines = Consent.objects.filter(purpose="guardian").order_by("pk")
    return list(lines.values_list("is_granted", "source", "text_version"))


def test_a_guardian_agrees_by_a_code_and_takes_it_back_without(child: Caller, simulator):
    assert child.get("me/guardian").data == {"is_child": True, "agreed_at": None}

    sent = child.post("me/guardian/codes", {"phone": PARENT})
    body = {"request_id": sent.data["request_id"], "code": newest_code(simulator.url, TAIL), "text_version": "2026-12"}
    agreed = child.put("me/guardian", body)

    assert (sent.status_code, agreed.status_code, agreed.data["is_child"]) == (200, 200, True)
    assert agreed.data["agreed_at"] is not None
    assert not minors.standing(child.member.pk).is_unguarded
    assert said() == [(True, "api:guardian", "2026-12")]
    assert is_problem(child.put("me/guardian", body), 409, "code_expired")

    assert child.delete("me/guardian").status_code == 204
    assert child.get("me/guardian").data == {"is_child": True, "agreed_at": None}
    assert said() == [(True, "api:guardian", "2026-12"), (False, "api:guardian", "2026-12")]


def test_a_wrong_code_and_the_childs_own_number_change_nothing(child: Caller, simulator):
    members.add_identity(member_id=child.member.pk, kind="phone", value="17000000060")
    own = child.post("me/guardian/codes", {"phone": "17000000060"})
    sent = child.post("me/guardian/codes", {"phone": PARENT})
    real = newest_code(simulator.url, TAIL)
    body = {
        "request_id": sent.data["request_id"],
        "code": "000000" if real != "000000" else "111111",
        "text_version": "1",
    }

    assert is_problem(own, 422, "guardian_is_member")
    assert is_problem(child.put("me/guardian", body), 422, "code_wrong")
    assert (said(), Guardian.objects.count()) == ([], 0)


def test_who_is_no_child_is_told_so(me: Caller):
    assert me.get("me/guardian").data == {"is_child": False, "agreed_at": None}
    assert is_problem(me.post("me/guardian/codes", {"phone": PARENT}), 409, "guardian_not_needed")
    assert (said(), Guardian.objects.count()) == ([], 0)


def test_only_the_member_speaks_for_themselves(nobody: Caller):
    for answer in (nobody.get("me/guardian"), nobody.delete("me/guardian"), nobody.post("me/guardian/codes", {})):
        assert is_problem(answer, 401, "unauthenticated")
