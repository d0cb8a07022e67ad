"""The editor of journeys in a real browser: the care ladder for lapsing members, made by keyboard alone in the list and published."""

from itertools import product
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from apps.care.journeys import editing
from apps.care.models import Journey
from apps.stores.models import Role
from tests.console import world
from tests.console.world import House
from tests.coupons import making
from tests.e2e.test_codes import enter  # noqa: F401 - fixture
from tests.e2e.test_console import Open
from tests.e2e.visits import keep

pytestmark = [pytest.mark.e2e, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def house(transactional_db: None) -> House:
    made = world.build()
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
    expect(page.locator(f'input[name="has_{kind}1"], input[name="has_{kind}2"]')).to_have_count(1)


def fill(page: Page, name: str, text: str) -> None:
    field = page.locator(f'[name="{name}"]')
    field.focus()
    if field.evaluate("one => one.tagName") == "SELECT":
        field.select_option(text)
    else:
        page.keyboard.press("ControlOrMeta+a")
        page.keyboard.type(text)
    with page.expect_response("**/edit/"):
        page.keyboard.press("Tab")


def test_the_ladder_is_made_by_keyboard_and_published(enter: Open, house: House):  # noqa: F811
    found = enter(Role.MARKETER)
    page = found.page
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
    add(page, "wait")
    order = page.locator(".c-steps > li[data-step]")
    page.locator("#open-coupon1").focus()
    with page.expect_response("**/edit/"):
        page.keyboard.press("Alt+ArrowUp")
    expect(order.nth(2)).to_have_attribute("data-step", "coupon1")
    page.locator("#open-wait2").focus()
    with page.expect_response("**/edit/"):
        page.keyboard.press("Alt+ArrowUp")
    expect(order.nth(3)).to_have_attribute("data-step", "wait2")
    page.locator("#drop-followup1").focus()
    with page.expect_response("**/edit/"):
        page.keyboard.press("Enter")
    expect(page.locator("#step-followup1")).to_have_count(0)
    page.locator("#undo").focus()
    with page.expect_response("**/edit/"):
        page.keyboard.press("Enter")
    expect(page.locator("#step-followup1")).to_have_count(1)
    found.check()
    keep(page, name="journey-made")
    page.locator('[data-open="publish"]').focus()
    page.keyboard.press("Enter")
    page.locator("#publish form button").press("Enter")
    page.wait_for_load_state()
    expect(page.locator("#journey-lede .c-bd.ok")).to_be_visible()
    made = Journey.objects.get()
    kinds = [raw["key"] for raw in made.versions.get().graph["nodes"]]
    assert (made.status, kinds) == ("live", ["send1", "wait1", "coupon1", "wait2", "followup1", "end"])
    assert made.versions.get().graph["nodes"][4]["title"] == "打电话问候"
