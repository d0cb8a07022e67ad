"""A journey's graph: what is refused and where, the order of its steps, what publishing freezes."""

import json
import random
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from django.conf import settings
from django.db import transaction

from apps.care.journeys import editing, entering, graph, stepping
from apps.care.journeys.grammar import SCHEMA
from apps.care.models import JourneyVersion, Policy, Version
from apps.core.errors import ValidationFailed
from tests.care.conftest import Shop
from tests.care.test_policies import FINE, ODD

SMS = {"kind": "send", "channel": "sms", "template": "{{ nickname }}，好久不见"}
END = {"key": "end", "kind": "exit"}
CALL = {"kind": "call"}


def of(*nodes, **more):
    return {"entry": CALL, "nodes": [*nodes, END], **more}


def errors(data):
    with pytest.raises(ValidationFailed) as refused:
        graph.checked(data)
    return [(error["pointer"], error["code"]) for error in refused.value.facts["errors"]]


def test_the_schema_is_the_published_one():
    published = Path(settings.BASE_DIR) / "docs" / "journey-graph.schema.json"
    assert json.loads(published.read_text()) == SCHEMA


@pytest.mark.django_db
def test_steps_come_in_an_order_in_which_every_way_leads_forward():
    found = graph.checked(
        of(
            {"key": "a", "kind": "split", "arms": [{"percent": 50, "next": "c"}, {"percent": 50, "next": "b"}]},
            {"key": "c", "kind": "wait", "for": {"kind": "time", "days": 1}, "next": "d"},
            {"key": "d", **SMS, "next": "end"},
            {"key": "b", "kind": "wait", "for": {"kind": "time", "hours": 1}, "next": "c"},
        )
    )
    order = list(found.nodes)
    assert order[0] == "a"
    assert order.index("b") < order.index("c") < order.index("d") < order.index("end")


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("data", "wrong"),
    [
        (of({"key": "a", **SMS, "next": "gone"}), [("/nodes/0/next", "unknown_step"), ("/nodes/1", "unreachable")]),
        (
            of({"key": "a", **SMS, "next": "b"}, {"key": "b", **SMS, "next": "a"}),
            [("/nodes/0", "circle"), ("/nodes/2", "unreachable")],
        ),
        (of({"key": "a", **SMS, "next": "end"}, {"key": "a", **SMS, "next": "end"}), [("/nodes/1/key", "key_twice")]),
        (of({"key": "a", **SMS, "next": "end"}, {"key": "b", **SMS, "next": "end"}), [("/nodes/1", "unreachable")]),
        (of({"key": "a", "kind": "send", "channel": "sms", "template": "{{ secret }} x", "next": "end"}),
         [("/nodes/0/template", "unknown_variable")]),
        (of({"key": "a", "kind": "wait", "for": {"kind": "time"}, "next": "end"}), [("/nodes/0/for", "no_time")]),
        (of({"key": "a", "kind": "wait", "for": {"kind": "date", "field": "shoe", "hour": 9}, "next": "end"}),
         [("/nodes/0/for/field", "unknown_date_field")]),
        (of({"key": "a", "kind": "split", "arms": [{"percent": 50, "next": "end"}, {"percent": 49, "next": "end"}]}),
         [("/nodes/0/arms", "shares_not_100")]),
        (of({"key": "a", "kind": "coupon", "template": "none", "next": "end"}), [("/nodes/0/template", "unknown_coupon")]),
        (of({"key": "a", "kind": "webhook", "endpoint": "x", "next": "end"}), [("/nodes/0/endpoint", "no_endpoint")]),
        (of({"key": "a", "kind": "tag", "add": ["none"], "next": "end"}), [("/nodes/0/add/0", "unknown_tag")]),
        (of({"key": "a", "kind": "branch", "ways": [{"rule": {"field": "shoe", "op": "is", "value": 1}, "next": "end"}],
             "otherwise": "end"}),
         [("/nodes/0/ways/0/rule/field", "unknown_field")]),
        (of(entry={"kind": "trigger", "trigger": "stage_entered", "params": {"stage": "nowhere"}}),
         [("/entry/params/stage", "unknown_value")]),
        (of(entry={"kind": "schedule", "at": "2026-13-01"}), [("/entry/at", "not_a_date")]),
        (of(ends=[{"when": {"kind": "rule", "rule": {"field": "orders"}}}]), [("/ends/0/when/rule", "unknown_shape")]),
        ({"entry": CALL, "nodes": []}, [("/nodes", "wrong_count")]),
        ([], [("", "not_an_object")]),
    ],
)  # fmt: skip
def test_what_is_wrong_is_told_with_its_place(data, wrong):
    assert errors(data) == wrong


@pytest.mark.django_db
def test_publishing_freezes_the_graph_and_a_message_per_send_step():
    data = of(
        {"key": "hello", **SMS, "next": "end"}, holdout_percent=20, late_days=3, ends=[{"when": {"kind": "order"}}]
    )
    journey = editing.create(key="back", name="回来", draft=data)
    first = editing.publish(journey_id=journey.pk)
    message = Version.objects.get(pk=first.sends["hello"])
    assert (message.policy.key, message.trigger, message.holdout_percent) == ("back.hello", "journey", 20)
    assert message.params == {"window_days": 3, "ends_on_order": True, "is_profiling": False}

    editing.publish(journey_id=journey.pk)
    assert JourneyVersion.objects.count() == 1, "nothing changed"

    data["nodes"][0] |= {"template": "{{ nickname }}，想您了"}
    editing.save_draft(journey_id=journey.pk, draft=data)
    second = editing.publish(journey_id=journey.pk)
    assert second.number == 2
    assert Version.objects.get(pk=first.sends["hello"]).template == SMS["template"], "the first goes on as it was"
    assert Version.objects.get(pk=second.sends["hello"]).number == 2

    editing.pause(journey_id=journey.pk)
    assert Policy.objects.get(key="back.hello").status == "paused"


WALK = [
    {"key": "a", "kind": "branch", "ways": [{"rule": FINE[1], "next": "b"}], "otherwise": "c"},
    {"key": "b", "kind": "split", "arms": [{"percent": 50, "next": "c"}, {"percent": 50, "next": "d"}]},
    {"key": "c", "kind": "wait", "for": {"kind": "weekday", "weekdays": [1, 5], "hour": 9}, "next": "d"},
    {"key": "d", "kind": "await", "what": {"kind": "event", "event": "searched"}, "days": 2, "met": "e", "timeout": "e"},
    {"key": "e", **SMS, "missing": {"nickname": {"policy": "skip"}}, "next": "f"},
    {"key": "f", "kind": "points", "amount": 5, "most": 9, "next": "g"},
    {"key": "g", "kind": "followup", "title": "打个电话", "next": "h"},
    {"key": "h", "kind": "wait", "for": {"kind": "date", "field": "birthday", "hour": 9, "offset_days": -3}, "next": "end"},
]  # fmt: skip


def _places(value: object) -> list[tuple[dict | list, object]]:
    """Every place in it where something else could stand: (what holds it, key or number)."""
    pairs = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [place for key, inner in pairs for place in ((value, key), *_places(inner))]  # type: ignore[misc]


@pytest.mark.parametrize("count", [120, pytest.param(10_000, marks=pytest.mark.nightly)])
def test_odd_graphs_are_refused_with_a_pointer_or_walk(shop: Shop, noon: datetime, count: int) -> None:
    """T-S8: one or two places of a right graph hold something odd; nothing but a refusal or a journey that walks comes of it."""
    dice, member, walked = random.Random(6), shop.member(), 0
    refusals: list[list[dict]] = []
    for number in range(count):
        data = json.loads(json.dumps(of(*WALK, late_days=2, ends=[{"when": {"kind": "order"}}])))
        for _ in range(dice.randint(1, 2)):
            holder, key = dice.choice(_places(data))
            holder[key] = dice.choice([*ODD, *FINE, 1, 3, 50, "end", "h"])  # type: ignore[call-overload,index]
        try:
            found = graph.checked(data)
        except ValidationFailed as refused:
            refusals.append(refused.facts["errors"])
            continue
        walked += 1
        with transaction.atomic():
            made = editing.create(key=f"j{number}", name="j", draft=found.data)
            editing.publish(journey_id=made.pk)
            entering.put_in(journey_key=made.key, member_ids=[member.pk], occurrence="x", moment=noon)
            for days in (0, 8, 400):
                assert stepping.tick(noon + timedelta(days=days)).failed == [], data
            transaction.set_rollback(True)
    assert walked + len(refusals) == count
    assert walked >= count // 40
    assert all(error["pointer"] == "" or error["pointer"][0] == "/" for errors in refusals for error in errors)
    assert json.loads(json.dumps(refusals))
