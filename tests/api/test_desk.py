"""The service desk for programs of the brand: list, read, answer, note, move; what can be overwritten asks for what was read."""

from collections.abc import Callable

import pytest

from apps.core import ids
from apps.stores import credentials
from apps.tickets import services as tickets
from apps.tickets.models import Message, Ticket
from tests.api.conftest import Caller
from tests.tickets import desk as of
from tests.tickets.desk import opened

pytestmark = pytest.mark.django_db


@pytest.fixture
def program(db: None) -> Callable[..., Caller]:
    def make(*scopes: str) -> Caller:
        return Caller(
            secret=credentials.issue_client(name="desk", scopes=scopes or ("tickets.read", "tickets.write")).secret
        )

    return make


def at(row: Ticket, more: str = "") -> str:
    return f"tickets/{ids.encode('tkt', row.pk)}{more}"


def test_tickets_are_listed_newest_first_in_pages_that_fit_their_filter(program):
    desk, shop = of.build(), program("tickets.read")
    rows = [opened(desk, "question", lines=0, number=number) for number in range(3)]
    rows.append(opened(desk, "complaint", lines=0, number=9))
    tickets.move(ticket_id=rows[0].pk, move="withdraw", by=desk.agent)

    first = shop.get("tickets?state=open&limit=2")
    assert [one["number"] for one in first.data["data"]] == [str(rows[3]), str(rows[2])]
    cursor = first.data["next_cursor"]
    rest = shop.get(f"tickets?state=open&limit=2&cursor={cursor}")
    assert ([one["number"] for one in rest.data["data"]], rest.data["has_more"]) == ([str(rows[1])], False)
    assert shop.get(f"tickets?state=ended&cursor={cursor}").data["code"] == "cursor_invalid"
    assert [one["kind"] for one in shop.get("tickets?kind=complaint").data["data"]] == ["complaint"]
    member = ids.encode("mem", desk.member)
    assert len(shop.get(f"tickets?member={member}").data["data"]) == 4
    assert shop.get("tickets?state=odd").data["code"] == "validation_failed"
    one = shop.get("tickets").data["data"][-1]
    assert (one["state"], one["member"], one["store"], one["assignee"]) == ("withdrawn", member, None, None)


def test_an_answer_with_a_step_counts_once_and_a_note_is_told_to_nobody(program):
    desk, shop = of.build(), program()
    row = opened(desk, "question", lines=0)
    said = {"text": "今天寄出。", "move": "take_up"}
    for _twice in range(2):
        answer = shop.post(at(row, "/messages"), said, Idempotency_Key="k1")
        assert answer.status_code == 201, answer.data
    shop.post(at(row, "/messages"), {"text": "老顾客。", "is_internal": True}, Idempotency_Key="k2")
    row.refresh_from_db()
    assert (row.state, row.first_reply_at is not None) == ("working", True)
    read = shop.get(at(row)).data["messages"]
    assert [(one["side"], one["is_internal"], one["channel"], one["text"]) for one in read] == [
        ("member", False, "portal", "第二颗扣子掉了。"), ("agent", False, "api", "今天寄出。"), ("agent", True, "api", "老顾客。"),
    ]  # fmt: skip
    refused = shop.post(at(row, "/messages"), {"text": "再来", "move": "take_up"}, Idempotency_Key="k3")
    assert (refused.status_code, refused.data["code"], Message.objects.count()) == (409, "ticket_move_refused", 3)
    assert shop.post(at(row, "/messages"), {"text": "没有键"}).data["code"] == "idempotency_key_required"


def test_work_is_changed_by_whoever_read_it_last_all_of_it_or_nothing(program):
    desk, shop = of.build(), program()
    row = opened(desk, "question", lines=0)
    read = shop.get(at(row, "/work"))
    assert read.data["moves"] == ["take_up", "ask", "resolve", "withdraw"] or "take_up" in read.data["moves"]
    assert shop.put(at(row, "/work"), {"priority": 1}).data["code"] == "precondition_required"
    tag = read["ETag"]
    done = shop.put(
        at(row, "/work"), {"priority": 1, "tags": ["扣子"], "attributes": {"batch_no": "B17"}}, If_Match=tag
    )
    assert (done.status_code, done.data["priority"], done.data["tags"], done.data["attributes"]) == (
        200, 1, ["扣子"], {"batch_no": "B17"},
    )  # fmt: skip
    stale = shop.put(at(row, "/work"), {"move": "resolve"}, If_Match=tag)
    assert (stale.status_code, stale.data["code"]) == (412, "precondition_failed")
    tickets.say(ticket_id=row.pk, by=of.MEMBER, text="还在吗？", source="s:1")
    assert shop.get(at(row, "/work"))["ETag"] == done["ETag"]  # words change nothing of it

    both = shop.put(at(row, "/work"), {"priority": 3, "move": "receive"}, If_Match=done["ETag"])
    row.refresh_from_db()
    assert (both.data["code"], row.priority, row.state) == ("ticket_move_refused", 1, "new")
    assert shop.put(at(row, "/work"), {}, If_Match="*").data["code"] == "validation_failed"
    assert shop.put(at(row, "/work"), {"move": "resolve"}, If_Match="*").data["state"] == "resolved"


def test_it_is_given_to_a_person_a_store_and_another_kind_by_their_codes(program):
    desk, shop = of.build(), program()
    row = opened(desk, "question", lines=0)
    body = {"assignee": desk.staff.code, "store": desk.store.code, "kind": "complaint"}
    done = shop.put(at(row, "/work"), body, If_Match="*")
    assert (done.status_code, {name: done.data[name] for name in body}) == (200, body)
    for wrong in ({"assignee": "nobody"}, {"store": "NOWHERE"}, {"kind": "return"}):
        assert shop.put(at(row, "/work"), wrong, If_Match="*").data["code"] == "validation_failed"
    shop.put(at(row, "/work"), {"assignee": None, "store": None}, If_Match="*")
    row.refresh_from_db()
    assert (row.assignee_id, row.store_id, row.kind) == (None, None, "complaint")


def test_who_may_read_may_not_write(program):
    row = opened(of.build(), "question", lines=0)
    reader = program("tickets.read")
    assert reader.get(at(row)).status_code == 200
    for answer in (
        reader.post(at(row, "/messages"), {"text": "x"}, Idempotency_Key="k"),
        reader.put(at(row, "/work"), {"priority": 1}, If_Match="*"),
        program("orders.read").get("tickets"),
    ):
        assert (answer.status_code, answer.data["code"]) == (403, "forbidden")
    assert Message.objects.count() == 1
