"""Campaigns in a real browser: clean on desk and phone in both languages; a draft moves in the calendar by keyboard."""

from datetime import timedelta
from itertools import product
from typing import Any

import pytest
from playwright.sync_api import expect

from apps.care.campaigns import costs, running
from apps.care.campaigns.costs import Entry
from apps.care.journeys import stepping
from apps.care.models import Campaign, Policy, Touch
from apps.core import clock, ids
from apps.members.models import Consent, Member
from apps.orders.models import Order
from apps.stores.models import Role
from tests.console import world
from tests.console.world import House
from tests.e2e.test_codes import enter  # noqa: F401 - fixture
from tests.e2e.test_console import Open
from tests.e2e.visits import keep

pytestmark = [pytest.mark.e2e, pytest.mark.django_db(transaction=True)]
_MISSING = {"nickname": {"policy": "default", "value": "会员"}}
_TEXTS = (
    ("sms", "{{ nickname }}，双十二新茶到店，会员日满200减30，欢迎来品。"),
    ("sms", "{{ nickname }}，您常喝的乌龙茶新到一批，双十二为您留了一份小礼。"),
)
PLAN: dict[str, Any] = {
    "variants": [{"channel": channel, "template": text, "missing": _MISSING} for channel, text in _TEXTS],
    "purpose": "marketing", "holdout_percent": 20,
}  # fmt: skip


@pytest.fixture
def house(transactional_db: None) -> House:
    """A draft of next week, one whose test is over, and costs."""
    made = world.build()
    for member in Member.objects.all():
        Consent.objects.create(
            member=member, purpose="marketing", channel="sms", is_granted=True, source="t", text_version="1", at=made.moment
        )  # fmt: skip
    day = f"{clock.local_date(made.moment) + timedelta(days=3)}T10:00"
    for name in ("双十二老客回馈", "周末品茗会邀请"):
        running.create(name=name, plan=PLAN | {"at": day})
    row = running.create(name="秋茶上新", plan=PLAN)
    running.start(campaign_id=row.pk, user_id=made.users[Role.MARKETER].pk)
    stepping.tick(clock.now())
    row.refresh_from_db()
    for node, returned in (("send_a", 70), ("send_b", 140)):
        _outcome(row, node, members=800, returned=returned, is_treated=True)
        _outcome(row, node, members=200, returned=14, is_treated=False)
    today = clock.local_date(made.moment)
    key, marketer = row.journey.key, made.users[Role.MARKETER].pk
    spent = [
        Entry(key, "ads", today, 128_000, "INV-1", "朋友圈投放"),
        Entry("lapsing", "print", today, 36_000, "INV-2"),
    ]
    costs.enter(spent, user_id=marketer)
    return made


def _outcome(row: Campaign, node: str, *, members: int, returned: int, is_treated: bool) -> None:
    policy = Policy.objects.get(key=f"{row.journey.key}.{node}")
    at = clock.now() - timedelta(hours=2)
    people = Member.objects.bulk_create(Member(member_no=f"{node}{is_treated}{n}") for n in range(members))
    state = "delivered" if is_treated else "held_out"
    version = policy.versions.get()
    Touch.objects.bulk_create(
        Touch(policy=policy, version=version, member=one, occurrence="at", channel="sms", state=state, is_treated=is_treated,
              decided_at=at, settled_at=at) for one in people
    )  # fmt: skip
    Order.objects.bulk_create(
        Order(source="t", order_no=f"{one.member_no}", member=one, status="paid", paid_at=at + timedelta(hours=1),
              total_cents=16_800 + 100 * n) for n, one in enumerate(people[:returned])
    )  # fmt: skip


@pytest.mark.nightly
@pytest.mark.parametrize(("width", "language"), list(product((1440, 390), ("zh-hans", "en"))))
def test_the_pages_are_clean_on_desk_and_phone_in_both_languages(
    enter: Open,  # noqa: F811
    house: House,
    width: int,
    language: str,
) -> None:
    names = ("双十二老客回馈", "秋茶上新")
    draft, result = (ids.encode("cmp", Campaign.objects.get(journey__name=name).pk) for name in names)
    day = clock.local_date(house.moment) + timedelta(days=3)
    paths = {
        "list": "/console/campaigns/", "new": "/console/campaigns/new/", "draft": f"/console/campaigns/{draft}/",
        "result": f"/console/campaigns/{result}/", "calendar": f"/console/campaigns/calendar/?day={day}",
        "week": f"/console/campaigns/calendar/?day={day}&view=week", "costs": "/console/costs/", "cost-file": "/console/costs/file/",
    }  # fmt: skip
    found = enter(Role.MARKETER, width=width, language=language)
    for name, path in paths.items():
        found.go(path)
        found.check()
        keep(found.page, name=f"campaigns-{name}-{width}-{language}")


@pytest.mark.nightly
def test_a_draft_moves_to_another_day_without_a_mouse_and_with_one(enter: Open, house: House) -> None:  # noqa: F811
    row = Campaign.objects.get(journey__name="周末品茗会邀请")
    first = clock.local_date(house.moment) + timedelta(days=3)
    found = enter(Role.MARKETER)
    found.go(f"/console/campaigns/calendar/?day={first}&view=week")
    monday = first - timedelta(days=first.weekday())
    days = [monday + timedelta(days=n) for n in range(7)]
    by_key, by_mouse = [day for day in days if day != first and day >= first - timedelta(days=2)][:2]
    form = found.page.locator(f"#move-{ids.encode('cmp', row.pk)}")
    form.locator("input[type=date]").fill(str(by_key))
    form.locator("input[type=date]").press("Enter")
    expect(found.page.locator(f"[data-day='{by_key}'] .ev")).to_contain_text("周末品茗会邀请")
    found.page.locator(f"[data-day='{by_key}'] .ev").drag_to(found.page.locator(f"[data-day='{by_mouse}']"))
    expect(found.page.locator(f"[data-day='{by_mouse}'] .ev", has_text="周末品茗会邀请")).to_be_visible()
    row.refresh_from_db()
    assert row.plan["at"] == f"{by_mouse}T10:00"
