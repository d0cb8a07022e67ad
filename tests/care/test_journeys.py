"""Members walk journeys: in at the right time, each step once, out when it is over."""

from datetime import date, datetime, timedelta

import pytest

from apps.care import results
from apps.care.journeys import editing, entering, funnel, rehearsing, stepping
from apps.care.journeys.acts import arm_of
from apps.care.models import Enrolment, Journey, JourneyMark, Touch
from apps.core import clock
from apps.coupons.models import Coupon, Template
from apps.followups.models import Task
from apps.members import tag_lists, tagging
from apps.members.models import Member
from apps.points.models import Account
from apps.segments import refresh
from apps.segments.models import Membership, Passage, Segment, StageChange
from tests.care.conftest import CHINA, NOON, Shop, touches
from tests.care.walks import journey, rest, sms, standing, tick, walked
from tests.coupons.making import template

pytestmark = pytest.mark.django_db
GOAL = [{"when": {"kind": "order"}, "is_goal": True}]


DAY = timedelta(days=1)


def at(day: int, hour: int = 12, minute: int = 0) -> datetime:
    """March 2026, shop time; the tenth is a Tuesday."""
    return datetime(2026, 3, day, hour, minute, tzinfo=CHINA)


def put_in(member: Member, *, moment: datetime = NOON, what: str = "x") -> None:
    assert entering.put_in(journey_key="care", member_ids=[member.pk], occurrence=what, moment=moment) == [member.pk]


def test_a_message_a_rest_until_ten_and_the_next(shop: Shop, noon: datetime) -> None:
    journey(sms("one", "rest"), rest("rest", "two", days=3, hour=10), sms("two", "end"))
    member = shop.member()
    put_in(member)

    tick(NOON)
    assert walked(member.pk) == [("one", "planned")]
    assert standing(member.pk) == ("rest", at(14, 10)), "three days end at noon of the 13th; the next ten o'clock"
    tick(at(14, 9, 59))
    assert walked(member.pk) == [("one", "planned")], "not a minute early"
    Touch.objects.update(state="sent", settled_at=NOON)
    tick(at(14, 10))
    tick(at(14, 10))
    assert walked(member.pk) == [("one", "planned"), ("rest", "done"), ("two", "planned"), ("end", "done")]
    assert standing(member.pk) == ("end", "done")
    assert touches() == [("M1", "care.one", "sent", ""), ("M1", "care.two", "planned", "")]


def test_whoever_waits_for_a_message_of_tomorrow_goes_on_when_it_goes_out(shop: Shop, noon: datetime) -> None:
    journey(sms("one", "rest", send_hour=10), rest("rest", "end", days=1))
    late, early = shop.member(), shop.member(consents=())
    put_in(late, moment=at(10, 23))
    put_in(early, moment=at(10, 23))
    tick(at(10, 23))
    assert standing(late.pk) == ("rest", at(12, 10)), "quiet hours: the message goes at ten, the rest begins then"
    assert walked(early.pk) == [("one", "no_consent")]
    assert standing(early.pk) == ("rest", at(11, 23)), "skipped is not stuck"


@pytest.mark.parametrize(
    ("wait", "until"),
    [
        ({"kind": "time", "hours": 2, "minutes": 30}, at(10, 14, 30)),
        ({"kind": "time", "hour": 10}, at(11, 10)),
        ({"kind": "time", "hour": 12}, at(10, 12)),
        ({"kind": "weekday", "weekdays": [2], "hour": 13}, at(10, 13)),
        ({"kind": "weekday", "weekdays": [2], "hour": 9}, at(17, 9)),
        ({"kind": "weekday", "weekdays": [1, 7], "hour": 9}, at(15, 9)),
        ({"kind": "date", "field": "birthday", "hour": 9}, datetime(2027, 2, 28, 9, tzinfo=CHINA)),
        ({"kind": "date", "field": "birthday", "offset_days": 20, "hour": 9}, at(20, 9)),
    ],
)  # fmt: skip
def test_waits_end_by_the_clock_and_the_calendar_of_the_shop(
    shop: Shop, noon: datetime, wait: dict, until: datetime
) -> None:
    journey(sms("one", "until"), {"key": "until", "kind": "wait", "for": wait, "next": "end"})
    member = shop.member(birthday=date(1992, 2, 29))
    put_in(member)
    tick(NOON)
    node, due = standing(member.pk)
    assert (node, due) == (("until", until) if until > NOON else ("end", "done"))


def test_who_has_no_such_date_leaves_or_takes_the_other_way(shop: Shop, noon: datetime) -> None:
    wait = {"key": "until", "kind": "wait", "for": {"kind": "date", "field": "birthday", "hour": 9}, "next": "one"}
    journey(wait, sms("one", "end"))
    journey(wait | {"otherwise": "two"}, sms("one", "end"), sms("two", "end"), key="other")
    member = shop.member()
    put_in(member)
    entering.put_in(journey_key="other", member_ids=[member.pk], occurrence="x", moment=NOON)
    tick(NOON)
    assert touches() == [("M1", "other.two", "planned", "")]


def test_a_purchase_ends_the_walk_and_what_waits_is_not_sent(shop: Shop, noon: datetime) -> None:
    journey(sms("one", "rest"), rest("rest", "two", days=3), sms("two", "end"), ends=GOAL)
    bought, bare = shop.member(), shop.member()
    put_in(bought)
    put_in(bare)
    tick(NOON)
    shop.buys(bought, at=NOON + timedelta(seconds=30), cents=0)
    tick(NOON + timedelta(minutes=1))
    assert standing(bought.pk)[0] == "rest", "a gift is no purchase"
    shop.buys(bought, at=NOON + timedelta(minutes=2))
    assert tick(NOON + timedelta(minutes=3)).ended == 1
    assert standing(bought.pk) == ("rest", "goal")
    assert touches() == [("M1", "care.one", "skipped", "bought"), ("M2", "care.one", "planned", "")]
    tick(at(13))
    assert touches()[0][1:] == ("care.one", "skipped", "bought")
    assert [step for step, _ in walked(bare.pk)] == ["one", "rest", "two", "end"]


def test_an_order_that_becomes_known_late_is_seen_before_the_next_step(shop: Shop, noon: datetime) -> None:
    journey(rest("rest", "one", days=3), sms("one", "end"), ends=GOAL)
    member, gave_back = shop.member(), shop.member()
    put_in(member)
    put_in(gave_back)
    tick(at(12))
    shop.buys(member, at=at(11))  # imported a day after
    shop.buys(gave_back, at=at(11), refunded_cents=10_000)
    tick(at(13))
    assert standing(member.pk) == ("rest", "goal")
    assert standing(gave_back.pk) == ("end", "done"), "what was given back is no purchase"
    assert touches() == [("M2", "care.one", "planned", "")]


def test_the_ways_of_await_branch_and_split(shop: Shop, noon: datetime) -> None:
    rule = {"field": "tags", "op": "any_of", "value": ["妈妈"]}
    journey(
        {
            "key": "asked",
            "kind": "branch",
            "ways": [{"rule": rule, "next": "later"}, {"rule": rule, "next": "end"}],
            "otherwise": "end",
        },
        {"key": "later", "kind": "await", "what": {"kind": "order"}, "days": 5, "met": "arms", "timeout": "one"},
        {"key": "arms", "kind": "split", "arms": [{"percent": 50, "next": "end"}, {"percent": 50, "next": "end"}]},
        sms("one", "end"),
    )
    tag_id = tag_lists.add_tag(name="妈妈")
    buys, never, other = shop.member(), shop.member(), shop.member()
    tagging.give(member_ids=[buys.pk, never.pk], tag_ids=[tag_id], source="manual")
    for member in (buys, never, other):
        put_in(member)
    tick(NOON)
    assert walked(other.pk) == [("asked", "otherwise"), ("end", "done")]
    assert standing(never.pk) == ("later", at(15))
    shop.buys(buys, at=at(11))
    tick(at(11, 12, 1))
    assert [step for step, _ in walked(buys.pk)] == ["asked", "later", "arms", "end"]
    assert walked(buys.pk)[1] == ("later", "met")
    tick(at(15))
    assert walked(never.pk) == [("asked", "1"), ("later", "timeout"), ("one", "planned"), ("end", "done")]


def test_a_split_is_sticky_and_keeps_its_shares(shop: Shop) -> None:
    arms = [{"percent": 20}, {"percent": 80}]
    taken = [arm_of("care.arms", member_id, arms) for member_id in range(20_000)]
    assert taken == [arm_of("care.arms", member_id, arms) for member_id in range(20_000)]
    assert 0.19 < taken.count(0) / 20_000 < 0.21
    assert taken != [arm_of("other.arms", member_id, arms) for member_id in range(20_000)], (
        "another split, another draw"
    )


def test_grants_within_their_budget_and_nothing_for_those_held_out(shop: Shop, noon: datetime) -> None:
    template("back", per_member=5)
    journey(
        {"key": "points", "kind": "points", "amount": 50, "next": "gift"},
        {
            "key": "gift",
            "kind": "coupon",
            "template": "back",
            "most": 2,
            "is_only_live": True,
            "next": "end",
            "otherwise": "one",
        },
        sms("one", "end"),
    )
    people = [shop.member() for _ in range(4)]
    entering.put_in(journey_key="care", member_ids=[m.pk for m in people], occurrence="x", moment=NOON)
    Enrolment.objects.filter(member=people[0]).update(is_held_out=True)
    tick(NOON)
    assert walked(people[0].pk) == [("points", "held_out"), ("gift", "held_out"), ("end", "done")]
    assert [walked(m.pk)[1] for m in people[1:]] == [("gift", "given"), ("gift", "given"), ("gift", "budget_used")]
    assert walked(people[3].pk)[2] == ("one", "planned"), "the other way"
    assert sorted(Account.objects.values_list("member_id", "balance")) == [(m.pk, 50) for m in people[1:]]
    assert Coupon.objects.count() == 2


def test_those_held_out_get_no_tag_and_no_task(shop: Shop, noon: datetime) -> None:
    tag_lists.add_tag(name="老客")
    call = {"key": "call", "kind": "followup", "title": "问问近况", "next": "end"}
    journey({"key": "mark", "kind": "tag", "add": ["老客"], "next": "call"}, call)
    held, treated = shop.member(), shop.member()
    for member in (held, treated):
        put_in(member)
    Enrolment.objects.filter(member=held).update(is_held_out=True)
    tick(NOON)
    assert standing(held.pk) == standing(treated.pk) == ("end", "done")
    assert list(Member.objects.filter(tags=["老客"])) == [treated]
    assert list(Task.objects.values_list("member_id", flat=True)) == [treated.pk]


def test_one_live_coupon_at_a_time(shop: Shop, noon: datetime) -> None:
    template("back", per_member=5)
    gift = {"key": "gift", "kind": "coupon", "template": "back", "is_only_live": True, "next": "end"}
    journey(gift, again={"kind": "each"})
    member = shop.member()
    put_in(member, what="a")
    tick(NOON)
    put_in(member, what="b")
    tick(NOON)
    assert [outcome for step, outcome in walked(member.pk) if step == "gift"] == ["given", "has_one"]


def test_those_held_out_walk_on_and_are_recorded_as_held_out(shop: Shop, noon: datetime) -> None:
    journey(sms("one", "end"), holdout_percent=50)
    people = [shop.member() for _ in range(40)]
    entering.put_in(journey_key="care", member_ids=[m.pk for m in people], occurrence="x", moment=NOON)
    tick(NOON)
    held = set(Enrolment.objects.filter(is_held_out=True).values_list("member_id", flat=True))
    assert 8 <= len(held) <= 32
    assert set(Touch.objects.filter(state="held_out").values_list("member_id", flat=True)) == held
    assert Touch.objects.filter(state="planned").count() == 40 - len(held)


@pytest.mark.parametrize(
    ("again", "entries"),
    [({"kind": "never"}, 1), ({"kind": "after", "days": 2}, 2), ({"kind": "each"}, 4)],
)
def test_who_may_enter_again(shop: Shop, noon: datetime, again: dict, entries: int) -> None:
    journey(rest("rest", "end", hours=1), again=again)
    member = shop.member()
    for day, what in ((10, "a"), (10, "b"), (10, "a"), (11, "c"), (13, "d")):
        entering.put_in(journey_key="care", member_ids=[member.pk], occurrence=what, moment=at(day, 13))
        tick(at(day, 14))
    assert Enrolment.objects.count() == entries


def test_a_trigger_lets_in_once_and_only_who_fits_the_audience(shop: Shop, noon: datetime) -> None:
    journey(
        sms("one", "end"), entry={"kind": "trigger", "trigger": "stage_entered", "params": {"stage": "lapsing"}},
        audience={"field": "net_cents", "op": "gte", "value": 1000},
    )  # fmt: skip
    member, poor = shop.lapsing_member(), shop.member()
    shop.buys(poor, at=NOON - timedelta(days=32), cents=500)
    refresh.refresh(NOON)
    assert tick(NOON).entered == 1
    assert tick(NOON + timedelta(hours=1)).entered == 0
    assert [m for m, *_ in touches()] == [member.member_no]


def test_a_schedule_lets_everybody_in_at_its_moments(shop: Shop, noon: datetime) -> None:
    entry = {"kind": "schedule", "at": "2026-01-31T10:00", "every": "month", "until": "2026-06-30"}
    found = [
        clock.local(when).strftime("%m-%d")
        for _, when in entering.occasions(entry, after=at(1), until=at(1) + 300 * DAY)
    ]
    assert found == ["03-31", "04-30", "05-31", "06-30"], "the last day of a month that has no 31st"
    journey(
        sms("one", "end"), entry={"kind": "schedule", "at": "2026-03-10T15:00", "every": "day"}, again={"kind": "each"}
    )
    member = shop.member()
    assert tick(at(10, 14, 59)).entered == 0
    assert [tick(at(10, 15)).entered, tick(at(10, 15, 1)).entered, tick(at(11, 15)).entered] == [1, 0, 1]
    assert sorted(Enrolment.objects.filter(member=member).values_list("occurrence", flat=True)) == [
        "at:2026-03-10T15:00", "at:2026-03-11T15:00",
    ]  # fmt: skip


def test_a_pause_holds_everybody_and_what_came_due_too_long_ago_is_late(shop: Shop, noon: datetime) -> None:
    made = journey(rest("rest", "one", days=1), sms("one", "end"))
    soon, later = shop.member(), shop.member()
    put_in(soon)
    put_in(later, moment=at(12))
    editing.pause(journey_id=made.pk)
    tick(at(12))
    assert walked(soon.pk) == []
    editing.resume(journey_id=made.pk)
    tick(at(14))
    assert walked(soon.pk)[1] == ("one", "late"), "its turn was on the 11th, two days are the limit"
    assert walked(later.pk)[1] == ("one", "planned")


def test_a_stop_ends_every_walk_and_sends_nothing_that_waits(shop: Shop, noon: datetime) -> None:
    made = journey(sms("one", "rest"), rest("rest", "end", days=1))
    member = shop.member()
    put_in(member)
    tick(NOON)
    assert editing.stop(journey_id=made.pk) == 1
    assert touches() == [("M1", "care.one", "skipped", "stopped")]
    assert standing(member.pk) == ("rest", "stopped")
    assert Journey.objects.get().status == "stopped"
    tick(at(12))
    assert walked(member.pk) == [("one", "planned")]


def test_who_walks_stays_on_the_version_or_moves_by_choice(shop: Shop, noon: datetime) -> None:
    made = journey(rest("rest", "one", days=1), sms("one", "end"))
    stays, moves = shop.member(), shop.member()
    put_in(stays)
    draft = made.draft | {"nodes": [rest("rest", "two", days=1), sms("two", "end"), {"key": "end", "kind": "exit"}]}
    editing.save_draft(journey_id=made.pk, draft=draft)
    editing.publish(journey_id=made.pk)
    tick(at(11))
    assert touches() == [("M1", "care.one", "planned", "")], "entered under the first version"
    put_in(moves, moment=at(11))
    editing.save_draft(journey_id=made.pk, draft=made.draft)
    editing.publish(journey_id=made.pk)
    assert editing.move(journey_id=made.pk) == 1
    tick(at(12))
    assert [touch[:2] for touch in touches()] == [("M1", "care.one"), ("M2", "care.one")]


def test_who_is_moved_to_where_a_step_comes_again_takes_it_no_second_time(shop: Shop, noon: datetime) -> None:
    made = journey(sms("one", "rest"), rest("rest", "end", days=1))
    put_in(member := shop.member())
    tick(noon)
    again = [rest("rest", "one", days=1), sms("one", "end"), {"key": "end", "kind": "exit"}]
    editing.save_draft(journey_id=made.pk, draft=made.draft | {"nodes": again})
    editing.publish(journey_id=made.pk)
    assert editing.move(journey_id=made.pk) == 1
    tick(at(12))
    assert (walked(member.pk), standing(member.pk)[1]) == (
        [("one", "planned"), ("rest", "done"), ("end", "done")],
        "done",
    )
    assert [touch[:2] for touch in touches()] == [("M1", "care.one")]


def test_a_member_who_was_erased_walks_no_further(shop: Shop, noon: datetime) -> None:
    journey(rest("rest", "one", days=1), sms("one", "end"))
    member = shop.member()
    put_in(member)
    Member.objects.filter(pk=member.pk).update(status="cancelled")
    tick(at(11))
    assert (standing(member.pk), touches()) == (("rest", "gone"), [])


def test_messages_of_a_step_queue_by_the_minute(shop: Shop, noon: datetime) -> None:
    journey(sms("one", "end"), per_minute=2)
    people = [shop.member() for _ in range(5)]
    ids = [m.pk for m in people]
    entering.put_in(journey_key="care", member_ids=ids[:3], occurrence="x", moment=NOON)
    tick(NOON)
    entering.put_in(journey_key="care", member_ids=ids[3:], occurrence="x", moment=NOON)
    tick(NOON)
    minutes = sorted((send_at - NOON).seconds // 60 for send_at in Touch.objects.values_list("send_at", flat=True))
    assert minutes == [0, 0, 1, 1, 2]


def test_a_task_for_staff_is_called_off_by_a_purchase(shop: Shop, noon: datetime) -> None:
    call = {"key": "call", "kind": "followup", "title": "问问近况", "next": "rest"}
    journey(call, rest("rest", "end", days=5), ends=GOAL)
    bought, bare = shop.member(), shop.member()
    put_in(bought)
    put_in(bare)
    tick(NOON)
    assert walked(bought.pk) == [("call", "assigned")]
    shop.buys(bought, at=NOON + timedelta(hours=1))
    tick(NOON + timedelta(hours=2))
    assert dict(Task.objects.values_list("member_id", "state")) == {bought.pk: "cancelled", bare.pk: "open"}


def test_a_fact_lets_in_at_once_and_once(shop: Shop, noon: datetime) -> None:
    journey(sms("one", "end"), entry={"kind": "fact", "fact": "order.paid"}, again={"kind": "each"})
    journey(sms("one", "end"), key="other", entry={"kind": "fact", "fact": "member.registered"})
    member = shop.member()
    for _ in range(2):
        entering.by_fact(fact="order.paid", member_id=member.pk, occurrence="order.paid:7", moment=NOON)
    assert list(Enrolment.objects.values_list("journey__key", "occurrence")) == [("care", "order.paid:7")]


def test_a_rehearsal_tells_what_the_tick_does_and_leaves_no_trace(shop: Shop, noon: datetime) -> None:
    made = journey(
        sms("one", "rest"), rest("rest", "two", days=3, hour=10), sms("two", "end"),
        entry={"kind": "trigger", "trigger": "stage_entered", "params": {"stage": "lapsing"}}, holdout_percent=50,
    )  # fmt: skip
    people = [shop.lapsing_member(consents=(("care", "sms"),) if n % 3 else ()) for n in range(12)]
    told = rehearsing.rehearse(journey_id=made.pk, moment=NOON)
    assert Enrolment.objects.count() == Touch.objects.count() == 0
    refresh.refresh(NOON)
    tick(NOON)
    done = rehearsing.decisions(journey_id=made.pk, after=0)
    assert [(d.member_id, d.node, d.outcome, d.send_at) for d in told] == [
        (d.member_id, d.node, d.outcome, d.send_at) for d in done
    ]
    assert {d.outcome for d in told} == {"planned", "held_out", "no_consent"}

    one = rehearsing.walk(journey_id=made.pk, member_id=people[1].pk, moment=NOON)
    assert [(d.node, clock.local(d.at).day) for d in one] == [("one", 10), ("rest", 14), ("two", 14), ("end", 14)]
    assert Enrolment.objects.count() == 12


def test_a_step_that_fails_holds_up_no_other_journey_and_says_so(shop: Shop, noon: datetime) -> None:
    template("back")
    broken = journey({"key": "gift", "kind": "coupon", "template": "back", "next": "end"}, key="broken", priority=1)
    journey(sms("one", "end"))
    member = shop.member()
    for key in ("broken", "care"):
        entering.put_in(journey_key=key, member_ids=[member.pk], occurrence="x", moment=NOON)
    Template.objects.update(key="renamed")
    assert stepping.tick(NOON).failed == ["broken.gift"]
    assert touches() == [("M1", "care.one", "planned", "")]
    assert JourneyMark.objects.get(journey=broken).trouble == "gift: DoesNotExist"
    Template.objects.update(key="back")
    tick(NOON + timedelta(minutes=1))
    assert Coupon.objects.count() == 1
    assert JourneyMark.objects.get(journey=broken).trouble == ""


def test_the_funnel_counts_who_stands_where_and_why_some_got_nothing(shop: Shop, noon: datetime) -> None:
    made = journey(sms("one", "rest"), rest("rest", "end", days=3), holdout_percent=50, ends=GOAL)
    people = [shop.member(consents=(("care", "sms"),) if n % 4 else ()) for n in range(12)]
    entering.put_in(journey_key="care", member_ids=[m.pk for m in people], occurrence="x", moment=NOON)
    tick(NOON)
    planned = Touch.objects.filter(state="planned").order_by("id")
    buyer = planned[0].member
    Touch.objects.filter(pk__in=[touch.pk for touch in planned[1:]]).update(state="sent", settled_at=NOON)
    shop.buys(buyer, at=NOON + timedelta(minutes=1))
    tick(NOON + timedelta(minutes=2))
    found = funnel.funnel(made.versions.get(), since=NOON - DAY, as_of=NOON + DAY)
    held = Enrolment.objects.filter(is_held_out=True).count()
    one, resting, _end = found.nodes
    assert (found.entered, found.held_out, found.endings) == (12, held, {"goal": 1, "walking": 11})
    assert (one.passed, one.sent, resting.waiting) == (12, one.outcomes["planned"] - 1, 11)
    assert one.skipped == {"no_consent": 3, "bought": 1}

    effect = results.of_journey(journey_id=made.pk, as_of=NOON + DAY, so_far=True)
    assert (effect.treated.members, effect.held_out.members) == (12 - held, held)
    assert (effect.treated.returned, effect.treated.net_cents, effect.held_out.returned) == (1, 10_000, 0)
    assert (one.converted, one.net_cents) == (0, 0), "who got no message bought after none"


def test_an_order_counts_for_what_its_member_got_last_before_it(shop: Shop, noon: datetime) -> None:
    gift = {"key": "gift", "kind": "points", "amount": 50, "next": "rest"}
    made = journey(sms("one", "gift"), gift, rest("rest", "two", days=3), sms("two", "end"), return_days=5)
    member, other, idle = shop.member(), shop.member(), shop.member(consents=())
    for one in (member, other, idle):
        put_in(one)
    tick(NOON)
    Touch.objects.filter(state="planned").update(state="delivered", settled_at=NOON)
    tick(NOON + timedelta(minutes=1))
    shop.buys(member, at=NOON + DAY)
    shop.buys(idle, at=NOON + DAY, cents=700)
    tick(NOON + 3 * DAY)
    Touch.objects.filter(state="planned").update(state="sent", settled_at=NOON + 3 * DAY)
    shop.buys(member, at=NOON + 4 * DAY, cents=2_000)
    shop.buys(other, at=NOON + 4 * DAY, cents=300)
    shop.buys(other, at=NOON + 8 * DAY + timedelta(seconds=1), cents=9_000)
    found = funnel.funnel(made.versions.get(), since=NOON - DAY, as_of=NOON + 9 * DAY)
    assert {node.key: (node.converted, node.net_cents) for node in found.nodes} == {
        "one": (0, 0), "gift": (2, 10_700), "rest": (0, 0), "two": (2, 2_300), "end": (0, 0),
    }  # fmt: skip


def test_who_is_in_the_segment_at_the_start_comes_in_too_if_it_says_so(shop: Shop, noon: datetime) -> None:
    here, later, gone = (shop.member() for _ in range(3))
    segment = Segment.objects.create(key="vip", name="vip", kind="list")
    long_ago = NOON - 200 * DAY
    for one, since in ((here, long_ago), (gone, long_ago)):
        Membership.objects.create(segment=segment, member=one, since=since)
    Membership.objects.filter(member=gone).delete()
    entry = {"kind": "trigger", "trigger": "segment_entered", "params": {"segment": "vip"}, "is_with_current": True}
    journey(rest("rest", "end", days=9), entry=entry, again={"kind": "each"})
    journey(rest("rest", "end", days=9), entry=entry | {"is_with_current": False}, key="plain")
    tick(NOON)
    assert list(Enrolment.objects.values_list("journey__key", "member_id")) == [("care", here.pk)]
    Membership.objects.create(segment=segment, member=later, since=NOON + timedelta(minutes=1))
    Passage.objects.create(segment=segment, member=later, is_entry=True, at=NOON + timedelta(minutes=1))
    Passage.objects.create(segment=segment, member=here, is_entry=True, at=long_ago)
    tick(NOON + timedelta(minutes=6))
    assert sorted(Enrolment.objects.values_list("journey__key", "member_id")) == [
        ("care", here.pk), ("care", later.pk), ("plain", later.pk),
    ]  # fmt: skip


def test_a_pause_counts_for_a_tick_that_has_begun(shop: Shop, noon: datetime, monkeypatch: pytest.MonkeyPatch) -> None:
    made = journey(sms("one", "end"))
    put_in(shop.member())
    begun = stepping.courses()
    editing.pause(journey_id=made.pk)
    monkeypatch.setattr(stepping, "courses", lambda journey_id=None: begun)
    tick(NOON)
    assert touches() == []


def test_a_budget_counts_what_was_given_before(shop: Shop, noon: datetime) -> None:
    journey({"key": "points", "kind": "points", "amount": 50, "most": 3, "next": "end"})
    people = [shop.member() for _ in range(4)]
    for some in (people[:2], people[2:]):
        entering.put_in(journey_key="care", member_ids=[m.pk for m in some], occurrence="x", moment=NOON)
        tick(NOON)
    assert [walked(m.pk)[0][1] for m in people] == ["given", "given", "given", "budget_used"]


def test_what_was_bought_before_the_walk_ends_nothing(shop: Shop, noon: datetime) -> None:
    journey(sms("one", "rest"), rest("rest", "end", days=1), ends=GOAL)
    member = shop.lapsing_member(days=0.01)
    put_in(member)
    tick(NOON)
    tick(NOON + timedelta(minutes=20))
    assert standing(member.pk) == ("rest", at(11))


def test_who_fell_due_too_long_ago_or_twice_enters_not_or_once(shop: Shop, noon: datetime) -> None:
    entry = {"kind": "trigger", "trigger": "stage_entered", "params": {"stage": "lapsing", "window_days": 14}}
    journey(sms("one", "end"), entry=entry, again={"kind": "each"})
    shop.lapsing_member(days=52)
    twice = shop.lapsing_member(days=32)
    refresh.refresh(NOON - timedelta(days=25))
    tick(NOON - timedelta(days=25))
    refresh.refresh(NOON)
    change = StageChange.objects.filter(member=twice, after="lapsing").get()
    again = {"before": "active", "after": "lapsing", "cause": "time", "at": change.at + timedelta(hours=5)}
    StageChange.objects.create(member=twice, recorded_at=NOON, **again)
    assert tick(NOON).entered == 1
    assert list(Enrolment.objects.values_list("member_id", flat=True)) == [twice.pk]
