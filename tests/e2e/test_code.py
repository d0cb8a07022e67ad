"""T-F5: the member code on an open page, whatever the phone's clock says and whether there is a connection; and what came of it."""

from datetime import timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from apps.core import clock
from apps.members import member_codes
from apps.members.member_codes import Where
from apps.points import services as points
from apps.stores import credentials
from tests.console.world import House
from tests.e2e.conftest import Open
from tests.e2e.portal_walk import log_in
from tests.e2e.visits import keep
from tests.processes import Simulator

pytestmark = [pytest.mark.e2e, pytest.mark.django_db(transaction=True)]
SOON = 3_000  # ms: of the brief
SHIFTS = [10, pytest.param(-10, marks=pytest.mark.nightly)]


def digits(page: Page) -> str:
    return "".join(page.locator(".p-code i").all_text_contents())


def left(page: Page) -> int:
    return int(page.locator("[data-left]").inner_text())


@pytest.mark.parametrize("minutes", SHIFTS)
def test_servers_time_governs_an_offline_page_shows_no_code_and_a_reading_is_told(
    open_page: Open, house: House, simulator: Simulator, minutes: int, tmp_path: Path
):
    language = "zh-hans" if minutes > 0 else "en"
    store = house.stores["mine"]
    device = credentials.issue_device(name="till", store_id=store.pk, scopes=["members.read"])
    till = Where(store_id=store.pk, device_id=device.id)
    found = open_page(language=language)
    page = found.page
    page.clock.install(time=clock.now() + timedelta(minutes=minutes))
    log_in(found, simulator, path="/my/code/")
    keep(page, name=f"code-{language}", folder=tmp_path)

    begun, first = left(page), digits(page)
    assert 35 < begun <= 50  # the phone is ten minutes off
    page.clock.fast_forward("00:30")
    assert 0 < left(page) <= begun - 30
    page.clock.set_system_time(clock.now() - timedelta(minutes=minutes))  # set while the page is open
    page.clock.run_for(500)
    with page.expect_response("**/my/code/next/"):
        page.clock.fast_forward("00:21")
    expect(page.locator("#code-now")).not_to_contain_text(first[:6])
    assert 35 < left(page) <= 50
    found.check()

    page.context.set_offline(True)
    page.clock.run_for(500)
    expect(page.locator(".p-offline span")).to_be_visible()
    expect(page.locator(".p-code")).to_be_visible()  # its minute is not over, and the till has a connection
    keep(page, name=f"code-offline-{language}", folder=tmp_path)
    page.clock.fast_forward("02:00")
    expect(page.locator("[data-over=offline]")).to_be_visible()
    for part in (".p-code", ".p-mycode .qr", ".p-bars svg"):
        expect(page.locator(part)).to_be_hidden()
    keep(page, name=f"code-over-{language}", folder=tmp_path)
    found.troubles.clear()  # what a browser says of a lost connection

    with page.expect_response("**/my/code/next/"):
        page.context.set_offline(False)
        page.clock.run_for(2_500)
    expect(page.locator(".p-code")).to_be_visible()
    seen = member_codes.read(code=digits(page), at=till)
    assert seen.member_id == house.members["mine"].pk
    page.clock.resume()
    expect(page.locator("#code-read")).to_contain_text(store.name, timeout=SOON)
    keep(page, name=f"code-read-{language}", folder=tmp_path)
    points.earn(member_id=seen.member_id, amount=128, source="test:till")
    expect(page.locator(".p-readlines")).to_contain_text("+128", timeout=SOON)
    keep(page, name=f"code-earned-{language}", folder=tmp_path)
    found.check()
