"""What members read and change about themselves; nobody else's things exist for them."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from apps.api import base
from apps.core import clock as house
from apps.core import ids
from apps.gateways import inbox
from apps.gateways.inbox import Letter
from apps.gateways.models import InboxMessage
from apps.members import policy_texts
from apps.members.models import Consent, Member
from tests.api.conftest import Caller, order_of
from tests.api.test_frame import is_problem

pytestmark = pytest.mark.django_db


def write_letters(member: Member, count: int) -> list[str]:
    moment = house.now()
    inbox.deliver_batch(
        [Letter(f"k{member.pk}:{n}", member.pk, f"好久不见 {n}", "来喝茶吧") for n in range(count)], moment=moment
    )
    return [ids.encode("msg", row.pk) for row in InboxMessage.objects.filter(member_id=member.pk).order_by("-pk")]


def test_a_change_needs_the_version_that_was_read(me: Caller):
    read = me.get("me")
    tag = read["ETag"]
    assert is_problem(me.put("me", {"nickname": "阿满"}), 428, "precondition_required")

    changed = me.put("me", {"nickname": "阿满", "birthday": "1994-05-21"}, If_Match=tag)
    late = me.put("me", {"nickname": "小小"}, If_Match=tag)

    assert (changed.status_code, changed.data["nickname"], changed.data["birthday"]) == (200, "阿满", "1994-05-21")
    assert changed["ETag"] != tag
    assert is_problem(late, 412, "precondition_failed")
    assert late.data["current"] == changed["ETag"]
    assert Member.objects.get().nickname == "阿满"


@pytest.mark.parametrize(
    ("if_match", "status"),
    [
        ("*", 200),
        (" * ", 200),
        ("{tag}", 200),
        ('"other", {tag}', 200),
        ('"other",{tag} , "third"', 200),
        ("W/{tag}", 412),  # weak: good for reading, not for changing
        ('"a, *, b"', 412),  # a tag with a star in it is not the star
        ("{bare}", 412),
        ("\xa0", 412),  # a byte that only looks empty
        ("\x1f", 412),
        ("", 428),
        (" \t ", 428),
    ],
)
def test_the_condition_of_a_change_is_read_to_the_letter(me: Caller, if_match: str, status: int):
    tag = me.get("me")["ETag"]

    answer = me.put("me", {"nickname": "阿满"}, If_Match=if_match.format(tag=tag, bare=tag.strip('"')))

    assert answer.status_code == status, answer.data
    assert (Member.objects.get().nickname == "阿满") is (status == 200)


def test_a_tag_that_a_proxy_weakened_still_saves_the_body(me: Caller):
    tag = me.get("me")["ETag"]
    for known in (f"W/{tag}", f'"other", W/{tag}', "*"):
        assert me.get("me", If_None_Match=known).status_code == 304
    for other in ('"a, *, b"', tag.strip('"'), "W/*"):
        assert me.get("me", If_None_Match=other).status_code == 200


def test_what_has_not_changed_is_not_sent_again(me: Caller):
    write_letters(me.member, 2)
    for path in ("me", "me/home", "me/messages?limit=1", "me/orders", "me/consents", "me/sessions"):
        tag = me.get(path)["ETag"]
        again = me.get(path, If_None_Match=tag)
        assert (again.status_code, again.content) == (304, b"")
        assert me.get(path, If_None_Match='"other"').status_code == 200


def test_a_birthday_is_corrected_once(me: Caller):
    for birthday in ("1994-05-21", "1994-05-22"):
        assert me.put("me", {"birthday": birthday}, If_Match="*").status_code == 200

    assert is_problem(me.put("me", {"birthday": "1994-05-23"}, If_Match="*"), 409, "birthday_fixed")
    assert Member.objects.get().birth_day == 22


def test_home_is_one_small_answer_from_few_statements(me: Caller):
    write_letters(me.member, 150)
    for number in range(30):
        order_of(me.member, f"A{number}", paid_at=house.now() - timedelta(days=number))
    with CaptureQueriesContext(connection) as seen:
        answer = me.get("me/home")

    assert answer.status_code == 200
    assert (answer.data["unread"], len(answer.data["messages"]), len(answer.data["orders"])) == (100, 3, 3)
    assert [one["order_no"] for one in answer.data["orders"]] == ["A0", "A1", "A2"]
    assert len(answer.content) <= 20 * 1024
    assert len(seen) <= 6, [one["sql"][:120] for one in seen]


def test_consents_are_given_and_withdrawn_one_by_one(me: Caller):
    given = me.put("me/consents/care/sms", {"is_granted": True, "text_version": "2026-11"})
    withdrawn = me.put("me/consents/care/sms", {"is_granted": False, "text_version": "2026-11"})

    assert (given.data["is_granted"], withdrawn.data["is_granted"]) == (True, False)
    assert [one["is_granted"] for one in me.get("me/consents").data] == [False]
    assert list(Consent.objects.order_by("pk").values_list("is_granted", "source")) == [(True, "api"), (False, "api")]
    assert is_problem(me.put("me/consents/care/pigeon", {"is_granted": True, "text_version": "1"}), 404, "not_found")
    assert Consent.objects.count() == 2


def test_a_yes_is_to_a_text_that_counts_and_a_no_to_any(me: Caller):
    def say(version: str, *, yes: bool = True, purpose: str = "care") -> Any:
        return me.put(f"me/consents/{purpose}/sms", {"is_granted": yes, "text_version": version})

    assert me.get("policy-texts").data == []
    for version, asks_again in (("2026-09", False), ("2026-10", True), ("2026-11", False)):
        words = {"text_zh": f"版本{version}", "text_en": f"text {version}"}
        policy_texts.publish(purpose="care", version=version, asks_again=asks_again, **words)
    shown = me.get("policy-texts")
    assert [(one["purpose"], one["version"], one["text"]) for one in shown.data] == [
        ("care", "2026-11", "text 2026-11")
    ]

    refused = [say("2026-09"), say("of the app")]
    taken = [say("2026-10"), say("2026-11"), say("2026-09", yes=False), say("of the app", purpose="marketing")]

    for one in refused:
        assert is_problem(one, 409, "policy_text_outdated")
        assert one.data["current"] == "2026-11"
    assert [one.status_code for one in taken] == [200] * 4
    assert Consent.objects.count() == 4


def test_a_consent_reads_none_of_the_history(me: Caller):
    for _ in range(30):
        me.put("me/consents/care/sms", {"is_granted": True, "text_version": "1"})
    me.put("me/consents/care/inbox", {"is_granted": True, "text_version": "1"})
    with CaptureQueriesContext(connection) as seen:
        said = me.put("me/consents/care/sms", {"is_granted": False, "text_version": "2"})
        held = me.get("me/consents")

    assert (said.data["is_granted"], said.data["text_version"]) == (False, "2")
    assert [(one["channel"], one["text_version"]) for one in held.data] == [("sms", "2"), ("inbox", "1")]
    reads = [one["sql"] for one in seen if '"members_consent"' in one["sql"] and one["sql"].startswith("SELECT")]
    assert reads == []


def test_the_inbox_comes_page_by_page_and_is_read(me: Caller):
    letters = write_letters(me.member, 45)
    seen, cursor = [], ""
    while True:
        page = me.get(f"me/messages?limit=20{cursor}").data
        seen += [one["id"] for one in page["data"]]
        if not page["has_more"]:
            break
        cursor = f"&cursor={page['next_cursor']}"

    assert seen == letters
    assert page["next_cursor"] is None
    assert me.put(f"me/messages/{letters[0]}/read").status_code == 204
    assert me.put(f"me/messages/{letters[0]}/read").status_code == 204
    assert me.get("me/messages?limit=1").data["data"][0]["read_at"] is not None


def test_a_page_counts_when_asked(me: Caller, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(base, "MOST_COUNTED", 4)
    write_letters(me.member, 7)

    assert "count_estimate" not in me.get("me/messages").data
    assert me.get("me/messages?limit=2&count=estimate").data["count_estimate"] == 4
    assert me.get("me/orders?count=estimate").data["count_estimate"] == 0
    assert is_problem(me.get("me/messages?count=exact"), 422, "validation_failed")


def test_pages_lose_and_repeat_nothing_while_rows_come_and_go(me: Caller):
    letters = write_letters(me.member, 60)
    seen, cursor, gone = [], "", set()
    for turn in range(20):
        page = me.get(f"me/messages?limit=5{cursor}").data
        seen += [one["id"] for one in page["data"]]
        inbox.deliver_batch([Letter(f"new{turn}", me.member.pk, "新", "新")], moment=house.now())
        victim = InboxMessage.objects.filter(member_id=me.member.pk).order_by("?").first()
        gone.add(ids.encode("msg", victim.pk))
        victim.delete()
        if not page["has_more"]:
            break
        cursor = f"&cursor={page['next_cursor']}"

    assert len(seen) == len(set(seen))
    assert set(letters) - gone <= set(seen)


def test_orders_are_listed_and_shown_with_their_lines(me: Caller):
    for number in range(5):
        order_of(me.member, f"A{number}", paid_at=house.now() - timedelta(days=number))
    first = me.get("me/orders?limit=3").data
    second = me.get(f"me/orders?limit=3&cursor={first['next_cursor']}").data

    assert [one["order_no"] for one in first["data"] + second["data"]] == ["A0", "A1", "A2", "A3", "A4"]
    assert (first["has_more"], second["has_more"]) == (True, False)
    detail = me.get(f"me/orders/{first['data'][0]['id']}")
    assert detail.data["lines"] == [
        {
            "line_no": 1, "sku": "", "product": "", "quantity": "1.000", "total_cents": 12800, "discount_cents": 0,
            "refunded_cents": 0,
        }
    ]  # fmt: skip
    assert detail["ETag"]


def test_what_belongs_to_another_member_does_not_exist(me: Caller, new_member):
    other = new_member("阿青", number=2)
    order = ids.encode("ord", order_of(other.member, "B1").pk)
    [letter] = write_letters(other.member, 1)
    cursor = None
    write_letters(me.member, 2)
    cursor = me.get("me/messages?limit=1").data["next_cursor"]

    assert is_problem(me.get(f"me/orders/{order}"), 404, "not_found")
    assert is_problem(me.put(f"me/messages/{letter}/read"), 404, "not_found")
    assert is_problem(other.get(f"me/messages?cursor={cursor}"), 400, "cursor_invalid")
    assert me.get("me/orders").data["data"] == []
    assert InboxMessage.objects.get(member_id=other.member.pk).read_at is None
    assert "阿青" not in me.get("me/home").content.decode()


def test_events_come_with_and_without_a_token(me: Caller, nobody: Caller):
    event = {
        "event_id": "1f0c7d9a-5b1e-4c62-9a55-2b8a5a6f9e10", "name": "page_viewed",
        "occurred_at": house.now().isoformat(), "properties": {"path": "/home"},
    }  # fmt: skip
    body = {"anonymous_id": "a-3f8k2m9p", "events": [event, {"name": "nonsense"}]}

    first, again = nobody.post("events", body), me.post("events", body)

    assert (first.data["accepted"], first.data["duplicates"]) == (1, 0), first.data
    assert [one["index"] for one in first.data["rejected"]] == [1]
    assert (again.data["accepted"], again.data["duplicates"]) == (0, 1)
    assert is_problem(nobody.post("events", body, Authorization="Bearer sya_wrong"), 401, "unauthenticated")
    assert is_problem(nobody.post("events", {"events": []}), 422, "validation_failed")
    assert is_problem(nobody.post("events", {"events": [event] * 501}), 413, "events_batch_too_large")
