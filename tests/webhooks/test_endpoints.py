"""Endpoints and what is told: rules of the form, keys that stay, a closed catalogue whose data keep their schema."""

import re
from datetime import timedelta
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from apps.core import clock, ids
from apps.core.errors import NotFound, ValidationFailed
from apps.core.models import AuditEntry
from apps.coupons.models import Use
from apps.flows import webhooks_told
from apps.flows.subscriptions import STEPS
from apps.followups.models import Task
from apps.members import services as members
from apps.members.models import Member
from apps.orders.models import Refund
from apps.points.shelf import Exchange
from apps.webhooks import catalogue, dispatch, endpoints, ledgers, telling
from apps.webhooks.errors import TooManyEndpoints
from apps.webhooks.models import Delivery, Endpoint
from tests.flows.rows import Rows

GUIDE = Path(__file__).parents[2] / "docs" / "webhooks.md"
GOOD: dict[str, Any] = {
    "key": "erp",
    "name": "ERP",
    "url": "https://erp.partner.cn/in",
    "facts": ["order.paid"],
    "user_id": None,
}


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("change", "pointer", "code"),
    [
        ({"key": "ERP"}, "/key", "wrong_form"),
        ({"key": "e"}, "/key", "wrong_form"),
        ({"name": "  "}, "/name", "wrong_length"),
        ({"url": "http://erp.partner.cn/in"}, "/url", "not_https"),
        ({"url": "https://100.100.100.200/latest"}, "/url", "not_public"),
        ({"facts": ["order.eaten"]}, "/facts", "unknown_value"),
        ({"facts": [catalogue.CALLED]}, "/facts", "unknown_value"),
    ],
)
def test_an_endpoint_that_is_not_right_is_refused_whole(change: dict[str, Any], pointer: str, code: str):
    with pytest.raises(ValidationFailed) as refusal:
        endpoints.make(**GOOD | change)

    assert [(one["pointer"], one["code"]) for one in refusal.value.facts["errors"]] == [(pointer, code)]
    assert Endpoint.objects.exists() is False


@pytest.mark.django_db
def test_a_key_is_given_out_once_and_acts_stand_in_the_audit_trail():
    made = endpoints.make(**GOOD)
    endpoints.change(key="erp", name="ERP 2", url="https://erp.partner.cn/out", facts=["order.refunded", "order.paid"])
    endpoints.rotate(key="erp")
    endpoints.switch_off(key="erp")
    endpoints.switch_off(key="erp")
    endpoints.switch_on(key="erp")
    endpoints.retire(key="erp")

    with pytest.raises(ValidationFailed):
        endpoints.make(**GOOD)
    with pytest.raises(NotFound):
        endpoints.switch_on(key="erp")
    rows = AuditEntry.objects.filter(object_type="webhook_endpoint").order_by("id")
    acts = ["made", "changed", "secret_changed", "switched_off", "switched_on", "removed"]
    assert [row.action for row in rows] == [f"webhook_endpoint.{act}" for act in acts]
    assert rows[1].after["facts"] == ["order.paid", "order.refunded"]
    assert made.secret not in str([row.after for row in rows])


@pytest.mark.django_db
def test_there_is_room_for_so_many_endpoints(monkeypatch):
    monkeypatch.setattr(endpoints, "MOST", 1)
    endpoints.make(**GOOD)
    with pytest.raises(TooManyEndpoints):
        endpoints.make(**GOOD | {"key": "bi"})
    endpoints.retire(key="erp")
    endpoints.make(**GOOD | {"key": "bi"})


def test_every_fact_of_the_catalogue_is_wired():
    told = {fact for fact, steps in STEPS.items() if webhooks_told.tell in steps}
    assert told | ledgers.LEDGERS.keys() == catalogue.FACTS.keys()
    assert not told & ledgers.LEDGERS.keys()


@pytest.mark.django_db
def test_the_data_of_every_fact_keep_its_schema_and_say_nothing_about_a_person():
    member = Member.objects.create(member_no="CANARY0", nickname="CANARY", source="CANARY")
    rows = Rows(member, "CANARY")
    use, refund, task, exchange = (rows.of(model, "member") for model in (Use, Refund, Task, Exchange))
    order_id = Refund.objects.values_list("order_id", flat=True).get()
    payload: dict[str, Any] = {
        "order_id": order_id, "refund_id": refund.pk, "member_id": member.pk, "survivor_id": member.pk, "loser_id": 9,
        "use_id": use.pk, "template_id": Use.objects.values_list("template_id", flat=True).get(), "task_id": task.pk,
        "exchange_id": exchange.pk, "before": None, "after": "gold", "is_rise": True, "cause": "reached", "tier": "gold",
        "falls_to": "silver", "missing": 5, "last_day": "2026-12-31", "currency": "points", "points": 7, "coupons": 2, "left": 3,
        "segment": "vip", "entered": 1, "track": "baby", "step": "six", "journey": "lapse", "node": "call", "enrolment_id": 4,
        "text": "hello", "kind": "earn", "amount": -7, "balance": 0, "coupon_id": 3, "channel": "care",
        "template": "gift", "ends_at": None,
        "is_granted": True, "purpose": "care",
    }  # fmt: skip
    nine = ids.encode("mem", 9)
    for name, fact in catalogue.ALL.items():
        data = fact.made(payload)
        jsonschema.Draft202012Validator(fact.schema).validate(data)
        shown = {
            key: value for key, value in data.items() if key not in ("source", "order_no")
        }  # the order's own number
        assert "CANARY" not in str(shown), name
        assert str(fact.label)
    assert catalogue.ALL["member.merged"].made(payload)["other"] == nine


@pytest.mark.django_db
def test_a_call_of_a_journey_for_an_endpoint_that_is_off_says_so_and_goes_nowhere():
    endpoints.make(**GOOD)
    endpoints.switch_off(key="erp")
    payload = {"journey": "lapse", "node": "call", "enrolment_id": 4, "member_id": 9}
    for _twice in range(2):
        telling.call(endpoint="erp", key="journey.called:4:call", payload=payload, moment=clock.now())

    row = Delivery.objects.get()
    assert (row.state, row.error, row.tries) == ("dropped", "endpoint_off", 0)
    assert dispatch.claim() == []


@pytest.mark.django_db
def test_a_test_call_goes_out_and_the_guide_s_receiver_takes_it_but_nothing_forged_or_old(endpoint, receiver):
    """The code of the guide, as it stands there."""
    (code,) = re.findall(r"```python\n(.*?)```", GUIDE.read_text(), re.DOTALL)
    guide: dict[str, Any] = {}
    exec(code, guide)
    endpoint()
    seen: list[tuple[dict[str, str], bytes]] = []
    verified = receiver._verified

    def keep(path: str, headers: dict[str, str], body: bytes) -> object:
        seen.append((headers, body))
        return verified(path, headers, body)

    receiver._verified = keep
    telling.ping(key="erp")
    assert dispatch.send_due() == {"delivered": 1}

    ((headers, body),) = seen
    secret, sent = receiver.secrets[0], clock.now().timestamp()
    assert guide["verified"](headers, body, secret, sent)["data"] == {"text": "Siyu says hello."}
    forged = [
        (headers, body + b" ", secret, sent), (headers | {"webhook-id": "evt_other"}, body, secret, sent),
        (headers, body, secret, sent + timedelta(minutes=6).total_seconds()), (headers, body, "whsec_" + "A" * 44, sent),
    ]  # fmt: skip
    for one in forged:
        with pytest.raises(ValueError, match="webhook"):
            guide["verified"](*one)


def test_members_stay_what_they_are_when_nobody_listens(db, run_flows):
    members.register(source="test", nickname="林溪")
    run_flows()
    assert Delivery.objects.exists() is False
