"""A program lets members into a journey: each occurrence once, only where the journey waits for it."""

import pytest

from apps.care.journeys import editing
from apps.care.models import Enrolment, Journey
from apps.core import ids
from apps.members.models import Member
from apps.stores import credentials
from tests.api.conftest import Caller
from tests.care import walks

pytestmark = pytest.mark.django_db


def test_members_enter_once_an_occurrence_and_others_are_passed_over() -> None:
    walks.journey(key="repair", again={"kind": "each"})
    shop = Caller(secret=credentials.issue_client(name="shop", scopes=["journeys.write"]).secret)
    one, other = (ids.encode("mem", Member.objects.create(member_no=no).pk) for no in ("A", "B"))
    Member.objects.filter(member_no="B").update(status="frozen")
    body = {"members": [one, other], "occurrence": "repair-4711"}

    answer = shop.post("journeys/repair:enter", body, Idempotency_Key="k1")
    assert (answer.status_code, answer.data) == (200, {"entered": [one], "passed_over": [other], "unknown": []})
    assert shop.post("journeys/repair:enter", body, Idempotency_Key="k2").data == {
        "entered": [], "passed_over": [one, other], "unknown": [],
    }  # fmt: skip
    assert list(Enrolment.objects.values_list("occurrence", flat=True)) == ["call:repair-4711"]

    strange = {"members": ["mem_0000000000000"], "occurrence": "x"}
    assert shop.post("journeys/repair:enter", strange, Idempotency_Key="k3").data["unknown"] == ["mem_0000000000000"]
    editing.pause(journey_id=Journey.objects.get().pk)
    refused = shop.post("journeys/repair:enter", body | {"occurrence": "y"}, Idempotency_Key="k4")
    assert (refused.status_code, refused.data["code"]) == (409, "journey_not_running")
    walks.journey(key="by-itself", entry={"kind": "fact", "fact": "order.paid"})
    refused = shop.post("journeys/by-itself:enter", body, Idempotency_Key="k5")
    assert (refused.status_code, refused.data["code"]) == (409, "journey_not_by_hand")
    assert Enrolment.objects.count() == 1
