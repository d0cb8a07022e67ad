"""The page that says how the service does, and the mails that tell programs of a version's end."""

from datetime import UTC, datetime, timedelta

import pytest
from django.core.cache import cache
from django.db import connection

from apps.api import deprecations, frame, status, tasks
from apps.care.models import Lane
from apps.core.models import TaskRun
from apps.gateways.simulator.client import Client as Platform
from apps.stores import credentials
from apps.stores.models import ApiClient
from tests.api.conftest import Caller
from tests.processes import Simulator

pytestmark = pytest.mark.django_db
NOON = datetime(2026, 11, 30, 4, 0, tzinfo=UTC)
DAY = timedelta(days=1)


@pytest.fixture(autouse=True)
def _today(clock):
    cache.clear()
    clock(NOON)


@pytest.fixture
def post(simulator: Simulator, settings) -> Platform:
    platform = Platform(simulator.url)
    settings.MAIL_URL, settings.MAIL_FROM = platform.smtp_url(), "api@brand.example"
    settings.PUBLIC_URL = "https://siyu.example.com"
    return platform


@pytest.fixture
def old(monkeypatch) -> frame.Version:
    """A version that was announced to end yesterday, and ends in half a year."""
    one = frame.Version("2026-06-01", deprecated_at=NOON - DAY, ends_at=NOON + 183 * DAY)
    monkeypatch.setattr(deprecations, "VERSIONS", (one, *frame.VERSIONS))
    return one


def call(at: datetime, code: int) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "insert into core_requestline (at, request_id, trace, actor, method, route, status, code, ms, is_replayed)"
            " values (%s, '', '', '', 'GET', 'api:me', %s, '', 1, false)",
            [at, code],
        )


def page(nobody: Caller, language: str = "en") -> str:
    return nobody.http.get("/api/docs/status", headers={"accept-language": language}).content.decode()


def test_a_channel_that_stopped_itself_and_maintenance_are_said(nobody: Caller, settings, monkeypatch):
    monkeypatch.setattr(status, "CHECKS", {"database": lambda: True, "worker": lambda: True})
    assert "Everything is in order" in page(nobody)
    Lane.objects.create(channel="sms", circuit="open")
    monkeypatch.setattr(status, "CHECKS", {"database": lambda: 1 / 0, "worker": lambda: True})
    settings.API_MAINTENANCE = 60

    assert "有部件异常" in page(nobody, "zh-hans")
    ill = {part.key for part in status.parts(moment=NOON) if not part.is_well}
    assert ill == {"api", "database", "sms"}


def test_a_day_is_a_day_of_the_shop_and_only_our_own_faults_count(nobody: Caller):
    midnight = datetime(2026, 11, 29, 16, 0, tzinfo=UTC)
    for at, code in ((midnight, 200), (midnight, 422), (midnight, 503), (midnight - timedelta(seconds=1), 500)):
        call(at, code)
    call(midnight - 6 * DAY - timedelta(seconds=1), 500)  # before the week

    counted_at, days = status.days(moment=NOON)
    assert counted_at == NOON
    assert [(one.day.day, one.calls, one.failed) for one in days[:3]] == [(30, 3, 1), (29, 1, 1), (28, 0, 0)]
    assert (len(days), round(days[0].share, 2), sum(one.calls for one in days)) == (7, 66.67, 4)
    call(midnight, 500)
    assert status.days(moment=NOON + DAY)[1][0].calls == 3  # as counted before
    assert "66.67 %" in page(nobody)


def test_each_program_with_an_address_hears_once_and_again_in_the_last_month(post: Platform, old: frame.Version, clock):
    for name, contact in (("订单系统", "it@erp.example"), ("小程序", ""), ("旧系统", "old@erp.example")):
        credentials.issue_client(name=name, scopes=["orders.write"], contact=contact)
    credentials.revoke(kind="client", credential_id=ApiClient.objects.get(name="旧系统").pk)

    tasks.tell_deprecations()
    assert TaskRun.objects.get().figures == {"told": 1, "waiting": 0}
    assert deprecations.tell(moment=NOON + DAY) == {"told": 0, "waiting": 0}
    last = old.ends_at - timedelta(days=30)  # type: ignore[operator]
    assert deprecations.tell(moment=last - DAY)["told"] == 0
    assert deprecations.tell(moment=last)["told"] == 1
    assert deprecations.tell(moment=last + 40 * DAY)["told"] == 0

    mails = post.mails()
    assert [(one["to"], one["subject"]) for one in mails] == [("it@erp.example", "API 2026-06-01: 2027-06-01")] * 2
    assert "“订单系统”所用的接口版本 2026-06-01 将服务至 2027年06月01日 12:00" in mails[0]["text"]
    assert "https://siyu.example.com/api/docs/status" in mails[0]["text"]


def test_a_mail_that_did_not_go_out_waits_for_tomorrow(post: Platform, old: frame.Version, settings):
    credentials.issue_client(name="订单系统", scopes=["orders.write"], contact="it@erp.example")
    there, settings.MAIL_URL = settings.MAIL_URL, "smtp+plain://127.0.0.1:1"
    assert deprecations.tell(moment=NOON) == {"told": 0, "waiting": 1}
    settings.MAIL_URL = there
    assert deprecations.tell(moment=NOON + DAY) == {"told": 1, "waiting": 0}
    settings.MAIL_URL = ""
    assert deprecations.tell(moment=NOON + DAY) == {"told": 0, "waiting": 0}


def test_the_page_announces_what_ends_and_no_version_ends_within_six_months_of_its_announcement(
    nobody: Caller, old: frame.Version
):
    assert "<code>2026-06-01</code> is served until June 1, 2027 12:00" in page(nobody)
    for one in frame.VERSIONS:
        assert (one.deprecated_at is None) == (one.ends_at is None)
        assert one.ends_at is None or one.ends_at - one.deprecated_at >= timedelta(days=183)  # type: ignore[operator]
