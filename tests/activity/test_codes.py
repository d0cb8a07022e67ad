"""Tracked codes: made safely, opened by people, counted once per tap, and named by who registers afterwards."""

from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta
from uuid import UUID

import pytest
from django.db import connection
from django.test import Client

from apps.activity import codes, services
from apps.activity.errors import CodeMalformed, CodeStopped, CodeTaken, TargetRefused
from apps.activity.models import Arrival, Code, CodeDay, CodeVisitor, Event, Visitor
from apps.activity.robots import Look
from apps.core import clock as house_clock
from apps.core.errors import NotFound
from apps.core.models import AuditEntry
from apps.members import services as members
from tests.activity.made import NOON, PHONE_ID

pytestmark = pytest.mark.django_db
WECHAT = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148"
    " MicroMessenger/8.0.54(0x18003629) NetType/WIFI Language/zh_CN"
)
SAFARI = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.1"
    " Mobile/15E148 Safari/604.1"
)
PERSON = Look(agent=WECHAT, mode="navigate", address="192.0.2.7")


@pytest.fixture(autouse=True)
def _noon(clock):
    clock(NOON)


@pytest.fixture
def poster(db) -> Code:
    return codes.create(name="武康路海报", target="/my/", campaign="双十一", poster="橱窗")


def figures(code: Code) -> tuple[int, int, int]:
    rows = CodeDay.objects.filter(code=code).values_list("scans", "people", "bots")
    return tuple(sum(column) for column in zip(*rows, strict=True)) if rows else (0, 0, 0)  # type: ignore[return-value]


def tap(code: Code, anonymous_id: str = PHONE_ID, **look) -> codes.Followed:
    return codes.follow(slug=code.slug, anonymous_id=anonymous_id, look=Look(**{**vars(PERSON), **look}))


def test_a_code_is_short_random_and_audited(poster: Code):
    assert len(poster.slug) == 7
    assert set(poster.slug) <= set(codes.LETTERS)
    assert codes.create(name="b", target="/my/").slug != poster.slug
    assert AuditEntry.objects.filter(action="activity_code.insert", object_id=str(poster.pk)).count() == 1


@pytest.mark.parametrize("slug", ["abc", "a" * 13, "ab-cd", "ab cd", "码码码码", "abcd\n"])
def test_a_slug_that_would_not_fit_a_mini_program_code_is_refused(slug: str):
    with pytest.raises(CodeMalformed):
        codes.create(name="x", target="/my/", slug=slug)
    assert Code.objects.count() == 0


def test_a_slug_is_given_once_and_capitals_differ():
    codes.create(name="a", target="/my/", slug="Autumn26")
    with pytest.raises(CodeTaken):
        codes.create(name="b", target="/my/", slug="Autumn26")
    codes.create(name="c", target="/my/", slug="autumn26")

    assert Code.objects.count() == 2


@pytest.mark.parametrize(
    "target",
    ["//evil.example/", "/\\evil.example", "https://evil.example/", "http://shop.example.com/", "javascript:alert(1)",
     "https://shop.example.com@evil.example/", "https://shop.example.com.evil.example/", "https://shop.example.com:8443/",
     "https://evil.example\\@shop.example.com/", "/my/\r\nSet-Cookie: a=b", "mini:pages/../../x?%0d\n", "weixin://dl/",
     "", "my/", "data:text/html,x", "https://", "https://[", "/" + "x" * 500],
)  # fmt: skip
def test_a_code_leads_nowhere_but_home_to_a_mini_program_or_an_allowed_host(target: str, settings):
    settings.SHORT_LINK_HOSTS = ["shop.example.com"]

    with pytest.raises(TargetRefused):
        codes.create(name="x", target=target)
    assert Code.objects.count() == 0


def test_a_host_taken_off_the_list_is_closed_at_once(settings, client: Client):
    settings.SHORT_LINK_HOSTS = ["shop.example.com"]
    code = codes.create(name="x", target="https://shop.example.com/a?b=1")
    assert client.get(f"/s/{code.slug}", headers={"user-agent": SAFARI})["Location"] == "https://shop.example.com/a?b=1"

    settings.SHORT_LINK_HOSTS = []
    assert client.get(f"/s/{code.slug}", headers={"user-agent": SAFARI}).status_code == 404


def test_a_mini_program_page_opens_by_wechats_scheme_and_inside_wechat_the_portal_does():
    code = codes.create(name="x", target="mini:pages/live/room?id=7")

    assert tap(code, agent=SAFARI).address == (
        "weixin://dl/business/?appid=wx5170000000000001&path=pages/live/room&query=id%3D7"
    )
    assert tap(code, anonymous_id="browser-0002").address == "/my/"


def test_a_tap_counts_once_and_tells_people_apart_by_browser(poster: Code, clock):
    assert tap(poster).is_counted
    assert tap(poster).why_not == "same_tap"
    clock(NOON + timedelta(seconds=10))
    assert tap(poster).is_counted
    assert tap(poster, anonymous_id="browser-0002").is_counted

    assert figures(poster) == (3, 2, 0)
    assert Event.objects.filter(name="code_opened").count() == 3
    assert Event.objects.first().properties == {"code": poster.slug, "channel": "poster", "campaign": "双十一"}


def test_days_are_counted_by_shanghais_calendar(poster: Code, clock):
    last = house_clock.day_end(date(2026, 11, 22)) - timedelta(microseconds=1)
    clock(last)
    tap(poster)
    clock(last + timedelta(seconds=11))
    tap(poster)

    assert list(CodeDay.objects.order_by("on").values_list("on", "scans", "people")) == [
        (date(2026, 11, 22), 1, 1), (date(2026, 11, 23), 1, 0),
    ]  # fmt: skip


PEOPLE = [
    WECHAT, SAFARI,
    "Mozilla/5.0 (Linux; Android 14; V2309A Build/UP1A) AppleWebKit/537.36 (KHTML, like Gecko) Version/4.0 Chrome/116.0.0.0"
    " Mobile Safari/537.36 XWEB/1160117 MMWEBSDK/20240404 MicroMessenger/8.0.49 WeChat/arm64 Weixin NetType/5G",
    "Mozilla/5.0 (Linux; Android 13; M2012K11AC) AppleWebKit/537.36 Chrome/104.0 Mobile Safari/537.36 aweme_230400"
    " BytedanceWebview/d8a21c6",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X) AppleWebKit/605.1.15 Mobile/15E148 discover/8.20 xhsminiapp",
    "Mozilla/5.0 (Linux; U; Android 12; zh-CN; ALN-AL00) AppleWebKit/537.36 UCBrowser/16.5 Mobile Safari/537.36"
    " AliApp(AP/10.5.50) AlipayClient/10.5.50",
    "Mozilla/5.0 (Linux; Android 11; CUBOT X30) AppleWebKit/537.36 Chrome/110.0 Mobile Safari/537.36",
    "Mozilla/5.0 (Linux; Android 12; HarmonyOS) AppleWebKit/537.36 HuaweiBrowser/14.0 Mobile Safari/537.36",
    "Mozilla/5.0 (Linux; Android 10) AppleWebKit/537.36 MQQBrowser/13.3 Mobile Safari/537.36 V1_AND_SQ QQ/8.9",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X) AppleWebKit/605.1.15 Mobile/15E148 [LinkedInApp]",
]  # fmt: skip
ROBOTS = [
    "Mozilla/5.0 (compatible; Baiduspider/2.0; +http://www.baidu.com/search/spider.html)", "Sogou web spider/4.0",
    "Mozilla/5.0 (compatible; Googlebot/2.1)", "Mozilla/5.0 (compatible; bingbot/2.0)", "Bytespider", "mpcrawler",
    "Mozilla/5.0 (Linux; Android 6.0) AppleWebKit/537.36 Chrome/41.0 Mobile Safari/537.36 (compatible; mpcrawler)",
    "facebookexternalhit/1.1", "Twitterbot/1.0", "WhatsApp/2.23", "TelegramBot (like TwitterBot)", "curl/8.5.0",
    "python-requests/2.31", "Go-http-client/2.0", "Java/17.0.1", "Apache-HttpClient/4.5", "Slackbot-LinkExpanding 1.0",
    "Mozilla/5.0 (X11; Linux x86_64) HeadlessChrome/120.0", "Google-Read-Aloud", "BingPreview/1.0b", "", "  ",
]  # fmt: skip


@pytest.mark.parametrize("agent", PEOPLE)
def test_the_browsers_of_people_count(poster: Code, agent: str):
    assert tap(poster, agent=agent).is_counted
    assert figures(poster) == (1, 1, 0)


@pytest.mark.parametrize("agent", ROBOTS)
def test_robots_are_led_on_and_not_counted(poster: Code, agent: str):
    followed = tap(poster, agent=agent)

    assert (followed.address, followed.is_counted, followed.anonymous_id) == ("/my/", False, "")
    assert figures(poster) == (0, 0, 1)
    assert Visitor.objects.count() == Event.objects.count() == CodeVisitor.objects.count() == 0


@pytest.mark.parametrize(
    ("look", "why"),
    [({"method": "HEAD"}, "head"), ({"purpose": "prefetch;prerender"}, "prefetch"), ({"purpose": "preview"}, "prefetch"),
     ({"mode": "no-cors"}, "no_page")],
)  # fmt: skip
def test_what_only_looks_ahead_is_not_counted(poster: Code, look: dict, why: str):
    assert tap(poster, **look).why_not == why
    assert figures(poster) == (0, 0, 1)


def test_sixty_a_minute_from_one_network_count_and_no_more(poster: Code):
    for number in range(62):
        tap(poster, anonymous_id=f"browser-{number:04d}")
    tap(poster, anonymous_id="browser-from-home", address="198.51.100.9")

    assert figures(poster) == (61, 61, 2)


def test_a_stopped_code_says_that_it_is_over_and_counts_nothing_until_it_is_used_again(poster: Code, client: Client):
    codes.stop(code_id=poster.pk)
    codes.stop(code_id=poster.pk)
    answer = client.get(f"/s/{poster.slug}", headers={"user-agent": SAFARI})
    with pytest.raises(CodeStopped):
        tap(poster)

    assert answer.status_code == 410
    assert figures(poster) == (0, 0, 0)
    codes.resume(code_id=poster.pk)
    assert tap(poster).is_counted


def test_an_unknown_code_does_not_exist(client: Client):
    for slug in ("nowhere1", "ab", "a" * 40, "%00abcd"):
        assert client.get(f"/s/{slug}", headers={"user-agent": SAFARI}).status_code == 404
    with pytest.raises(NotFound):
        codes.follow(slug="\0abc", anonymous_id="", look=PERSON)


def test_the_first_and_the_last_code_are_kept_and_the_last_names_the_source(poster: Code, clock):
    other = codes.create(name="b", target="/my/")
    for code, at in ((poster, NOON), (other, NOON + timedelta(days=1))):
        clock(at)
        tap(code)

    seen = Visitor.objects.get()
    assert (seen.first_code, seen.first_touch_at, seen.last_code) == (poster, NOON, other)
    assert codes.source_of(PHONE_ID, otherwise="portal") == f"code:{other.slug}"
    assert codes.source_of("browser-0002", otherwise="portal") == "portal"
    assert codes.source_of("", otherwise="portal") == "portal"
    clock(NOON + timedelta(days=31))
    assert codes.source_of(PHONE_ID, otherwise="portal") == "portal"


def test_who_registers_after_a_scan_is_the_codes_arrival_once(poster: Code):
    tap(poster)
    member = members.register(source=codes.source_of(PHONE_ID, otherwise="portal"))
    regular = members.register(source="portal")

    assert services.stitch(anonymous_id=PHONE_ID, member_id=member) == 1
    services.stitch(anonymous_id=PHONE_ID, member_id=member)
    services.stitch(anonymous_id="browser-0002", member_id=regular)

    assert list(Arrival.objects.values_list("member_id", "code_id", "at")) == [(member, poster.pk, NOON)]


def test_a_registration_by_wechat_right_after_a_scan_is_an_arrival_though_its_source_says_less(poster: Code, clock):
    tap(poster)
    regular = members.register(source="mini-program", joined_at=NOON - timedelta(hours=1))
    services.stitch(anonymous_id=PHONE_ID, member_id=regular)
    assert Arrival.objects.count() == 0  # a member before the scan

    tap(poster, anonymous_id="browser-0002")
    newcomer = members.register(source="mini-program")
    services.stitch(anonymous_id="browser-0002", member_id=newcomer)
    services.stitch(anonymous_id=PHONE_ID, member_id=newcomer)
    assert list(Arrival.objects.values_list("member_id", "code_id")) == [(newcomer, poster.pk)]

    tap(poster, anonymous_id="browser-0003")
    clock(NOON + timedelta(days=31))
    forgetful = members.register(source="mini-program")
    services.stitch(anonymous_id="browser-0003", member_id=forgetful)
    assert Arrival.objects.count() == 1


def test_the_door_gives_a_random_name_to_a_new_browser_and_keeps_a_known_one(poster: Code, client: Client):
    first = client.get(f"/s/{poster.slug}", headers={"user-agent": SAFARI})
    name = first.cookies["anon"].value
    again = client.get(f"/s/{poster.slug}", headers={"user-agent": SAFARI})

    assert (first.status_code, first["Location"], first["Cache-Control"]) == (302, "/my/", "no-store")
    assert first.cookies["anon"]["httponly"] is True
    assert str(UUID(name)) == name  # as the portal makes and reads it
    assert "anon" not in again.cookies
    assert Visitor.objects.get().anonymous_id == name


def test_a_forged_name_is_replaced(poster: Code, client: Client):
    client.cookies["anon"] = "' or 1=1 --"
    answer = client.get(f"/s/{poster.slug}", headers={"user-agent": SAFARI})

    assert answer.cookies["anon"].value == Visitor.objects.get().anonymous_id != "' or 1=1 --"


def test_a_head_request_and_a_robot_get_no_name(poster: Code, client: Client):
    head = client.head(f"/s/{poster.slug}", headers={"user-agent": SAFARI})
    robot = client.get(f"/s/{poster.slug}", headers={"user-agent": "curl/8"})

    assert (head.status_code, robot.status_code) == (302, 302)
    assert not head.cookies
    assert not robot.cookies
    assert figures(poster) == (0, 0, 2)
    assert client.post(f"/s/{poster.slug}").status_code == 405


@pytest.mark.django_db(transaction=True)
def test_forty_taps_at_once_lose_none(poster: Code):
    def press(number: int) -> str:
        try:
            with house_clock.frozen(NOON):
                return tap(poster, anonymous_id=f"browser-{number % 20:04d}").why_not
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as pool:
        outcomes = list(pool.map(press, range(40)))

    assert sorted(outcomes) == [""] * 20 + ["same_tap"] * 20
    assert figures(poster) == (20, 20, 0)
