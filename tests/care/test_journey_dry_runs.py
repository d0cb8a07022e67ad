"""A rehearsal of thirty days is what then happens, set for set: random journeys over members whom time moves on."""

import random
from collections.abc import Callable
from datetime import date, datetime, timedelta
from typing import Any

import pytest

from apps.care import dispatch
from apps.care.journeys import entering, rehearsing, stepping
from apps.care.models import Enrolment, Journey, Touch
from apps.members.models import Tag
from apps.segments import building, defining, refresh
from tests.care.conftest import NOON, Shop
from tests.care.walks import journey
from tests.coupons import making
from tests.processes import Simulator

Way = Callable[[], str]
HOURS = (0, 12)
BOUGHT = {"field": "last_order_at", "op": "within", "value": {"days_ago": [20, 40]}}
RULES: list[dict[str, Any]] = [
    BOUGHT,
    {"field": "stage", "op": "in", "value": ["lapsing"]},
    {"not": {"field": "segment", "op": "in", "value": ["segment:near"]}},
    {"field": "consent", "key": "care:sms", "op": "is", "value": True},  # these two may move at any hour
    {"field": "coupons_usable", "op": "gte", "value": 1},
]


class Maker:
    """A random graph, made from its end to its beginning; every key is new."""

    def __init__(self, dice: random.Random, rules: list[dict[str, Any]]) -> None:
        self.dice, self.rules = dice, rules
        self.nodes: list[dict[str, Any]] = [{"key": "end", "kind": "exit"}]

    def line(self, to: str, *, length: int, depth: int = 0) -> str:
        for _ in range(length):
            kinds = ["send", "send", "wait", "wait", "points", "coupon", "tag", "followup"]
            to = self.node(self.dice.choice(kinds + ["await", "branch", "split", "fork"] * (depth < 2)), to, depth)
        return to

    def node(self, kind: str, to: str, depth: int) -> str:
        def way() -> str:
            return self.line(to, length=self.dice.randint(0, 2), depth=depth + 1)

        is_fork = kind == "fork"
        kind = self.dice.choice(["points", "coupon"]) if is_fork else kind
        own = getattr(self, f"_{kind}")(to, way) | ({"otherwise": way()} if is_fork else {})
        self.nodes.insert(0, {"key": f"{kind}{len(self.nodes)}", "kind": kind} | own)
        return str(self.nodes[0]["key"])

    def _send(self, to: str, way: Way) -> dict[str, Any]:
        channel = self.dice.choice(["sms", "inbox"])
        text = {"template": "{{ nickname }}，好久不见", "missing": {"nickname": {"policy": "skip"}}}
        fallback = [{"channel": "inbox", "template": "店里见"}] * (channel == "sms" and self.dice.random() < 0.5)
        return {"channel": channel, "send_hour": 12, "fallback": fallback, "next": to, **text}

    def _wait(self, to: str, way: Way) -> dict[str, Any]:
        hour = self.dice.choice(HOURS)
        what = self.dice.choice(
            [{"kind": "time", "days": self.dice.randint(1, 6)}, {"kind": "time", "days": self.dice.randint(0, 4), "hour": hour},
             {"kind": "weekday", "weekdays": [self.dice.randint(1, 7)], "hour": hour},
             {"kind": "date", "field": "birthday", "offset_days": self.dice.randint(-3, 3), "hour": hour}]
        )  # fmt: skip
        return {"for": what, "next": to} | ({"otherwise": way()} if what["kind"] == "date" else {})

    def _await(self, to: str, way: Way) -> dict[str, Any]:
        what = self.dice.choice([{"kind": "order"}, {"kind": "rule", "rule": self.dice.choice(self.rules)}])
        return {"what": what, "days": self.dice.randint(1, 6), "met": way(), "timeout": way()}

    def _branch(self, to: str, way: Way) -> dict[str, Any]:
        return {"ways": [{"rule": self.dice.choice(self.rules), "next": way()}], "otherwise": way()}

    def _split(self, to: str, way: Way) -> dict[str, Any]:
        share = self.dice.choice([30, 50])
        return {"arms": [{"percent": share, "next": way()}, {"percent": 100 - share, "next": way()}]}

    def _points(self, to: str, way: Way) -> dict[str, Any]:
        return {"amount": 10, "most": self.dice.randint(2, 9), "next": to}

    def _coupon(self, to: str, way: Way) -> dict[str, Any]:
        return {
            "template": "back",
            "most": self.dice.randint(2, 9),
            "is_only_live": self.dice.random() < 0.5,
            "next": to,
        }

    def _tag(self, to: str, way: Way) -> dict[str, Any]:
        return {"add": ["回访"], "next": to}

    def _followup(self, to: str, way: Way) -> dict[str, Any]:
        return {"title": "问候", "next": to}


def entry(dice: random.Random) -> dict[str, Any]:
    return dice.choice(
        [{"kind": "trigger", "trigger": "stage_entered", "params": {"stage": "lapsing", "window_days": 9}},
         {"kind": "trigger", "trigger": "segment_entered", "params": {"segment": "near", "window_days": 9}},
         {"kind": "schedule", "at": "2026-03-11T12:00", "every": "week"}, {"kind": "call"}]
    )  # fmt: skip


def people(shop: Shop, dice: random.Random, *, count: int, orders: int) -> list[int]:
    made = []
    for _ in range(count):
        consents = [pair for pair in (("care", "sms"), ("care", "inbox")) if dice.random() < 0.7]
        born = date(1990, dice.choice([3, 4]), dice.randint(1, 28)) if dice.random() < 0.6 else None
        member = shop.member(
            phone=dice.random() < 0.8, nickname=dice.choice(["林溪", ""]), consents=tuple(consents), birthday=born
        )
        for n in range(dice.randint(1, orders)):
            days = dice.randint(8, 36) + n * dice.randint(5, 40)
            shop.buys(member, at=NOON - timedelta(days=days, minutes=30, hours=12 * dice.randint(0, 1)))
        made.append(member.pk)
    return made


def furnished(
    dice: random.Random, *, members: int, orders: int, length: int, rules: list[dict[str, Any]] = RULES
) -> Journey:
    """Published; those who are put in by hand walk already."""
    shop = Shop()
    making.template("back", per_member=9)
    Tag.objects.create(name="回访")
    defining.create(key="near", name="近", rule=BOUGHT, by_user_id=None)
    known = people(shop, dice, count=members, orders=orders)
    refresh.refresh(NOON)
    building.build(NOON)
    maker, began = Maker(dice, rules), entry(dice)
    maker.line("end", length=length)
    more = {"again": {"kind": "after", "days": dice.randint(1, 9)}, "holdout_percent": dice.choice([0, 30])}
    made = journey(*maker.nodes[:-1], entry=began, audience=dice.choice([{}, RULES[0]]), **more)
    if began["kind"] == "call":
        entering.put_in(journey_key=made.key, member_ids=known, occurrence="1", moment=NOON)
    return made


def lived(made: Journey, *, clock: Callable[[datetime], datetime], every: int, send: Callable[[], Any]) -> list[Any]:
    """Thirty days of real ticks, each with what the house does at that hour besides."""
    for hour in range(0, 30 * 24 + 1, every):
        moment = clock(NOON + timedelta(hours=hour))
        refresh.refresh(moment)
        building.build(moment)
        assert stepping.tick(moment).failed == []
        send()
    return rehearsing.decisions(journey_id=made.pk, after=0)


def told(found: list[rehearsing.Decision]) -> set[tuple[Any, ...]]:
    return {(one.member_no, one.node, one.outcome, one.channel, one.at, one.send_at) for one in found}


def as_sent() -> None:
    Touch.objects.filter(state="planned", send_at__lte=rehearsing.clock.now()).update(state="sent")


@pytest.mark.django_db
@pytest.mark.parametrize("seed", [5])
def test_thirty_days_of_a_random_journey_are_as_they_were_rehearsed(
    seed: int, clock: Callable[[datetime], datetime]
) -> None:
    clock(NOON)
    made = furnished(random.Random(seed), members=8, orders=1, length=3, rules=RULES[:-2])
    foreseen = rehearsing.rehearse(journey_id=made.pk, moment=NOON, days=30)
    real = lived(made, clock=clock, every=12, send=as_sent)
    assert told(foreseen) == told(real)
    assert len(real) > 15


@pytest.mark.nightly
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("seed", range(100, 104))
def test_hour_by_hour_with_messages_that_really_go_out(
    seed: int, clock: Callable[[datetime], datetime], simulator: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock(NOON)
    monkeypatch.setattr(rehearsing, "MOST_SECONDS", 600.0)
    made = furnished(random.Random(seed), members=30, orders=4, length=7)
    foreseen = rehearsing.rehearse(journey_id=made.pk, moment=NOON, days=30)
    real = lived(made, clock=clock, every=1, send=dispatch.drain)
    assert told(foreseen) == told(real)
    assert Touch.objects.filter(state__in=["planned", "failed"], send_at__lte=NOON + timedelta(days=30)).count() == 0
    assert Enrolment.objects.exists()
