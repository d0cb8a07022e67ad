"""The member code over the API: shown to a mini-program, read by a till."""

from datetime import datetime
from typing import Any

import pytest

from apps.core import ids
from apps.members.models import MemberCode
from apps.stores import credentials
from apps.stores.models import Store
from tests.api.conftest import Caller

pytestmark = pytest.mark.django_db


@pytest.fixture
def me(new_member: Any) -> Caller:
    caller: Caller = new_member("沈静", number=1)
    return caller


def till(code: str = "S1", *, scope: str = "members.read") -> Caller:
    store, _is_new = Store.objects.get_or_create(code=code, defaults={"name": f"Store {code}"})
    return Caller(secret=credentials.issue_device(name="till", store_id=store.pk, scopes=[scope]).secret)


def test_a_code_is_read_once_and_both_sides_hear_of_it(me: Caller):
    here, there = till(), till("S2")
    shown = me.get("me/code").data
    before = me.get(f"me/code/result?code={shown['id']}").data

    read = here.post("member-codes:read", {"code": shown["code"]}, Idempotency_Key="k-1")
    repeat = here.post("member-codes:read", {"code": shown["code"]}, Idempotency_Key="k-1")
    second = there.post("member-codes:read", {"code": shown["code"]})
    after = me.get(f"me/code/result?code={shown['id']}").data

    times = [datetime.fromisoformat(shown[name]) for name in ("server_time", "refresh_at", "valid_until")]
    assert [(one - times[0]).total_seconds() for one in times[1:]] == [50, 60]
    assert (before["is_read"], before["read_at"], before["lines"]) == (False, None, [])
    assert me.member
    assert (read.status_code, read.data["member"]) == (200, ids.encode("mem", me.member.pk))
    assert repeat.data == read.data
    assert (second.status_code, second.data["code"], second.data["store"], second.data["is_here"]) == (
        409, "member_code_used", "Store S1", False,
    )  # fmt: skip
    assert (after["is_read"], after["read_at"], after["store"]) == (True, read.data["read_at"], "Store S1")


def test_only_a_device_that_may_read_members_reads_codes(me: Caller):
    code = me.get("me/code").data["code"]
    program = Caller(secret=credentials.issue_client(name="shop", scopes=["members.read"]).secret)

    answers = [
        caller.post("member-codes:read", {"code": code}).status_code
        for caller in (me, program, till("S3", scope="orders.write"))
    ]

    assert answers == [403, 403, 403]
    assert MemberCode.objects.get().used_at is None


def test_guessing_ends_after_30_with_a_time_to_wait(me: Caller):
    here = till()
    told = [here.post("member-codes:read", {"code": f"4{number:017}"}) for number in range(31)]

    assert {(one.status_code, one.data["code"]) for one in told[:30]} == {(404, "member_code_invalid")}
    assert (told[30].status_code, told[30].data["code"]) == (429, "rate_limited")
    assert 0 < int(told[30]["Retry-After"]) <= 60
    good = here.post("member-codes:read", {"code": me.get("me/code").data["code"]})
    assert good.status_code == 429
