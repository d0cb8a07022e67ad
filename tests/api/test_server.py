"""Programs of the brand: many things in one call, each with its own outcome; keys with scopes, tills with their store."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from uuid import uuid4

import pytest
from django.conf import settings
from django.db import connection

from apps.activity.models import Event as ActivityEvent
from apps.catalog.models import Product
from apps.core import clock, ids
from apps.core.models import IdempotencyKey, Job
from apps.events.models import Event
from apps.members import departures, services, states
from apps.members import selectors as members
from apps.members.models import Identity, Member, Merge
from apps.orders.models import Order, Refund
from apps.stores import credentials
from apps.stores.models import Store
from tests.api.conftest import Caller, order_of
from tests.api.test_frame import is_problem

pytestmark = pytest.mark.django_db
ALL = ("members.read", "members.write", "orders.read", "orders.write", "refunds.write", "jobs.read")
COPIES, AT_ONCE, KEYS = 50, 10, 4


@pytest.fixture
def program(db: None) -> Callable[..., Caller]:
    def make(*scopes: str, is_sandbox: bool = False) -> Caller:
        issued = credentials.issue_client(name="shop system", scopes=scopes or ALL, is_sandbox=is_sandbox)
        return Caller(secret=issued.secret)

    return make


def order_item(member: Member, number: str = "E-1", **more: object) -> dict:
    return {"order_no": number, "member": ids.encode("mem", member.pk), "total_cents": 12_800, **more}


def test_members_are_added_and_brought_up_to_date_each_by_itself(program):
    shop, store = program(), Store.objects.create(code="S1", name="武康路店")
    items = [
        {"member_no": "P-1", "phone": "17000000001", "nickname": "小满", "store": "S1", "birthday": "1994-05-21"},
        {"member_no": "P-2", "phone": "17000000001"},
        {"member_no": "P-3", "balance": 500},
        {"member_no": "P-1", "nickname": "阿满"},
        "nonsense",
        {"member_no": "P-4", "store": "nowhere"},
    ]

    answer = shop.post("members", {"items": items})

    assert answer.status_code == 200, answer.data
    lines = answer.data["data"]
    assert [line["status"] for line in lines] == ["created", "failed", "failed", "updated", "failed", "failed"]
    assert [line["problem"]["code"] for line in lines if line["problem"]] == [
        "phone_taken", "validation_failed", "validation_failed", "validation_failed",
    ]  # fmt: skip
    assert lines[2]["problem"]["errors"][0]["pointer"] == "/balance"
    assert answer.data["failed"] == 4
    member = Member.objects.get()
    assert (member.member_no, member.nickname, member.home_store_id) == ("P-1", "阿满", store.pk)
    assert members.masked_phone(member.pk) == "170****0001"
    assert lines[0]["id"] == lines[3]["id"] == ids.encode("mem", member.pk)


def test_a_member_is_found_by_phone_number_or_card(program):
    shop = program("members.read")
    member_id = services.register(source="test", member_no="P-1", phone="17000000001")
    services.add_identity(member_id=member_id, kind="card", value="C-0001")
    found = [{"phone": "170 0000 0001"}, {"member_no": "P-1"}, {"card_no": "C-0001"}]
    nobody = [{"phone": "17000000002"}, {"member_no": "C-0001"}, {"card_no": "P-1"}]

    assert [[one["id"] for one in shop.post("members/find", body).data["data"]] for body in found] == [
        [ids.encode("mem", member_id)]
    ] * 3
    assert [shop.post("members/find", body).data["data"] for body in nobody] == [[]] * 3
    assert is_problem(shop.post("members/find", {"phone": "1", "card_no": "1"}), 422, "validation_failed")


def test_what_a_program_noticed_of_a_member_is_theirs_and_under_the_program_s_name(program):
    member_id, alias = (services.register(source="test", member_no=number) for number in ("P-1", "P-2"))
    Member.objects.filter(pk=alias).update(merged_into_id=member_id, status="merged")
    gate = program("events.write")
    signal = {"device": "gate-1", "kind": "gate", "signal": "passed"}
    events = [
        {
            "event_id": str(uuid4()),
            "name": "device_signal",
            "occurred_at": clock.now().isoformat(),
            "properties": signal,
        }
        for _ in range(2)
    ]

    taken = gate.post(f"members/{ids.encode('mem', alias)}/events", {"events": events[:1]})
    both = gate.post(f"members/{ids.encode('mem', member_id)}/events", {"events": events})
    unknown = gate.post(f"members/{ids.encode('mem', member_id + 99)}/events", {"events": events})

    assert (taken.data["accepted"], both.data["accepted"], both.data["duplicates"]) == (1, 1, 1)
    assert is_problem(unknown, 404, "not_found")
    rows = ActivityEvent.objects.values_list("member_id", "source")
    assert {owner for owner, _source in rows} == {member_id}
    assert all(source.startswith("api:") for _owner, source in rows)
    assert is_problem(
        program("members.write").post(f"members/{ids.encode('mem', member_id)}/events", {}), 403, "forbidden"
    )


def test_a_program_joins_two_records_once_and_never_two_people(program):
    first, second, third = (services.register(source="test", member_no=f"P-{n}") for n in range(3))
    for number, member_id in ((1, first), (3, third)):
        services.add_identity(member_id=member_id, kind="phone", value=f"1700000000{number}", is_verified=True)
    address, shop = f"members/{ids.encode('mem', first)}:merge", program("members.merge")
    loser = {"loser": ids.encode("mem", second), "choices": {"nickname": "loser"}}

    assert is_problem(shop.post(address, loser), 400, "idempotency_key_required")
    assert is_problem(program("members.write").post(address, loser, Idempotency_Key="a"), 403, "forbidden")
    done = [shop.post(address, loser, Idempotency_Key=key) for key in ("a", "a", "b")]
    strangers = shop.post(address, {"loser": ids.encode("mem", third)}, Idempotency_Key="c")
    itself = shop.post(address, {"loser": ids.encode("mem", first)}, Idempotency_Key="d")
    wrong = shop.post(address, {**loser, "choices": {"balance": "loser"}}, Idempotency_Key="e")

    assert [one.data for one in done] == [{"id": ids.encode("mem", first)}] * 3
    assert Merge.objects.get().actor.startswith("client:")
    assert Member.objects.get(pk=second).merged_into_id == first
    assert is_problem(strangers, 409, "merge_refused_strong_ids")
    assert strangers.data["kinds"] == ["phone"]
    assert is_problem(itself, 409, "merge_refused")
    assert is_problem(wrong, 422, "validation_failed")


def test_a_program_brings_nobody_back_who_left(program):
    gone = services.register(source="portal", member_no="P-7", phone="17000000007")
    departures.remember(member_id=gone, was_blocked=False)
    Identity.objects.filter(member_id=gone).delete()
    Member.objects.filter(pk=gone).update(member_no=f"erased-{gone}", status="erased")
    leaving = services.register(source="portal", member_no="P-8")
    states.cancel(member_id=leaving)
    items = [
        {"member_no": "P-7"},
        {"member_no": "P-9", "phone": "17000000007"},
        {"member_no": "P-8", "nickname": "小满"},
    ]

    answer = program().post("members", {"items": items})

    assert {line["problem"]["code"] for line in answer.data["data"]} == {"registration_refused"}
    assert Member.objects.get(pk=leaving).nickname == ""
    assert Member.objects.count() == 2


def test_201_items_are_too_many_and_none_is_too_few(program):
    shop = program()

    for items in ([], [{"member_no": f"P-{n}"} for n in range(201)]):
        assert is_problem(shop.post("members", {"items": items}), 422, "validation_failed")
    assert Member.objects.count() == 0


def test_a_member_is_found_by_phone_in_the_body_and_by_number(program, new_member):
    shop, member = program(), new_member("小满", 1).member
    public_id = ids.encode("mem", member.pk)

    assert [one["id"] for one in shop.post("members/find", {"phone": "170 0000 0001"}).data["data"]] == [public_id]
    assert [one["id"] for one in shop.post("members/find", {"member_no": "M0001"}).data["data"]] == [public_id]
    assert shop.post("members/find", {"phone": "17000000009"}).data == {"data": []}
    assert is_problem(shop.post("members/find", {}), 422, "validation_failed")
    shown = shop.get(f"members/{public_id}")
    assert (shown.data["nickname"], shown.data["phone"]) == ("小满", "170****0001")
    assert is_problem(shop.get("members/mem_0000000000000"), 404, "not_found")


def test_orders_come_in_paid_once_with_new_products(program, new_member):
    shop, member = program(), new_member().member
    item = order_item(
        member,
        lines=[{"sku": "TEA-018", "product": "桂花乌龙", "total_cents": 12_800}],
        paid_at="2026-11-20T10:00:00+08:00",
    )
    body = {"items": [item, order_item(member, "E-2", lines=[{"sku": "NEW", "total_cents": 1}])]}

    first = shop.post("orders", body, Idempotency_Key="k1")
    other_key = shop.post("orders", body, Idempotency_Key="k2")

    assert [line["status"] for line in first.data["data"]] == ["stored", "failed"]
    assert first.data["data"][1]["problem"]["errors"][0]["pointer"] == "/lines/0/sku"
    assert other_key.data == first.data
    order = Order.objects.get()
    assert (order.status, order.total_cents, order.source[:4]) == ("paid", 12_800, "api:")
    assert Product.objects.get().name == "桂花乌龙"
    assert Event.objects.filter(name="order.paid").count() == 1
    changed = shop.post("orders", {"items": [item | {"total_cents": 5}]}, Idempotency_Key="k3")
    assert changed.data["data"][0]["problem"]["code"] == "order_number_reused"


def test_a_money_like_call_wants_a_key(program, new_member):
    shop, member = program(), new_member().member

    for path in ("orders", "refunds"):
        assert is_problem(shop.post(path, {"items": [order_item(member)]}), 400, "idempotency_key_required")
    assert is_problem(shop.post("orders", {}, Idempotency_Key="x" * 256), 400, "idempotency_key_required")
    assert Order.objects.count() == 0


def test_refunds_come_in_once_and_never_too_much(program, new_member):
    shop, order = program(), order_of(new_member().member)
    public_id = ids.encode("ord", order.pk)
    items = [
        {"refund_no": "R-1", "order": public_id, "amount_cents": 500},
        {"refund_no": "R-1", "order": public_id, "amount_cents": 500},
        {"refund_no": "R-2", "order": public_id, "amount_cents": 99_999},
        {"refund_no": "R-3", "order": "ord_0000000000000"},
        {"refund_no": "R-4", "order": public_id, "line_no": 7},
    ]

    lines = shop.post("refunds", {"items": items}, Idempotency_Key="k1").data["data"]

    assert [line["status"] for line in lines] == ["refunded", "refunded", "failed", "failed", "failed"]
    assert lines[0]["id"] == lines[1]["id"]
    assert lines[2]["problem"]["code"] == "refund_exceeds"
    assert "order_id" not in lines[2]["problem"]
    assert Refund.objects.get().amount_cents == 500
    shown = shop.get(f"orders/{public_id}")
    assert (shown.data["refunded_cents"], len(shown.data["refunds"])) == (500, 1)


def test_a_till_acts_for_its_own_store_only(program, new_member):
    here, there = (Store.objects.create(code=code, name=code) for code in ("HERE", "THERE"))
    till = Caller(secret=credentials.issue_device(name="till 1", store_id=here.pk, scopes=ALL).secret)
    other = Caller(secret=credentials.issue_device(name="till 2", store_id=there.pk, scopes=ALL).secret)
    member = new_member().member

    item = order_item(member, store="THERE", paid_at="2026-11-20T10:00:00+08:00")
    [line] = till.post("orders", {"items": [item]}, Idempotency_Key="k1").data["data"]

    assert Order.objects.get().store_id == here.pk
    assert till.get(f"orders/{line['id']}").status_code == 200
    assert is_problem(other.get(f"orders/{line['id']}"), 404, "not_found")
    refused = other.post("refunds", {"items": [{"refund_no": "R", "order": line["id"]}]}, Idempotency_Key="k1")
    assert refused.data["data"][0]["status"] == "failed"
    assert Refund.objects.count() == 0
    assert is_problem(till.post("members", {"items": [{"member_no": "P"}]}), 403, "forbidden")


def test_a_key_opens_what_its_scopes_name_until_it_is_revoked(program, me: Caller):
    reader = program("members.read")
    for method, path in (
        ("POST", "members"),
        ("POST", "orders"),
        ("POST", "refunds"),
        ("GET", "orders/ord_1"),
        ("GET", "me"),
    ):
        assert is_problem(reader.call(method, path, {}), 403, "forbidden")
    assert is_problem(me.post("members/find", {"member_no": "M0001"}), 403, "forbidden")
    assert reader.post("members/find", {"member_no": "M0001"}).status_code == 200

    credentials.revoke(kind="client", credential_id=credentials.listed("client")[0].id)

    assert is_problem(reader.post("members/find", {"member_no": "M0001"}), 401, "unauthenticated")


def test_sandbox_keys_work_in_a_sandbox_only_and_set_its_clock(program, new_member, settings):
    tester, live, member = program(is_sandbox=True), program(), new_member().member
    assert is_problem(tester.post("members/find", {"member_no": "M0001"}), 401, "unauthenticated")
    settings.API_SANDBOX = True

    answer = tester.post(
        "orders", {"items": [order_item(member)]}, Idempotency_Key="k1", Test_Clock="2027-03-01T10:00:00+08:00"
    )

    assert answer.status_code == 200
    assert Order.objects.get().created_at.isoformat() == "2027-03-01T02:00:00+00:00"
    for caller, time in ((live, "2027-03-01T10:00:00+08:00"), (tester, "2027-03-01T10:00:00"), (tester, "soon")):
        refused = caller.post("members/find", {"member_no": "M0001"}, Test_Clock=time)
        assert is_problem(refused, 400, "test_clock_refused")


def test_long_work_is_shown_without_its_parameters(program):
    job = Job.objects.create(
        kind="orders.import", state="running", done=4, total=10, params={"file_name": "secret.csv"}
    )

    answer = program("jobs.read").get(f"jobs/{ids.encode('job', job.pk)}")

    assert (answer.data["state"], answer.data["done"], answer.data["total"]) == ("running", 4, 10)
    assert "secret" not in answer.content.decode()


@pytest.mark.django_db(transaction=True)
def test_fifty_copies_of_each_refund_give_back_once_and_answer_to_the_byte(program, new_member):
    shop, order = program(), order_of(new_member().member)
    public_id = ids.encode("ord", order.pk)
    gate = Barrier(AT_ONCE)
    Caller(secret=shop.secret).get(f"orders/{public_id}")

    def send(number: int) -> tuple[int, bytes, bool]:
        key = number // COPIES
        body = {"items": [{"refund_no": f"{key}-{number}", "order": public_id, "amount_cents": 100}]}
        body["items"][0]["refund_no"] = f"key-{key}"  # the same body for all copies of a key
        try:
            gate.wait()
            answer = Caller(secret=shop.secret).post("refunds", body, Idempotency_Key=f"k{key}")
            return answer.status_code, answer.content, answer.get("Idempotency-Replayed") == "true"
        finally:
            connection.close()

    with ThreadPoolExecutor(AT_ONCE) as pool:
        outcomes = list(pool.map(send, range(COPIES * KEYS)))

    assert {status for status, _body, _replayed in outcomes} <= {200, 409}
    for key in range(KEYS):
        done = [one for one in outcomes[key * COPIES : (key + 1) * COPIES] if one[0] == 200]
        assert len({body for _status, body, _replayed in done}) == 1
        assert sum(not replayed for _status, _body, replayed in done) == 1
    assert Order.objects.get().refunded_cents == KEYS * 100
    assert IdempotencyKey.objects.count() == KEYS


def test_another_body_under_the_same_key_and_another_caller_with_it(program, new_member):
    shop, other, order = program(), program(), order_of(new_member().member)
    public_id = ids.encode("ord", order.pk)

    def body(amount: int) -> dict:
        return {"items": [{"refund_no": f"R-{amount}", "order": public_id, "amount_cents": amount}]}

    assert shop.post("refunds", body(100), Idempotency_Key="k1").status_code == 200
    reused = shop.post("refunds", body(200), Idempotency_Key="k1")
    theirs = other.post("refunds", body(300), Idempotency_Key='"k1"')

    assert is_problem(reused, 422, "idempotency_key_reused")
    assert (theirs.status_code, theirs.get("Idempotency-Replayed")) == (200, None)
    assert Order.objects.get().refunded_cents == 400
    assert settings.API_SANDBOX is False
