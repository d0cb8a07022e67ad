"""Points over the API: the member's own view, and what tills and programs book, once."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from apps.core import clock, ids
from apps.points import services as points
from apps.points.models import Entry
from apps.stores import credentials
from tests.api.conftest import Caller


@pytest.fixture
def till(db: None) -> Callable[..., Caller]:
    def make(*scopes: str, name: str = "收银") -> Caller:
        return Caller(secret=credentials.issue_client(name=name, scopes=list(scopes or ["points.write"])).secret)

    return make


def address(me: Caller, *rest: str) -> str:
    assert me.member is not None
    return "/".join([f"members/{ids.encode('mem', me.member.pk)}/points", *rest])


def booking(amount: int = 100, reference: str = "R-1") -> dict[str, Any]:
    return {"amount": amount, "reference": reference}


def test_a_member_sees_balance_and_statement_in_words(me: Caller):
    assert me.member is not None
    points.earn(member_id=me.member.pk, amount=120, source="sign_in:2026-11-22")
    points.hold(member_id=me.member.pk, amount=20, source="exchange:1")

    shown = me.get("me/points")
    spendable = shown.data["data"][0]
    assert (spendable["currency"], spendable["balance"], spendable["held"]) == ("points", 100, 20)
    assert me.get("me/points", If_None_Match=shown["ETag"]).status_code == 304

    first = me.get("me/points/entries?limit=1").data
    assert first["data"][0]["title"] == "Set aside"
    rest = me.get(f"me/points/entries?limit=1&cursor={first['next_cursor']}").data
    assert [(line["title"], line["about"], line["balance"]) for line in rest["data"]] == [
        ("Earned", "Daily sign-in", 120)
    ]
    assert rest["has_more"] is False
    assert me.get("me/points/entries?currency=growth").data["data"] == []


def test_a_booking_sent_again_is_one_booking(me: Caller, till: Callable[..., Caller]):
    program = till()
    first = program.post(address(me, "earn"), booking(), Idempotency_Key="a")
    again = program.post(address(me, "earn"), booking(), Idempotency_Key="b")
    other = program.post(address(me, "earn"), booking(90), Idempotency_Key="c")

    assert (first.status_code, first.data["balance"], first.data["is_new"]) == (200, 100, True)
    assert (again.data["id"], again.data["is_new"]) == (first.data["id"], False)
    assert (other.status_code, other.data["code"]) == (409, "source_reused")
    assert Entry.objects.count() == 1


def test_two_programs_with_the_same_reference_do_not_meet(me: Caller, till: Callable[..., Caller]):
    till().post(address(me, "earn"), booking(), Idempotency_Key="a")
    till(name="小程序").post(address(me, "earn"), booking(50), Idempotency_Key="a")

    assert me.get("me/points").data["data"][0]["balance"] == 150


def test_nothing_is_taken_that_is_not_there(me: Caller, till: Callable[..., Caller]):
    program = till()
    program.post(address(me, "earn"), booking(), Idempotency_Key="a")

    refused = program.post(address(me, "spend"), booking(101, "R-2"), Idempotency_Key="b")
    frozen = program.post(address(me, "spend"), booking(0, "R-3"), Idempotency_Key="c")

    assert (refused.status_code, refused.data["code"]) == (409, "points_insufficient")
    assert frozen.status_code == 422
    assert Entry.objects.count() == 1
    assert program.post(address(me, "spend"), booking(100, "R-4")).data["code"] == "idempotency_key_required"


def test_points_set_aside_are_spent_in_part_or_let_go_by_their_owner_only(me: Caller, till: Callable[..., Caller]):
    program, stranger = till(), till(name="别家")
    program.post(address(me, "earn"), booking(), Idempotency_Key="a")
    hold = program.post(address(me, "holds"), booking(80, "B-1") | {"minutes": 5}, Idempotency_Key="b").data["hold"]

    foreign = stranger.post(f"points/holds/{hold}/capture", booking(80, "O-1"), Idempotency_Key="c")
    assert foreign.status_code == 404
    taken = program.post(f"points/holds/{hold}/capture", booking(50, "O-1"), Idempotency_Key="d")
    assert (taken.status_code, taken.data["balance"], taken.data["held"]) == (200, 50, 0)
    over = program.post(f"points/holds/{hold}/release", Idempotency_Key="e")
    assert (over.status_code, over.data["code"]) == (409, "reservation_expired")

    second = program.post(address(me, "holds"), booking(20, "B-2"), Idempotency_Key="f").data["hold"]
    told = [program.post(f"points/holds/{second}/release", Idempotency_Key=key) for key in "gh"]
    assert [(one.status_code, one.data["held"], one.data["is_new"]) for one in told] == [
        (200, 0, True),
        (200, 0, False),
    ]
    assert told[0].data["id"] == told[1].data["id"]


def test_reading_does_not_allow_booking(me: Caller, till: Callable[..., Caller]):
    reader = till("points.read")

    assert reader.get(address(me)).data["data"][0]["balance"] == 0
    assert reader.post(address(me, "earn"), booking(), Idempotency_Key="a").status_code == 403
    assert me.post(address(me, "earn"), booking(), Idempotency_Key="a").status_code == 403
    assert Entry.objects.count() == 0


def test_what_runs_out_is_told_by_the_day_and_stands_on_the_first_screen(me: Caller):
    assert me.member is not None
    days = [clock.local_date(clock.now()) + timedelta(days=days) for days in (40, 400)]
    for number, day in enumerate(days):
        ends = points.Terms(expires_at=clock.day_end(day))
        points.earn(member_id=me.member.pk, amount=100 + number, source=f"gift:{number}", terms=ends)
        points.earn(member_id=me.member.pk, amount=10, source=f"more:{number}", terms=ends)

    shown = me.get("me/points/expiring")

    assert shown.data["data"] == [
        {"points": 110, "on": days[0].isoformat()},
        {"points": 111, "on": days[1].isoformat()},
    ]
    assert me.get("me/points/expiring", If_None_Match=shown["ETag"]).status_code == 304
    assert me.get("me/points/expiring?currency=growth").data["data"] == []
    assert me.get("me/home").data["points"] == {
        "balance": 221,
        "pending": 0,
        "expires_first": {"points": 110, "on": days[0].isoformat()},
    }


@pytest.mark.parametrize("path", ["me/points/entries", "me/points/expiring"])
def test_a_currency_that_no_text_can_be_has_no_lines(me: Caller, path: str):
    assert me.get(f"{path}?currency=%00").data["data"] == []
