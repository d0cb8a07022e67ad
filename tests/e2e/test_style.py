"""The style page in a real browser: both languages, both themes, phone and desk. What it shows, every page is made of."""

from itertools import product

import pytest
from django.test import Client
from playwright.sync_api import Browser, Page

from apps.core.models import User
from apps.stores.models import Role, Staff
from tests.e2e.visits import Visit, keep

pytestmark = [pytest.mark.e2e, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def visit(chromium: Browser, live_server, transactional_db):
    """`visit(width=, language=, theme=)`: a fresh browser profile, logged in as a marketer."""
    user = User.objects.create_user("lin", "long-enough-2026")
    Staff.objects.create(user=user, code="S1", name="Lin", role=Role.MARKETER)
    client = Client()
    client.force_login(user)
    opened = []

    def open_page(*, width: int = 1440, language: str = "zh-hans", theme: str = "light", inside: bool = True) -> Visit:
        context = chromium.new_context(viewport={"width": width, "height": 900}, color_scheme=theme)  # type: ignore[arg-type]
        opened.append(context)
        cookies = {"django_language": language}
        if inside:
            cookies["sessionid"] = client.cookies["sessionid"].value
        context.add_cookies([{"name": name, "value": value, "url": live_server.url} for name, value in cookies.items()])
        return Visit(context.new_page(), home=live_server.url)

    yield open_page
    for context in opened:
        context.close()


# Both widths, languages and themes at every merge; every one of their pairs is among these four.
TWO = [(360, "en", "light"), (1440, "zh-hans", "dark")]


@pytest.mark.parametrize(
    ("width", "language", "theme"),
    [
        pytest.param(*one, marks=() if one in TWO else pytest.mark.nightly)
        for one in product((360, 1440), ("zh-hans", "en"), ("light", "dark"))
    ],
)
def test_every_part_stands_in_both_languages_and_themes(visit, tmp_path, width, language, theme):
    found = visit(width=width, language=language, theme=theme)
    found.go("/console/style/")
    found.check()
    assert found.page.locator(".st-pair.low").count() == 0
    assert found.page.locator(".st-pair output").first.inner_text() == ("15.78" if theme == "light" else "16.16")
    keep(found.page, name=f"style-{width}-{language}-{theme}", folder=tmp_path)


FACES = [
    ("/console/style/?face=portal", 360, "dark", "light"),
    ("/console/style/?face=counter", 1024, "light", "dark"),
    ("/console/style/?face=counter", 360, "dark", "light"),
    ("/nowhere/", 360, "light", "dark"),
]


@pytest.mark.parametrize(
    ("path", "width", "theme"),
    [
        *((path, width, theme) for path, width, theme, _other in FACES),
        *(pytest.param(path, width, other, marks=pytest.mark.nightly) for path, width, _theme, other in FACES),
    ],
)
def test_the_other_faces_hold_as_well(visit, tmp_path, path, width, theme):
    found = visit(width=width, theme=theme)
    found.go(path)
    if path == "/nowhere/":
        found.troubles = [line for line in found.troubles if "404" not in line]
    found.check()
    keep(found.page, name=f"{path.strip('/').replace('/', '-').replace('?', '-')}-{width}-{theme}", folder=tmp_path)


@pytest.mark.parametrize(("width", "language"), [(1440, "zh-hans"), (360, "en")])
def test_the_door_is_open_to_everybody(visit, tmp_path, width, language):
    found = visit(width=width, language=language, inside=False)
    found.go("/console/login/")
    found.check()
    assert found.page.evaluate("document.activeElement.id") == "id_username"
    keep(found.page, name=f"login-{width}-{language}", folder=tmp_path)


def test_a_chart_turns_into_its_table_with_the_same_figures(visit):
    page = visit_page(visit)
    figure = page.locator("#sample-states")
    drawn = figure.locator("svg .mid").all_text_contents()
    assert drawn == ["1,562", "84", "37", "627"]
    figure.locator("summary").click()
    assert not figure.locator("svg.ch").is_visible()
    assert [text.strip() for text in figure.locator("tbody td:nth-child(2)").all_inner_texts()] == drawn
    with page.expect_download() as saved:
        figure.locator("[data-csv]").click()
    assert saved.value.suggested_filename == "sample-states.csv"
    assert saved.value.path().read_text(encoding="utf-8-sig").splitlines()[1].endswith('"1,562","67.6%"')


def test_a_pinned_theme_stays_without_a_flash(visit):
    page = visit_page(visit, theme="light")
    page.locator(".c-me").click()
    page.locator("[data-theme-pin=dark]").click()
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(18, 19, 17)"
    page.reload()
    assert page.locator("html").get_attribute("data-theme") == "dark"  # the server wrote it
    page.locator(".c-me").click()
    page.locator('[data-theme-pin=""]').click()
    page.reload()
    assert page.locator("html").get_attribute("data-theme") is None


def test_the_dialog_asks_first_and_escape_is_the_way_back(visit):
    page = visit_page(visit)
    page.locator("[data-open=st-dialog]").click()
    dialog = page.locator("#st-dialog")
    assert dialog.is_visible()
    assert page.evaluate("document.activeElement.hasAttribute('data-shut')")
    page.keyboard.press("Escape")
    assert not dialog.is_visible()
    assert page.evaluate("document.activeElement.dataset.open") == "st-dialog"


def test_the_language_switch_comes_back_to_the_same_page(visit):
    page = visit_page(visit)
    page.locator(".c-lang button").click()
    page.wait_for_load_state("networkidle")
    assert page.url.endswith("/console/style/")
    assert page.locator("html").get_attribute("lang") == "en"


def test_control_k_goes_to_the_member_search(visit):
    page = visit_page(visit)
    page.keyboard.press("Control+k")
    assert page.evaluate("document.activeElement.hasAttribute('data-find')")


def test_no_link_of_the_side_bar_is_dead(visit):
    page = visit_page(visit)
    links = page.locator(".c-nav a").evaluate_all("links => links.map(link => link.href)")
    assert len(links) >= 6
    assert {link: page.request.get(link).status for link in links} == dict.fromkeys(links, 200)


def test_the_first_tab_stop_skips_to_the_content(visit):
    page = visit_page(visit)
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "c-skip"
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "main"


def visit_page(visit, **options: str) -> Page:
    found = visit(**options)
    found.go("/console/style/")
    return found.page
