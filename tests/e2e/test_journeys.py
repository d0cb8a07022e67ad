"""The care ladder for lapsing members in a real browser: made by keyboard, rehearsed over thirty days, started, and lived."""

import csv
from collections import Counter
from collections.abc import Callable
from contextvars import ContextVar
from datetime import datetime, timedelta
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from django.utils import translation
from playwright.sync_api import Page, expect

from apps.care import dispatch
from apps.care.journeys import editing, rehearsing, stepping
from apps.care.models import Enrolment, Journey
from apps.console import journey_runs, journey_words
from apps.core import clock
from apps.coupons.models import Coupon
from apps.followups.models import Task
from apps.gateways.simulator.client import Client as Platform
from apps.segments import building, refresh
from apps.segments.models import Segment
from apps.stores.models import Role
from tests.care import crowd
from tests.care.conftest import NOON
from tests.console import world
from tests.console.world import House
from tests.coupons import making
from tests.e2e.test_codes import enter  # noqa: F401 - fixture
from tests.e2e.test_console import Open
from tests.e2e.visits import Visit, keep
from tests.processes import Simulator

MoveClock = Callable[[datetime], datetime]
pytestmark = [pytest.mark.e2e, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def move_clock(monkeypatch: pytest.MonkeyPatch) -> MoveClock:
    """`move_clock(moment)`: time stands there for every thread, those of the server too."""

    def move(moment: datetime) -> datetime:
        monkeypatch.setattr(clock, "_frozen", ContextVar("siyu_clock", default=moment))
        return moment

    move(NOON)
    return move


@pytest.fixture
def house(transactional_db: None, move_clock: MoveClock, simulator: Simulator) -> House:
    made = world.build(NOON)
    made_of = making.template(key="back-50", most=1000)
    type(made_of).objects.update(name="满300减50")
    return made


def ladder() -> dict[str, Any]:
    sms = {
        "kind": "send",
        "channel": "sms",
        "purpose": "care",
        "send_hour": 10,
        "missing": {"nickname": {"policy": "default", "value": "您"}},
    }
    return {
        "entry": {"kind": "trigger", "trigger": "stage_entered", "params": {"stage": "lapsing", "window_days": 14}},
        "again": {"kind": "after", "days": 60}, "ends": [{"when": {"kind": "order"}, "is_goal": True}], "holdout_percent": 10,
        "nodes": [
            {"key": "remind", "name": "提醒", **sms, "next": "rest",
             "template": "{{ nickname }}，去年冬天您带走的{{ top_category }}该养护了，到店免费护理一次。"},
            {"key": "rest", "kind": "wait", "for": {"kind": "time", "days": 3}, "next": "gift"},
            {"key": "gift", "name": "送券", "kind": "coupon", "template": "back-50", "is_only_live": True, "most": 369,
             "next": "tell", "otherwise": "end"},
            {"key": "tell", "name": "告知", **sms, "next": "which",
             "template": "{{ nickname }}，满300减50已放进您的卡包，12月6日前有效。"},
            {"key": "which", "kind": "branch", "name": "谁来打电话", "ways": [
                {"rule": {"field": "orders", "op": "gte", "value": 3}, "name": "老顾客", "next": "week"}], "otherwise": "write"},
            {"key": "week", "kind": "wait", "for": {"kind": "time", "days": 7, "hour": 11}, "next": "call"},
            {"key": "call", "kind": "followup", "name": "导购电话", "task": "call", "title": "打电话问候",
             "text": "附最近三单和尺码", "due_hours": 48, "next": "end"},
            {"key": "write", "name": "再写一次", **sms, "channel": "inbox", "template": "店里新到了秋茶。", "next": "end"},
            {"key": "end", "kind": "exit"},
        ],
    }  # fmt: skip


@pytest.mark.nightly
@pytest.mark.parametrize(("width", "language"), list(product((1440, 390), ("zh-hans", "en"))))
def test_the_pages_are_clean_on_desk_and_phone_in_both_languages(
    enter: Open,  # noqa: F811
    house: House,
    width: int,
    language: str,
):
    whole = editing.create(key="care", name="沉睡关怀三步", draft=ladder())
    editing.publish(journey_id=whole.pk)
    draft = ladder()
    draft["nodes"][1]["for"]["days"] = 4
    draft["nodes"][3]["template"] = "{{ nickname }，券在卡包"  # a finding to look at
    editing.save_draft(journey_id=whole.pk, draft=draft)
    found = enter(Role.MARKETER, width=width, language=language)
    for name, path in {
        "list": "/console/journeys/", "nothing": "/console/journeys/?q=zzz", "new": "/console/journeys/new/?of=care",
        "page": "/console/journeys/care/", "send": "/console/journeys/care/?open=tell", "branch": "/console/journeys/care/?open=which",
        "entry": "/console/journeys/care/?open=_entry", "canvas": "/console/journeys/care/canvas/",
        "changes": "/console/journeys/care/changes/", "rule": "/console/journeys/care/rule/?at=/nodes/4/ways/0/rule",
    }.items():  # fmt: skip
        found.go(path)
        found.check()
        keep(found.page, name=f"journey-{name}-{width}-{language}")


def add(page: Page, kind: str) -> None:
    """A step at the end of the main line, by the keys that the footer offers."""
    page.locator("#step-add").focus()
    page.keyboard.press("Enter")
    page.locator(f"#step-add-{kind}").focus()
    with page.expect_response("**/edit/"):
        page.keyboard.press("Enter")
    settled(page)
    expect(page.locator(f'input[name="has_{kind}1"], input[name="has_{kind}2"]')).to_have_count(1)


def fill(page: Page, name: str, text: str) -> None:
    field = page.locator(f'[name="{name}"]')
    field.focus()
    with page.expect_response("**/edit/"):
        if field.evaluate("one => one.tagName") == "SELECT":
            field.select_option(text)
        else:
            page.keyboard.press("ControlOrMeta+a")
            page.keyboard.type(text)
            page.keyboard.press("Tab")
    settled(page)


def settled(page: Page) -> None:
    """The answer is drawn: what was pressed before would fall on buttons that are just being changed."""
    expect(page.locator(".htmx-request, .htmx-swapping, .htmx-settling")).to_have_count(0)


def press(page: Page, selector: str) -> None:
    with page.expect_response("**/edit/"):
        page.click(selector)
    settled(page)


def a_segment(found: Visit, *, members: int) -> None:
    """Who has bought: one condition, its count, a name."""
    page = found.page
    found.go("/console/segments/new/")
    press(page, "#n0-add")
    with page.expect_response("**/edit/"):
        page.select_option("#n1-field", "orders")
    settled(page)
    expect(page.locator("#seg-found .c-count")).to_contain_text(f"{members}")
    page.fill("#seg-name", "买过的人")
    page.click("button.go[form=rule-form]")
    page.wait_for_url("**/console/segments/*-*/")


def for_whom(page: Page) -> None:
    """Half are held out; only members of the segment come in."""
    press(page, "#open-_entry")
    fill(page, "_entry-holdout_percent", "50")
    fill(page, "_entry-return_days", "28")
    page.click("#form-_entry .c-rule-line a")
    press(page, "#n0-add")
    with page.expect_response("**/edit/"):
        page.select_option("#n1-field", "segment")
    settled(page)
    page.click("#n1-menu summary")
    with page.expect_response("**/edit/"):
        page.get_by_label("买过的人").check()
    settled(page)
    page.click("button[name=keep]")
    page.wait_for_url("**?open=_entry*")


def rehearsed(found: Visit, made: Journey, folder: Path) -> list[list[str]]:
    """The file of a dry run over thirty days."""
    found.go(f"/console/journeys/{made.key}/dry-run/")
    found.page.select_option("[name=days]", "30")
    with found.page.expect_download() as sheet:
        found.page.click("button[name=file]")
    sheet.value.save_as(folder / "dry-run.csv")
    with (folder / "dry-run.csv").open(encoding="utf-8-sig", newline="") as lines:
        return list(csv.reader(lines))[1:]


def lived(made: Journey, move_clock: MoveClock, members: list[int]) -> None:
    """Thirty days at ten and at six: what the house does by itself then. On the twentieth, when all walks are over, some buy."""
    days = [NOON, *(NOON + timedelta(days=day, hours=hour) for day in range(1, 31) for hour in (-2, 6))]
    for moment in days:
        move_clock(moment)
        refresh.refresh(moment)
        building.build(moment)
        assert stepping.tick(moment).failed == []
        dispatch.drain()
        if moment == NOON + timedelta(days=20, hours=-2):
            assert not Enrolment.objects.filter(ended_at=None).exists()
            held = dict(Enrolment.objects.filter(journey=made).values_list("member_id", "is_held_out"))
            crowd.buy([one for one in members if one % 10 < (2 if held[one] else 6)], at=moment, name="back")


def day_by_day(lines: list[list[str]]) -> list[tuple[str, ...]]:
    """On which day who comes to which step, what comes of it, by which channel."""
    return sorted((when[:10], number, step, what, channel) for when, number, _name, step, what, channel, _text in lines)


@pytest.mark.nightly  # twenty seconds of a browser; what each form does is walked without one in tests/console/test_journeys.py
@pytest.mark.parametrize("is_lived", [False, True])
def test_the_ladder_is_made_by_keyboard_rehearsed_started_and_lived(
    enter: Open,  # noqa: F811
    house: House,
    move_clock: MoveClock,
    simulator: Simulator,
    tmp_path: Path,
    is_lived: bool,
):
    """Its thirty days every night; of graphs alone every merge asks it (`tests/care/test_journey_dry_runs.py`)."""
    members = crowd.lapsing(280, moment=NOON, later=12)
    found = enter(Role.MARKETER)
    page = found.page
    a_segment(found, members=283)
    building.build(NOON)
    assert Segment.objects.get().size == 283
    found.go("/console/journeys/new/")
    page.keyboard.type("沉睡关怀三步")
    page.keyboard.press("Enter")
    page.wait_for_url("**/console/journeys/*-*/")
    add(page, "send")
    expect(page.locator('[name="send1-name"]')).to_be_focused()
    fill(page, "send1-template", "好久不见，到店免费护理一次")
    add(page, "wait")
    add(page, "followup")
    fill(page, "followup1-title", "打电话问候")
    add(page, "coupon")
    fill(page, "coupon1-template", "back-50")
    fill(page, "coupon1-most", "60")
    add(page, "wait")
    order = page.locator(".c-steps > li[data-step]")
    page.locator("#open-coupon1").focus()
    with page.expect_response("**/edit/"):
        page.keyboard.press("Alt+ArrowUp")
    settled(page)
    expect(order.nth(2)).to_have_attribute("data-step", "coupon1")
    page.locator("#open-wait2").focus()
    with page.expect_response("**/edit/"):
        page.keyboard.press("Alt+ArrowUp")
    settled(page)
    expect(order.nth(3)).to_have_attribute("data-step", "wait2")
    page.locator("#drop-followup1").focus()
    with page.expect_response("**/edit/"):
        page.keyboard.press("Enter")
    settled(page)
    expect(page.locator("#step-followup1")).to_have_count(0)
    page.locator("#undo").focus()
    with page.expect_response("**/edit/"):
        page.keyboard.press("Enter")
    settled(page)
    expect(page.locator("#step-followup1")).to_have_count(1)
    found.check()
    keep(page, name="journey-made")
    for_whom(page)
    made = Journey.objects.get()
    foreseen = rehearsed(found, made, tmp_path)
    assert (Enrolment.objects.count(), Journey.objects.get().version) == (0, 0)

    found.go(f"/console/journeys/{made.key}/")
    page.locator('[data-open="publish"]').focus()
    page.keyboard.press("Enter")
    page.locator("#publish form button").press("Enter")
    page.wait_for_load_state()
    expect(page.locator("#journey-lede .c-bd.ok")).to_be_visible()
    made.refresh_from_db()
    graph = made.versions.get().graph
    assert (made.status, [raw["key"] for raw in graph["nodes"]]) == (
        "live", ["send1", "wait1", "coupon1", "wait2", "followup1", "end"],
    )  # fmt: skip

    if not is_lived:
        return
    lived(made, move_clock, members)
    steps = rehearsing.decisions(journey_id=made.pk, after=0)
    with translation.override("zh-hans"):
        raws, brand = {raw["key"]: raw for raw in graph["nodes"]}, journey_words.Brand()
        happened = [
            journey_runs.line(one, raws[one.node], brand, {})
            for one in steps
            if raws[one.node]["kind"] not in ("wait", "exit")
        ]
    assert day_by_day(foreseen) == day_by_day(happened)
    came = Counter(one.outcome for one in steps)
    assert Platform(simulator.url).stats()["deliveries"] == came["planned"] > 100
    assert Coupon.objects.count() == came["given"] == 60
    assert Task.objects.count() == came["assigned"] > 100

    found = enter(Role.MARKETER)
    found.go(f"/console/journeys/{made.key}/going/")
    verdict = found.page.locator(".c-grid .w4 section").first
    expect(verdict.locator("b").first).to_contain_text("95%")
    found.check()
    keep(found.page, name="journey-lived")
