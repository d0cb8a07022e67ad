"""How a journey goes and its rehearsal, on pages: what is told is what happens, nobody's full name leaves in a file."""

import json
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client

from apps.care.journeys import editing, entering, stepping
from apps.care.models import Enrolment, Journey, Step, StepWatch, Touch
from apps.care.models import Tester as Colleague
from apps.core import clock, ids
from apps.gateways.models import InboxMessage
from apps.members import services as members
from apps.orders.models import Order
from tests.care.walks import END, journey, rest, sms
from tests.console.test_journeys import DRAFT

pytestmark = pytest.mark.django_db
GOING, TRIAL = "/console/journeys/care/going/", "/console/journeys/care/dry-run/"


@pytest.fixture
def people(house: Any) -> list[int]:
    found = []
    for number, name in enumerate(["林小溪", "周大舟", "何青青"]):
        found.append(
            members.register(source="test", member_no=f"W{number}", nickname=name, phone=f"1380000000{number}")
        )
        if number < 2:
            members.give_consent(
                member_id=found[-1], purpose="care", channel="sms", is_granted=True, source="test", text_version="1"
            )
    return found


def test_a_rehearsal_lists_texts_and_reasons_and_keeps_nothing(admin: Client, people: list[int]) -> None:
    made = editing.create(
        key="care", name="关怀", draft={"entry": {"kind": "schedule", "at": "2026-01-01"}, "nodes": []}
    )
    wrong = admin.post(TRIAL, {"days": "0"})
    assert wrong.context["refusals"][0]["pointer"] == "/nodes"

    today = f"{clock.local(clock.now()):%Y-%m-%d}"
    draft = {
        "entry": {"kind": "schedule", "at": today},
        "nodes": [sms("one", "rest"), rest("rest", "end", days=2), END],
    }
    editing.save_draft(journey_id=made.pk, draft=draft)
    told = admin.post(TRIAL, {"days": "0"}).context["trial"]
    mine = {row["member_no"]: row["text"] for row in told.rows}
    assert "林小溪，one 好久不见" in mine["W0"]
    assert ("W2" in mine, dict(told.skips)["no_consent"] >= 1) == (False, True)
    assert (Touch.objects.filter(policy__journey=made).count(), Enrolment.objects.count()) == (0, 0)
    assert Journey.objects.get(pk=made.pk).version == 0

    sheet = admin.post(TRIAL, {"days": "0", "file": "csv"}).content.decode()
    assert "W0" in sheet
    assert "林小溪" not in sheet, "half hidden in the text, too"


def test_one_members_walk_is_told_to_its_end(admin: Client, people: list[int]) -> None:
    editing.create(
        key="care",
        name="关怀",
        draft=DRAFT | {"holdout_percent": 0, "nodes": [sms("one", "rest"), rest("rest", "end", days=2), END]},
    )
    path = admin.post(TRIAL, {"member": "W0"}).context["path"]
    assert len(path) == 3
    assert "林小溪，one 好久不见" in path[0]["text"]
    assert path[2]["at"] - path[0]["at"] >= timedelta(days=2)
    assert Step.objects.count() == 0
    assert admin.post(TRIAL, {"member": "nobody"}).context["said"]


def test_the_page_counts_and_takes_members_in_and_out(admin: Client, people: list[int]) -> None:
    made = journey(sms("one", "rest", send_hour=0), rest("rest", "end", days=2))
    admin.post("/console/journeys/care/put-in/", {"member": "W0"})
    entering.put_in(journey_key="care", member_ids=people[1:], occurrence="x")
    stepping.tick(clock.now())
    page = admin.get(GOING)
    assert page.context["funnel"].entered == 3
    one, resting = page.context["steps"]
    assert (one.passed, resting.waiting) == (3, 3)
    assert [row["step"] for row in page.context["walks"]] == [resting.title] * 3
    assert len(admin.get(GOING, {"q": "W0"}).context["walks"]) == 1
    sheet = admin.get("/console/journeys/care/figures.csv").content.decode("utf-8-sig").splitlines()
    assert (sheet[0], f"{resting.title},现在停在这里,3" in sheet, len(sheet) > 8) == ("阶段,统计项,会员", True, True)
    mine = admin.get(f"/console/members/{ids.encode('mem', people[0])}/", {"show": "journeys"})
    assert [(one["walk"].journey, one["step"]) for one in mine.context["walks"]] == [(made, resting.title)]
    assert GOING in mine.content.decode()
    assert [entry.href for entry in mine.context["entries"]] == [GOING]

    walk = Enrolment.objects.get(member_id=people[0])
    out = page.content.decode().split('action="/console/journeys/care/walks/')
    addresses = ["/console/journeys/care/walks/" + part.partition('"')[0] for part in out[1:]]
    for address in addresses:
        admin.post(address)
    walk.refresh_from_db()
    assert walk.ending == "stopped"
    mine = admin.get(f"/console/members/{ids.encode('mem', people[0])}/", {"show": "journeys"}).context
    assert ([one["walk"] for one in mine["walked"]], len(mine["walks"])) == ([walk], 0)
    assert [entry.text for entry in mine["entries"]] == [walk.get_ending_display(), ""]
    assert not Touch.objects.filter(policy__journey=made, state="planned").exists()
    admin.post("/console/journeys/care/put-in/", {"member": "W0"})
    assert Enrolment.objects.count() == 3, "once in a lifetime"


def test_the_page_compares_the_ways_of_a_split_and_tells_what_followed_a_step(admin: Client, people: list[int]) -> None:
    arms = [{"percent": 50, "next": "one", "name": "甲"}, {"percent": 50, "next": "one", "name": "乙"}]
    fork = {"key": "fork", "kind": "split", "arms": arms, "winner_days": 7}
    journey(fork, {"key": "one", "kind": "points", "amount": 5, "next": "end"})
    entering.put_in(journey_key="care", member_ids=people, occurrence="x")
    stepping.tick(clock.now())
    Order.objects.create(
        source="t", order_no="1", member_id=people[0], status="paid", total_cents=1_250,
        paid_at=clock.now() + timedelta(seconds=1),
    )  # fmt: skip
    with clock.frozen(clock.now() + timedelta(minutes=1)):
        page = admin.get(GOING)
    (told,) = page.context["splits"]
    assert [way[0] for way in told["ways"]] == ["甲，50%", "乙，50%"]
    assert (sum(way[1] for way in told["ways"]), sum(way[2] for way in told["ways"])) == (3, 1)
    assert (told["said"], told["chosen"], told["waits"]) == ([("乙，50%", "数据还不够下结论")], "", True)
    gift = next(step for step in page.context["steps"] if step.kind == "points")
    assert (gift.gives, gift.converted, gift.net_cents) == (True, 1, 1_250)
    assert "¥12.50" in page.content.decode()


def test_a_message_is_read_as_a_chosen_member_on_every_channel_and_tried_on_a_colleague(
    admin: Client, people: list[int], house: Any
) -> None:
    chain = [
        {"channel": "inbox", "template": "{{ nickname }}，来看看"},
        {"channel": "wecom", "template": "新品到店，来看看"},
    ]
    nodes = [sms("one", "end", template="{{ nickname }}，您有{{ points }}积分", fallback=chain), END]
    editing.create(key="care", name="关怀", draft=DRAFT | {"nodes": nodes})
    address = "/console/journeys/care/preview/"
    unread = admin.get(address).context
    assert (unread["member_id"], [one.channel for one in unread["views"]]) == (None, ["sms", "inbox", "wecom"])

    read = admin.post(address, {"q": "W2", "step": "one"})
    first, second, _third = read.context["views"]
    assert "林" not in read.content.decode().partition("c-sms")[2]
    assert '<span class="c-fb">' in first.text, "no points: the place is marked"
    assert (first.segments, first.why[0]) == (1, "未同意这个通道")
    assert second.text == "何青青，来看看"
    assert (Touch.objects.filter(policy__journey__key="care").count(), Step.objects.count()) == (0, 0)

    Colleague.objects.create(user=house.users["admin"], member_id=people[0])
    mine = Colleague.objects.get()
    admin.post(address + "send/", {"step": "one", "channel": "inbox", "tester": str(mine.pk)})
    assert list(InboxMessage.objects.filter(key__startswith="test:").values_list("member_id", "body")) == [
        (people[0], "（测试）林小溪，来看看"),
    ]
    assert [one["row"].state for one in admin.get(address).context["sent"]] == ["accepted"]
    assert admin.post(address + "send/", {"step": "none", "tester": str(mine.pk)}).status_code == 404


def test_a_chain_of_three_channels_is_written_in_the_form(admin: Client, house: Any) -> None:
    editing.create(key="care", name="关怀", draft=DRAFT)
    told = {
        "open": "remind", "has_remind": "1", "remind-channel": "wecom", "remind-template": "新品到店", "remind-send_hour": "10",
        "remind-purpose": "care", "remind-fallback_0_channel": "sms", "remind-fallback_1_channel": "email",
        "remind-fallback_1_template": "新品到店，来看看", "remind-fallback_1_more": "新品",
    }  # fmt: skip
    page = admin.post("/console/journeys/care/edit/", {"base": json.dumps(DRAFT), "act": ""} | told)
    assert Journey.objects.get().draft["nodes"][0]["fallback"] == [
        {"channel": "sms", "template": "新品到店"},
        {"channel": "email", "template": "新品到店，来看看", "content": {"subject": "新品"}},
    ]
    assert page.context["page"].count_wrong == 0
    assert 'name="remind-fallback_1_channel"' in page.content.decode()


def test_a_step_that_rests_and_a_walk_set_aside_are_shown_and_woken(admin: Client, people: list[int]) -> None:
    made = journey(rest("rest", "end", days=2))
    entering.put_in(journey_key="care", member_ids=people[:1], occurrence="x")
    walk = Enrolment.objects.get()
    Enrolment.objects.update(ended_at=clock.now(), ending="crashed")
    StepWatch.objects.create(version=made.versions.get(), node="rest", rests_since=clock.now())
    page = admin.get(GOING)
    assert page.context["trouble"]["rests"] == ["等待"]
    admin.post("/console/journeys/care/wake/")
    assert StepWatch.objects.get().rests_since is None
    admin.post(f"/console/journeys/care/walks/{ids.encode('enr', walk.pk)}/put-back/")
    walk.refresh_from_db()
    assert (walk.ended_at, walk.ending) == (None, "")
    assert admin.get(GOING).context["trouble"] == {"rests": [], "failing": None}
