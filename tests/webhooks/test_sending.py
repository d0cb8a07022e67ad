"""Deliveries: told once, signed by the standard, tried again by the plan, and each endpoint for itself. A strict receiver listens."""

import json
import threading
from datetime import UTC, datetime, timedelta

import pytest
from django.core.management import call_command
from django.db import connection

from apps.core import brand, clock, ids
from apps.core.models import Alert, AuditEntry
from apps.coupons import issuing
from apps.members import services as members
from apps.orders import services as orders
from apps.orders.services import NewLine
from apps.points import services as points
from apps.segments.models import StageChange
from apps.webhooks import dispatch, endpoints, ledgers, replaying, selectors, signing, telling
from apps.webhooks.errors import EndpointOff
from apps.webhooks.models import Attempt, Delivery, Endpoint, LedgerMark, Message, Secret
from apps.webhooks.settings import OFF_AFTER
from tests.coupons.making import template
from tests.waiting import until

NOON = datetime(2026, 12, 1, 4, 0, tzinfo=UTC)


@pytest.fixture
def at(receiver):
    """Lets house and receiver stand at a moment."""

    def stand(moment: datetime):
        receiver.now = moment.timestamp
        return clock.frozen(moment)

    return stand


def tell(number: int = 1, fact: str = "member.registered") -> None:
    member_id = members.register(source="test", nickname="林溪")
    payload = {"member_id": member_id}
    telling.tell(fact=fact, key=f"{fact}:{number}", payload=payload, moment=NOON)


def states() -> list[tuple[str, str]]:
    return list(Delivery.objects.order_by("pk").values_list("state", "error"))


def answering(receiver, status: int, **headers: str) -> None:
    receiver.answer = lambda taken: (status, {name.replace("_", "-"): value for name, value in headers.items()}, b"hm")


def test_the_signature_is_the_one_of_the_standard():
    made = signing.signature(
        ["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"], message_id="msg_p5jXN8AQM9LWM0D4loKWxJek", timestamp=1614265330,
        body=b'{"test": 2432232314}',
    )  # fmt: skip
    assert made == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_a_paid_order_is_told_once_to_each_that_asked(endpoint, receiver, run_flows):
    endpoint("erp")
    endpoint("bi", facts=("order.paid",))
    endpoint("mute", facts=())
    member_id = members.register(source="test", nickname="林溪", phone="13900001234")
    order = orders.record(
        source="pos", order_no="A1", member_id=member_id, lines=[NewLine(product_id=None, total_cents=500)], total_cents=500
    )  # fmt: skip
    paid = orders.mark_paid(order_id=order.pk)
    run_flows()
    telling.tell(fact="order.paid", key=f"order.paid:{order.pk}", payload={"order_id": order.pk}, moment=NOON)

    assert dispatch.send_due() == {"delivered": 3}
    assert dispatch.send_due() == {}

    assert receiver.refused == []
    told = [taken.told for taken in receiver.taken if taken.told["type"] == "order.paid"]
    assert len(told) == 2
    assert told[0] == told[1]
    ids = {taken.id for taken in receiver.taken}
    assert len(ids) == 2  # two messages, one of them for two
    data = told[0]["data"]
    assert data.pop("order").startswith("ord_")
    assert data.pop("member").startswith("mem_")
    assert data == {
        "source": "pos", "order_no": "A1", "store": None, "status": "paid", "total_cents": 500, "refunded_cents": 0,
        "paid_at": paid.paid_at.isoformat().replace("+00:00", "Z"),
    }  # fmt: skip
    everything = "".join(Message.objects.values_list("body", flat=True))
    assert "林溪" not in everything
    assert "13900001234" not in everything
    assert "0001234" not in everything
    assert [row.status for row in Delivery.objects.all()] == [204, 204, 204]


def test_ten_tries_in_seventy_five_hours_then_it_has_failed_and_a_replay_brings_the_same_message(
    endpoint, receiver, at
):
    brand.write(OFF_AFTER, 0)
    endpoint()
    answering(receiver, 500)
    with at(NOON):
        tell()
    moment, pauses = NOON, []
    for _try in range(10):
        with at(moment):
            dispatch.send_due()
            assert dispatch.send_due() == {}
        row = Delivery.objects.get()
        if row.settled_at is None:
            pauses.append((row.due_at - moment).total_seconds())
            moment = row.due_at
    plan = [5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400]
    assert all(wanted <= had <= wanted * 1.1 for wanted, had in zip(plan, pauses, strict=True)), pauses
    assert len({round(had / wanted, 6) for wanted, had in zip(plan, pauses, strict=True)}) > 1  # by chance
    assert states() == [("failed", "answered")]
    assert Attempt.objects.filter(status=500, error="answered", answer="hm").count() == 10

    answering(receiver, 200)
    with at(moment + timedelta(days=1)):
        assert replaying.all_failed(key="erp", since=NOON + timedelta(seconds=1)) == 0
        assert replaying.all_failed(key="erp", since=NOON) == 1
        assert dispatch.send_due() == {"delivered": 1}
        assert Delivery.objects.get().tries == 1  # a plan of its own
        replaying.one(delivery_id=row.pk)
        assert dispatch.send_due() == {"delivered": 1}
    assert len(receiver.taken) == 12
    assert receiver.refused == []
    assert len({(taken.id, str(taken.told)) for taken in receiver.taken}) == 1
    assert len({taken.timestamp for taken in receiver.taken}) == 11
    acts = ["webhook_endpoint.replayed", "webhook_delivery.replayed"]
    assert list(AuditEntry.objects.filter(action__in=acts).order_by("id").values_list("action", flat=True)) == acts


def test_only_2xx_is_success_and_a_wish_to_wait_is_followed(endpoint, receiver, at):
    endpoint()
    with at(NOON):
        for number, (status, wish, least) in enumerate(
            [
                (302, "9", 5),
                (404, "9", 5),
                (429, "3600", 3_600),
                (503, "999999999", 5),
                (503, "864000", 86_400),
                (503, "soon", 5),
            ]
        ):
            answering(receiver, status, Retry_After=wish, Location=receiver.url)
            tell(number)
            assert dispatch.send_due() == {"waiting": 1}
            row = Delivery.objects.latest("pk")
            assert (row.status, row.error) == (status, "answered")
            assert least <= (row.due_at - NOON).total_seconds() <= least * 1.1
    assert len(receiver.taken) == 6


def test_gone_switches_an_endpoint_off_and_staff_are_told(endpoint, receiver):
    endpoint()
    tell(1)
    tell(2)
    Delivery.objects.filter(message__source="fact:member.registered:2").update(due_at=clock.now() + timedelta(hours=1))
    answering(receiver, 410)

    assert dispatch.send_due() == {"failed": 1}

    row = Endpoint.objects.get()
    assert (row.off, row.is_active) == ("gone", False)
    assert states() == [("failed", "answered"), ("failed", "endpoint_off")]
    assert Alert.objects.get().facts == {"endpoint": "erp", "why": "gone"}
    tell(3)
    assert Delivery.objects.count() == 2
    with pytest.raises(EndpointOff):
        replaying.all_failed(key="erp", since=NOON)
    assert states() == [("failed", "answered"), ("failed", "endpoint_off")]
    endpoints.switch_on(key="erp")
    assert Alert.objects.get().seen_at is not None


@pytest.mark.parametrize(("days", "off"), [(5, "failing"), (0, "")])
def test_days_of_failures_switch_an_endpoint_off_where_the_brand_wants_it(days: int, off: str, endpoint, receiver, at):
    brand.write(OFF_AFTER, days)
    endpoint()
    answering(receiver, 500)
    for number, passed in enumerate([timedelta(0), timedelta(days=5, seconds=-1), timedelta(days=5)]):
        with at(NOON + passed):
            assert Endpoint.objects.get().off == ""
            tell(number)
            dispatch.send_due()

    assert Endpoint.objects.get().off == off
    assert Alert.objects.count() == bool(off)


def test_a_success_begins_the_count_anew(endpoint, receiver, at):
    endpoint()
    for number, (days, status) in enumerate([(0, 500), (4, 200), (6, 500)]):
        answering(receiver, status)
        with at(NOON + timedelta(days=days)):
            tell(number)
            dispatch.send_due()
    row = Endpoint.objects.get()
    assert (row.off, row.failing_since, row.succeeded_at) == ("", NOON + timedelta(days=6), NOON + timedelta(days=4))


def test_for_24_hours_after_a_change_both_secrets_sign(endpoint, receiver, at):
    with at(NOON):
        endpoint()
        (first,) = receiver.secrets
        second = endpoints.rotate(key="erp")
        assert second != first
        assert second.startswith("whsec_")
    cases = [
        (timedelta(0), [first], 2), (timedelta(0), [second], 2), (timedelta(hours=24, seconds=-1), [first], 2),
        (timedelta(hours=24), [second], 1), (timedelta(hours=24), [first], 0),
    ]  # fmt: skip
    for number, (passed, knows, signatures) in enumerate(cases):
        receiver.secrets, receiver.taken = knows, []
        with at(NOON + passed):
            tell(number)
            assert dispatch.send_due() == ({"delivered": 1} if signatures else {"waiting": 1})
        assert [taken.signatures for taken in receiver.taken] == [signatures][: bool(signatures)]
    assert receiver.refused == ["signature"]

    with at(NOON + timedelta(hours=30)):
        third = endpoints.rotate(key="erp")
        fourth = endpoints.rotate(key="erp")
        living = signing.living(endpoint_ids=[Endpoint.objects.get().pk], moment=clock.now())
    assert list(living.values()) == [[fourth, third]]  # never more than two


def test_secrets_are_sealed_and_outlive_a_change_of_the_field_key(endpoint, receiver, settings):
    endpoint()
    (secret,) = receiver.secrets
    row = Secret.objects.get()
    assert secret.encode() not in bytes(row.sealed) + bytes(row.wrapped)
    (old_id, old), *_ = settings.FIELD_KEYS.items()
    fresh = bytes(range(7, 39))
    settings.FIELD_KEYS = {"k2": fresh, old_id: old}
    call_command("rewrap_keys", stdout=open("/dev/null", "w"), stderr=open("/dev/null", "w"))  # noqa: SIM115
    settings.FIELD_KEYS = {"k2": fresh}

    assert signing.living(endpoint_ids=[row.endpoint_id], moment=clock.now()) == {row.endpoint_id: [secret]}
    assert AuditEntry.objects.get(action="member_keys.rewrapped").after["webhook_secrets"] == 1
    assert signing.rewrap() == 0


def test_a_killed_sender_leaves_its_deliveries_to_the_next_after_the_lease(endpoint, receiver, at):
    endpoint()
    with at(NOON):
        tell()
        (lost,) = dispatch.claim()  # and then it dies
    with at(NOON + timedelta(seconds=59)):
        assert dispatch.send_due() == {}
    with at(NOON + timedelta(seconds=60)):
        answering(receiver, 500)
        assert dispatch.send_due() == {"waiting": 1}
        late = dispatch.Outcome(lost, NOON, 3, error="timeout")
        assert dispatch.record([late]) == {"late": 1}  # who was thought dead has nothing to say about the plan
        row = Delivery.objects.get()
        assert (row.state, row.tries, row.error) == ("waiting", 2, "answered")
        taken = dispatch.Outcome(lost, NOON, 3, status=204)
        assert dispatch.record([taken, taken]) == {"delivered": 1, "late": 1}  # but what arrived has arrived
    assert Delivery.objects.get().state == "delivered"
    assert Attempt.objects.count() == 4


def test_an_endpoint_has_four_calls_under_way_and_one_while_it_fails(endpoint, at):
    row = endpoint()
    with at(NOON):
        for number in range(6):
            tell(number)
        assert len(dispatch.claim()) == 4
        assert dispatch.claim() == []
        Delivery.objects.filter(state="sending").update(state="waiting")
        Endpoint.objects.filter(pk=row.pk).update(failing_since=NOON)
        Delivery.objects.update(due_at=NOON)
        assert len(dispatch.claim()) == 1
        assert dispatch.claim() == []


def test_nothing_leaves_for_an_address_inside(endpoint, settings):
    endpoint()
    settings.OUTBOUND_LOOPBACK = False
    tell()

    assert dispatch.send_due() == {"waiting": 1}

    assert states() == [("waiting", "not_https")]


@pytest.mark.django_db(transaction=True)
def test_a_slow_endpoint_holds_up_nobody_else(endpoint, receiver):
    endpoint("slow", url=f"{receiver.url}/slow")
    endpoint("fast")
    held = threading.Event()

    def answer(taken):
        if taken.path.endswith("/slow"):
            held.wait(20)
        return 204, {}, b""

    receiver.answer = answer
    for number in range(6):
        tell(number)
    done: list[object] = []

    def work() -> None:
        try:
            done.append(dispatch.drain(seconds=30))
        finally:
            connection.close()

    thread = threading.Thread(target=work)
    thread.start()
    until(lambda: sum(not taken.path.endswith("/slow") for taken in receiver.taken) == 6, seconds=10)
    tell(6)  # and what comes meanwhile goes out as well
    until(lambda: Delivery.objects.filter(endpoint__key="fast", state="delivered").count() == 7, seconds=10)
    assert Delivery.objects.filter(endpoint__key="slow", state="sending").count() == 4
    assert dispatch.drain(seconds=0.1) == {}  # the lane is taken
    held.set()
    thread.join(10)

    assert done == [{"delivered": 14}]
    assert selectors.is_due(moment=clock.now()) is False
    assert receiver.refused == []


def test_ledgers_tell_points_coupons_stages_and_consents_once_and_from_the_asking_on(endpoint, shelf, at):
    """Also what a slow transaction writes down late, under a number that was passed long ago."""
    with at(NOON):
        member_id = members.register(source="test", nickname="林溪")
        members.give_consent(
            member_id=member_id, purpose="care", channel="sms", is_granted=True, source="test", text_version="1"
        )
        assert ledgers.read() == 0, "nobody asked"
        endpoint("erp", facts=tuple(ledgers.LEDGERS))
        assert ledgers.read() == 0, "what was before is not told"
        points.earn(member_id=member_id, amount=70, source="test:1")
        members.give_consent(
            member_id=member_id, purpose="care", channel="sms", is_granted=False, source="test", text_version="1"
        )
        StageChange.objects.create(member_id=member_id, after="new", cause="first", at=NOON, recorded_at=NOON)
        shelf(member_id)
        assert ledgers.read() == 4
        assert ledgers.read() == 0
    who = ids.encode("mem", member_id)
    told = {body["type"]: body["data"] for body in map(json.loads, Message.objects.values_list("body", flat=True))}
    assert told["points.changed"] == {
        "member": who, "currency": "points", "kind": "earn", "amount": 70, "balance": 70,
    }  # fmt: skip
    assert told["member.consent_changed"] == {"member": who, "purpose": "care", "channel": "sms", "is_granted": False}
    assert told["member.stage_changed"] == {"member": who, "before": None, "after": "new", "cause": "first"}
    assert (told["coupon.issued"]["member"], told["coupon.issued"]["template"]) == (who, "back")
    assert Delivery.objects.count() == Message.objects.count() == 4

    number = StageChange.objects.get().pk

    def moved(ahead: int) -> None:
        StageChange(
            pk=number + ahead,
            member_id=member_id,
            before="new",
            after="active",
            cause="order",
            at=NOON,
            recorded_at=NOON,
        ).save(force_insert=True)

    for minutes, ahead, told_now in ((6, 0, 0), (12, 2, 1), (13, 0, 0), (14, 1, 1), (15, 0, 0)):
        if ahead:
            moved(ahead)
        with at(NOON + timedelta(minutes=minutes)):
            assert ledgers.read() == told_now, minutes
    Endpoint.objects.update(off="staff", off_at=NOON)
    assert (ledgers.read(), LedgerMark.objects.count()) == (0, 0)


@pytest.fixture
def shelf(db):
    """A coupon in a member's wallet."""

    def issue(member_id: int) -> None:
        row = template("back")
        issuing.issue_many(member_ids=[member_id], template_id=row.pk, source="test", channel="care")

    return issue
