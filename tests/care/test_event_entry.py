"""Journeys that begin with what a member does, with a kept booking, or with a ticket that was resolved."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from apps.activity.models import Event
from apps.care.journeys import graph
from apps.care.models import Enrolment
from apps.core.errors import ValidationFailed
from apps.events import services as facts
from apps.events.models import Event as Fact
from apps.flows import journey_entered
from apps.members.models import Member
from tests.care.conftest import NOON, Shop
from tests.care.walks import journey, sms, tick

pytestmark = pytest.mark.django_db
MINUTE = timedelta(minutes=1)


def did(
    member: Member | None,
    at: datetime,
    name: str = "product_viewed",
    *,
    told: datetime | None = None,
    **properties: Any,
) -> Event:
    return Event.objects.create(
        occurred_at=at,
        received_at=told or at,
        event_id=uuid4(),
        name=name,
        member=member,
        source="test",
        properties=properties,
    )


def entered() -> list[tuple[str, str]]:
    return sorted(Enrolment.objects.values_list("member__member_no", "occurrence"))


def test_once_per_thing_it_was_done_with_and_only_with_those(shop: Shop, noon: datetime) -> None:
    entry = {
        "kind": "event",
        "event": "product_viewed",
        "by": "sku",
        "only": {"property": "from", "values": ["search", "poster"]},
    }
    one, other = shop.member(), shop.member()
    did(one, NOON - MINUTE, sku="P0", **{"from": "search"})
    journey(sms("hello", "end"), entry=entry, again={"kind": "each"})
    tick(NOON + MINUTE)
    assert entered() == [], "what was done before it began"

    did(one, NOON + MINUTE, sku="P1", **{"from": "search"})
    did(one, NOON + MINUTE, sku="P2", **{"from": "banner"})
    did(one, NOON + MINUTE, "searched", sku="P7", **{"from": "search"})
    did(None, NOON + MINUTE, sku="P1", **{"from": "search"})
    did(other, NOON + MINUTE, sku="x" * 64, **{"from": "poster"})
    did(other, NOON - timedelta(days=3), sku="P9", **{"from": "poster"})
    did(other, NOON - timedelta(days=60), told=NOON + MINUTE, sku="P8", **{"from": "poster"})  # told of too late
    tick(NOON + 2 * MINUTE)
    md5 = "c1bb4f81d892b2d57947682aeb252456"
    assert entered() == [("M1", "event:P1"), ("M2", f"event:{md5}")]

    did(one, NOON + 3 * MINUTE, sku="P1", **{"from": "search"})
    did(one, NOON + 3 * MINUTE, sku="P3", **{"from": "poster"})
    tick(NOON + 4 * MINUTE)
    tick(NOON + 4 * MINUTE)
    assert entered() == [("M1", "event:P1"), ("M1", "event:P3"), ("M2", f"event:{md5}")], (
        "the same thing once, another one anew"
    )


def test_what_was_being_written_at_the_last_look_is_met_at_the_next(shop: Shop, noon: datetime) -> None:
    journey(sms("hello", "end"), entry={"kind": "event", "event": "custom.tried_on"}, again={"kind": "each"})
    tick(NOON + 4 * MINUTE)
    late = did(shop.member(), NOON + 2 * MINUTE, "custom.tried_on")
    tick(NOON + 5 * MINUTE)
    assert entered() == [("M1", f"event:{late.event_id}")]


def test_who_wants_no_personalisation_is_not_met_by_what_they_do(shop: Shop, noon: datetime) -> None:
    journey(sms("hello", "end"), entry={"kind": "event", "event": "product_viewed"})
    member = shop.member()
    shop.consent(member.pk, purpose="profiling", channel="any", given=False)
    did(member, NOON, sku="P1")
    tick(NOON + MINUTE)
    assert entered() == []
    assert graph.checked(
        {"entry": {"kind": "event", "event": "searched"}, "nodes": [{"key": "end", "kind": "exit"}]}
    ).is_profiling


@pytest.mark.parametrize(
    ("entry", "wrong"),
    [
        ({"event": "bought"}, ("/entry/event", "unknown_event")),
        ({"event": "custom.Bad"}, ("/entry/event", "unknown_event")),
        ({"event": "searched", "by": "sku"}, ("/entry/by", "unknown_property")),
        (
            {"event": "searched", "only": {"property": "sku", "values": ["1"]}},
            ("/entry/only/property", "unknown_property"),
        ),
    ],
)
def test_an_event_that_is_none_is_refused(db: None, entry: dict[str, Any], wrong: tuple[str, str]) -> None:
    with pytest.raises(ValidationFailed) as refused:
        graph.checked({"entry": {"kind": "event"} | entry, "nodes": [{"key": "end", "kind": "exit"}]})
    errors: Any = refused.value.facts["errors"]
    assert [(error["pointer"], error["code"]) for error in errors] == [wrong]


def test_a_kept_booking_and_a_resolved_ticket_begin_a_journey_once(
    shop: Shop, noon: datetime, run_flows: Callable[..., None]
) -> None:
    member = shop.member()
    for key, fact in (("served", "ticket.resolved"), ("visited", "booking.kept")):
        journey(sms("hello", "end"), key=key, entry={"kind": "fact", "fact": fact}, again={"kind": "each"})
    for number, state in enumerate(["working", "resolved", "working", "resolved"]):
        said = {"ticket_id": 7, "member_id": member.pk, "kind": "question", "state": state}
        journey_entered.enter_resolved(Fact(name="ticket.moved", key=f"7:{number}", payload=said))
        assert len(entered()) == (number > 0), state
    facts.publish("booking.kept", key="3", lane=f"member:{member.pk}", booking_id=3, member_id=member.pk)
    run_flows()
    assert entered() == [("M1", "booking.kept:3"), ("M1", "ticket:7")]
