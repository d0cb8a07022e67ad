"""Every member page at the sizes, in the themes and languages it must hold (X3, X4, X5, X7, X11); all of them at night."""

from datetime import timedelta
from itertools import product

import pytest

from apps.core import clock, tokens
from apps.gateways import inbox
from apps.members import services as members
from apps.members.models import Member
from apps.orders import services as orders
from apps.stores.models import Store
from tests.console.world import House
from tests.e2e.conftest import Open
from tests.e2e.portal_walk import (
    crowded_targets,
    enlarge,
    every_page,
    hidden_focus,
    log_in,
    small_targets,
    spilled,
    stretch,
    visit,
    wrong_language,
)  # fmt: skip
from tests.e2e.visits import Visit, keep
from tests.processes import Simulator

pytestmark = [pytest.mark.e2e, pytest.mark.django_db(transaction=True)]
DEEP = {"home", "order", "privacy", "profile", "me"}  # looked at by axe on every merge; at night all are
PR = [(320, "en", "dark"), (390, "zh-hans", "light")]  # by turns, each of them every second page
NIGHT = [one for one in product((320, 360, 390, 430, 768, 1440), ("zh-hans", "en"), ("light", "dark")) if one not in PR]


@pytest.mark.parametrize(
    ("width", "language", "theme"), [*PR, *(pytest.param(*one, marks=pytest.mark.nightly) for one in NIGHT)]
)
def test_every_page_is_clean(open_page: Open, house: House, simulator, width, language, theme):
    found = open_page(width=width, language=language, theme=theme)
    picture = f"{width}-{language}-{theme}"
    is_night = (width, language, theme) in NIGHT
    found.go("/my/login/")
    found.check()
    keep(found.page, name=f"login-{picture}")
    found.page.fill("#phone", "19900000002")
    found.page.check("[name=agree]")
    found.page.click("form button.wide")
    found.page.wait_for_selector("#code")
    look_at(found, "code", language=language, deep=is_night)
    keep(found.page, name=f"code-{picture}")
    log_in(found, simulator)
    for number, (name, path) in enumerate(every_page(house).items()):
        if not is_night and number % 2 != PR.index((width, language, theme)):
            continue
        visit(found, path)
        look_at(found, name, language=language, deep=is_night or name in DEEP)
        keep(found.page, name=f"{name}-{picture}")
        enlarge(found, 1.5)
        assert spilled(found) == [], f"{name}, large"


def look_at(found: Visit, name: str, *, language: str, deep: bool) -> None:
    found.check(deep=deep)
    assert spilled(found) == [], name
    assert small_targets(found) == [], name
    assert crowded_targets(found) == [], name
    assert wrong_language(found, language) == [], name


@pytest.mark.parametrize(
    ("width", "language"),
    [pytest.param(*one, marks=pytest.mark.nightly) for one in ((320, "en"), (320, "zh-hans"), (768, "en"))],
)
def test_longer_words_break_no_page(open_page: Open, house: House, simulator: Simulator, width: int, language: str):
    """+40 % on every text, at WeChat's largest size as well (X5, X11)."""
    found = open_page(width=width, language=language)
    log_in(found, simulator)
    for name, path in {"login": "/my/login/", **every_page(house)}.items():
        visit(found, path)
        stretch(found)
        assert spilled(found) == [], name
        enlarge(found, 1.5)
        assert spilled(found) == [], f"{name}, large"


def test_the_keyboard_reaches_everything_and_nothing_lies_over_it(open_page: Open, house: House, simulator: Simulator):
    found = open_page(width=390)
    log_in(found, simulator)
    for name in ("home", "orders", "me", "privacy", "profile", "welcome"):
        found.go(every_page(house)[name])
        assert hidden_focus(found) == [], name


def test_who_wants_no_motion_gets_none(open_page: Open, house: House, simulator: Simulator):
    found = open_page(reduced_motion="reduce")
    log_in(found, simulator, path="/my/privacy/")
    moving = found.page.evaluate("""() => [...document.querySelectorAll("*, *::after")]
        .filter((part) => [null, "::after"].some((kind) => parseFloat(getComputedStyle(part, kind).transitionDuration) > 0))
        .map((part) => part.className)""")
    assert moving == []


@pytest.mark.nightly
def test_the_longest_names_and_two_thousand_orders(open_page: Open, house: House, simulator: Simulator):
    """A member who has been here for long: pages come by twenty, none twice, and whoever presses keeps their place."""
    found = open_page(width=320)
    log_in(found, simulator)
    crowd(house)
    for name, path in every_page(house).items():
        visit(found, path)
        assert spilled(found) == [], name
        keep(found.page, name=f"crowd-{name}-320")

    for path, most in (("/my/orders/", 2_001), ("/my/inbox/", 503)):
        found.go(path)
        page = found.page
        assert page.locator(".p-group a.p-li").count() == 20
        for press in range(1, 6):
            page.focus("#more a")
            page.keyboard.press("Enter")
            page.wait_for_function(
                "(count) => document.querySelectorAll('.p-group a.p-li').length === count", arg=20 * (press + 1)
            )
            page.wait_for_function(  # the first of the new ones has the focus
                "(place) => document.querySelectorAll('.p-group a.p-li')[place] === document.activeElement",
                arg=20 * press,
            )
        seen = page.locator(".p-group a.p-li").evaluate_all("rows => rows.map((row) => row.href)")
        assert len(set(seen)) == len(seen) == 120 < most


def crowd(house: House) -> None:
    mine, moment = Member.objects.get(pk=house.members["mine"].pk), clock.now()
    name = "特别特别长的名字没有尽头" * 3 + "Ab"
    members.change_profile(member_id=mine.pk, nickname=name[:40])
    Store.objects.filter(pk=house.stores["mine"].pk).update(
        name="上海市徐汇区武康路三百七十八号武康大厦底楼沿街旗舰体验店Flagship"
    )
    rows = [
        orders.Order(
            source="crowd", order_no=f"CROWD-{number:05d}-{'9' * 40}", member=mine, store=house.stores["mine"], status="paid",
            total_cents=1_234_567_890, created_at=moment - timedelta(hours=number), paid_at=moment - timedelta(hours=number),
        )
        for number in range(2_000)
    ]  # fmt: skip
    orders.Order.objects.bulk_create(rows)
    letters = [
        inbox.Letter(
            key=f"crowd:{number}", member_id=mine.pk, title=f"第{number}封" + "很长的题目" * 10, body="字" * 900
        )
        for number in range(500)
    ]
    inbox.deliver_batch(letters, moment=moment)
    for number in range(9):
        tokens.open_family(user_id=mine.user_id or 0, client="portal", label=f"某种名字很长的手机{number}" * 3)


def test_a_member_with_nothing_at_all_has_a_next_step_on_every_page(
    open_page: Open, house: House, simulator: Simulator
):
    members.register(source="test", phone="19900000555")
    found = open_page(width=360)
    log_in(found, simulator, phone="19900000555")
    assert Member.objects.filter(nickname="").count() == 1
    empty = {"home": "/my/", "orders": "/my/orders/", "orders-none": "/my/orders/?kind=refunded", "inbox": "/my/inbox/",
             "held": "/my/privacy/held/", "me": "/my/me/"}  # fmt: skip
    for name, path in empty.items():
        found.go(path)
        look_at(found, name, language="zh-hans", deep=True)
        keep(found.page, name=f"nothing-{name}-360")
