"""Staff's to-do in a real browser: clean on desk and phone in both languages, and a task done in two steps by keyboard."""

from datetime import timedelta
from itertools import product

import pytest
from playwright.sync_api import expect

from apps.core import ids
from apps.followups.assigning import NewTask, assign_many
from apps.followups.models import Task
from apps.stores.models import Role, Staff
from tests.console import world
from tests.console.world import House
from tests.e2e.test_codes import enter  # noqa: F401 - fixture
from tests.e2e.test_console import Open
from tests.e2e.visits import keep

pytestmark = [pytest.mark.e2e, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def house(transactional_db: None) -> House:
    made = world.build()
    mine, clerk = made.members["mine"].pk, Staff.objects.get(code="C-clerk").pk
    note = "上次买的是乌龙茶，快喝完了；可以提一句新到的秋茶。"
    rows = [
        NewTask(source="a", kind="call", title="40 天没来，打电话问候", note=note, due_at=made.moment - timedelta(days=1),
                member_id=mine, assignee_id=clerk, priority=1),
        NewTask(source="b", kind="message", title="生日祝福，附上到店礼", due_at=made.moment + timedelta(minutes=1),
                member_id=mine, assignee_id=clerk),
        NewTask(source="c", kind="visit", title="送新品样品到店", due_at=made.moment + timedelta(days=3), member_id=mine),
        NewTask(source="d", kind="other", title="整理秋季陈列", due_at=made.moment + timedelta(days=4),
                store_id=made.stores["mine"].pk, assignee_id=clerk),
    ]  # fmt: skip
    assign_many(rows)
    return made


@pytest.mark.nightly
@pytest.mark.parametrize(("width", "language"), list(product((1440, 390), ("zh-hans", "en"))))
def test_the_pages_are_clean_on_desk_and_phone_in_both_languages(
    enter: Open,  # noqa: F811
    house: House,
    width: int,
    language: str,
):
    task = ids.encode("fup", Task.objects.get(source="b").pk)
    team = {"team": (Role.MANAGER, "/console/followups/team/")}
    for_clerk = {
        "mine": "/console/followups/", "pool": "/console/followups/?show=pool", "task": f"/console/followups/{task}/",
        "new": f"/console/members/{house.member_id('mine')}/followup/", "done": "/console/followups/?show=done",
    }  # fmt: skip
    for name, (role, path) in ({name: (Role.CLERK, path) for name, path in for_clerk.items()} | team).items():
        found = enter(role, width=width, language=language)
        found.go(path)
        found.check()
        keep(found.page, name=f"followups-{name}-{width}-{language}")


def test_a_task_is_done_by_keyboard_on_a_phone(enter: Open, house: House):  # noqa: F811
    found = enter(Role.CLERK, width=390)
    page = found.page
    found.go("/console/followups/")
    page.locator(".c-task summary").first.focus()
    page.keyboard.press("Enter")
    expect(page.locator(".c-outcomes").first).to_be_visible()
    keep(page, name="followups-open-390")
    found.check()
    page.locator(".c-outcomes button").nth(1).press("Enter")
    expect(page.locator(".c-task")).to_have_count(2)
    done = Task.objects.get(source="a")
    assert (done.state, done.outcome) == ("done", "will_buy")
