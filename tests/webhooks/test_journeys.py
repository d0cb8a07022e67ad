"""A journey calls an endpoint: published only where there is one, one delivery a walk; where there is none any more, it goes on."""

from datetime import timedelta

import pytest

from apps.care.journeys import editing, entering
from apps.core import clock
from apps.core.errors import ValidationFailed
from apps.events.models import Event
from apps.flows import journey_called
from apps.members import services as members
from apps.webhooks import dispatch, endpoints
from apps.webhooks.models import Delivery
from tests.care.walks import journey, standing, tick, walked

CALL = {"key": "call", "kind": "webhook", "endpoint": "erp", "next": "end"}


def enter(row) -> int:
    member_id = members.register(source="test", nickname="林溪")
    put = entering.put_in(journey_key=row.key, member_ids=[member_id], occurrence="once", moment=clock.now())
    assert put == [member_id]
    return member_id


def test_each_walk_calls_once_and_goes_on_where_the_endpoint_is_off_or_gone(endpoint, receiver, run_flows):
    with pytest.raises(ValidationFailed) as refusal:
        journey(CALL)
    assert [(one["pointer"], one["code"]) for one in refusal.value.facts["errors"]] == [
        ("/nodes/0/endpoint", "no_endpoint")
    ]
    endpoint("erp", facts=())
    endpoint("other", facts=("member.registered",))
    row = journey(CALL, key="lapse")

    first = enter(row)
    moment = clock.now() + timedelta(minutes=1)
    tick(moment)
    tick(moment)
    run_flows()
    journey_called.call(Event.objects.get(name="journey.called"))

    assert walked(first) == [("call", "done"), ("end", "done")]
    told = Delivery.objects.get(message__type="journey.called")
    assert told.endpoint.key == "erp"
    dispatch.send_due()
    assert receiver.refused == []
    (call,) = [taken.told["data"] for taken in receiver.taken if taken.told["type"] == "journey.called"]
    assert (call["journey"], call["step"]) == ("lapse", "call")
    assert call["member"].startswith("mem_")

    endpoints.switch_off(key="erp")
    second = enter(row)
    tick(moment)
    endpoints.retire(key="erp")
    third = enter(row)
    tick(moment)
    run_flows()

    assert walked(second) == [("call", "endpoint_off"), ("end", "done")]
    assert walked(third) == [("call", "endpoint_gone"), ("end", "done")]
    assert standing(third) == ("end", "done")
    assert Event.objects.filter(name="journey.called").count() == 1
    with pytest.raises(ValidationFailed):
        editing.publish(journey_id=row.pk)
