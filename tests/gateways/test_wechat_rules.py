"""Every rule of the simulated WeChat platform, on the platform itself and without HTTP."""

import json
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from pathlib import Path
from urllib.parse import urlencode

import pytest
from django.conf import settings

from apps.gateways.simulator import wechat_rules as rules
from apps.gateways.simulator.platform import Platform
from apps.gateways.simulator.wechat_rules import DEMO_APP, openid, unionid

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=timezone(timedelta(hours=8)))
APP, SECRET = DEMO_APP.app_id, DEMO_APP.secret
LIVE = {"thing1": {"value": "新品直播"}, "time2": {"value": "2026年3月2日 20:00"}, "thing3": {"value": "点此进入"}}


class Desk:
    """Speaks to the platform as its HTTP server does."""

    def __init__(self, platform: Platform) -> None:
        self.platform = platform

    def raw(self, method: str, target: str, body: bytes = b"", *, at: datetime = NOON) -> tuple[int, str, dict]:
        reply = self.platform.answer(method=method, target=target, headers={"x-sim-now": at.isoformat()}, body=body)
        return reply.status, reply.content_type, json.loads(reply.body)

    def post(self, path: str, body: dict, *, at: datetime = NOON) -> dict:
        status, _, content = self.raw("POST", path, json.dumps(body).encode(), at=at)
        assert status == 200, content
        return content

    def login(self, js_code: str, /, *, at: datetime = NOON, **changes: str) -> dict:
        asked = {"appid": APP, "secret": SECRET, "js_code": js_code, "grant_type": "authorization_code"} | changes
        status, kind, content = self.raw("GET", f"/sns/jscode2session?{urlencode(asked)}", at=at)
        assert (status, kind) == (200, "text/plain")
        return content

    def code(self, *, at: datetime = NOON, **person: str) -> str:
        return self.post("/control/wechat/js_codes", {"app_id": APP, **(person or {"person": "lin"})}, at=at)["js_code"]

    def token(self, *, at: datetime = NOON, force: bool = False, **changes: object) -> dict:
        asked = {"grant_type": "client_credential", "appid": APP, "secret": SECRET, "force_refresh": force}
        return self.post("/cgi-bin/stable_token", asked | changes, at=at)

    def call(self, path: str, body: dict, *, at: datetime = NOON, token: str = "") -> dict:
        token = token or self.token(at=at)["access_token"]
        return self.post(f"{path}?access_token={token}", body, at=at)

    def phone(self, code: str, *, at: datetime = NOON) -> dict:
        return self.call("/wxa/business/getuserphonenumber", {"code": code}, at=at)

    def send(self, *, to: str = "", at: datetime = NOON, token: str = "", **changes: object) -> dict:
        body = {"touser": to or person(), "template_id": "sim-live-reminder", "page": "pages/live?id=7", "data": LIVE}
        return self.call("/cgi-bin/message/subscribe/send", body | changes, at=at, token=token)

    def accept(self, credits: int = 1, *, to: str = "") -> int:
        asked = {"app_id": APP, "openid": to or person(), "template_id": "sim-live-reminder", "credits": credits}
        return self.post("/control/wechat/grants", asked)["credits"]


def person(name: str = "lin") -> str:
    return openid(app_id=APP, person=name)


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    platform = Platform(folder=tmp_path, seed=1)
    yield Desk(platform)
    platform.store.close()
    platform.wechat.store.close()


def test_the_default_settings_name_the_simulators_own_app():
    (ours,) = settings.WECHAT_APPS

    assert (ours["app_id"], ours["secret"]) == (APP, SECRET)
    assert {name for names in ours["scenes"].values() for name in names} == set(DEMO_APP.templates)


def test_a_code_names_its_person_once_within_five_minutes(desk: Desk):
    code, late = desk.code(), desk.code(openid="o-own", unionid="u-own")

    first = desk.login(code, at=NOON + timedelta(minutes=4, seconds=59))

    assert (first["openid"], first["unionid"]) == (person(), unionid("lin"))
    assert first["session_key"]
    assert len(first["openid"]) == 28
    assert desk.login(code)["errcode"] == 40029
    assert desk.login(late, at=NOON + timedelta(minutes=5))["errcode"] == 40029
    assert desk.login(late)["openid"] == "o-own"


def test_a_code_of_another_app_is_refused_and_stays_good_for_its_own(desk: Desk):
    desk.post("/control/wechat/apps", {"app_id": "wxother", "secret": "s"})
    code = desk.code()

    assert desk.login(code, appid="wxother", secret="s")["errcode"] == 40029
    assert desk.login(code)["openid"] == person()


def test_an_unbound_app_learns_no_union_id_until_it_is_bound(desk: Desk):
    desk.post("/control/wechat/apps", {"app_id": APP, "is_bound": False})
    assert "unionid" not in desk.login(desk.code())

    desk.post("/control/wechat/apps", {"app_id": APP, "is_bound": True})

    assert desk.login(desk.code())["unionid"] == unionid("lin")
    assert "unionid" not in desk.login(desk.code(openid="o-lonely"))


def test_a_testers_own_code_works_once_without_a_control_call(desk: Desk):
    assert desk.login("sim.mei.1")["openid"] == person("mei")
    assert desk.login("sim.mei.1")["errcode"] == 40029
    assert desk.login("sim.mei.2")["openid"] == person("mei")
    assert desk.login("sim.MEI.3")["errcode"] == 40029


@pytest.mark.parametrize(("name", "errcode"), [("blocked", 40226), ("busy", -1), ("toooften", 45011)])
def test_magic_people_meet_their_fate(desk: Desk, name: str, errcode: int):
    assert desk.login(f"sim.{name}.1")["errcode"] == errcode


@pytest.mark.parametrize(
    ("changes", "errcode"),
    [
        ({"appid": ""}, 41002), ({"secret": ""}, 41004), ({"js_code": ""}, 41008), ({"grant_type": "code"}, 40002),
        ({"appid": "wx0"}, 40013), ({"secret": "wrong"}, 40125), ({"js_code": "never-seen"}, 40029),
    ],
)  # fmt: skip
def test_a_login_must_be_asked_for_properly(desk: Desk, changes: dict[str, str], errcode: int):
    answer = desk.login(desk.code(), **changes)

    assert answer["errcode"] == errcode
    assert answer["errmsg"]


def test_a_hundred_logins_a_minute_per_person(desk: Desk):
    desk.post("/control/wechat/limits", {"logins_per_minute": 2})
    assert "openid" in desk.login(desk.code())
    assert "openid" in desk.login(desk.code())
    spare = desk.code()

    assert desk.login(spare)["errcode"] == 45011
    assert "openid" in desk.login(desk.code(person="mei"))
    assert "openid" in desk.login(spare, at=NOON + timedelta(seconds=61))


def test_everybody_gets_the_same_token_until_five_minutes_before_its_end(desk: Desk):
    first = desk.token()
    later = desk.token(at=NOON + timedelta(seconds=6_899))
    renewed = desk.token(at=NOON + timedelta(seconds=6_900))

    assert first["expires_in"] == 7200
    assert later == {"access_token": first["access_token"], "expires_in": 301}
    assert renewed["access_token"] != first["access_token"]
    assert renewed["expires_in"] == 7200


def test_old_and_new_token_overlap_five_minutes_and_then_the_old_has_expired(desk: Desk):
    old = desk.token()["access_token"]
    desk.token(at=NOON + timedelta(seconds=6_900))
    desk.accept(2)

    assert desk.send(token=old, at=NOON + timedelta(seconds=7_199))["errcode"] == 0
    assert desk.send(token=old, at=NOON + timedelta(seconds=7_200))["errcode"] == 42001
    assert desk.send(token="made-up")["errcode"] == 40001
    assert desk.post("/cgi-bin/message/subscribe/send", {"touser": "x"})["errcode"] == 41001


def test_a_forced_refresh_ends_the_old_token_and_is_rationed(desk: Desk):
    old = desk.token()["access_token"]
    new = desk.token(force=True)["access_token"]

    assert new != old
    assert desk.send(token=old)["errcode"] == 40001
    assert desk.token(force=True, at=NOON + timedelta(seconds=29))["errcode"] == 45011
    for n in range(1, 20):
        assert "access_token" in desk.token(force=True, at=NOON + timedelta(seconds=30 * n))
    assert desk.token(force=True, at=NOON + timedelta(hours=1))["errcode"] == 45009
    assert "access_token" in desk.token(at=NOON + timedelta(hours=1))
    assert "access_token" in desk.token(force=True, at=NOON + timedelta(days=1))


@pytest.mark.parametrize(
    ("changes", "errcode"),
    [({"grant_type": "x"}, 40002), ({"appid": ""}, 41002), ({"secret": ""}, 41004), ({"secret": "no"}, 40125)],
)
def test_a_token_must_be_asked_for_properly(desk: Desk, changes: dict[str, str], errcode: int):
    assert desk.token(**changes)["errcode"] == errcode


def test_bodies_and_methods_are_judged_with_http_200(desk: Desk):
    assert desk.raw("GET", "/cgi-bin/stable_token")[2]["errcode"] == 43002
    assert desk.raw("POST", "/cgi-bin/stable_token")[2]["errcode"] == 44002
    assert desk.raw("POST", "/cgi-bin/stable_token", b"{nonsense")[2]["errcode"] == 47001
    assert desk.raw("POST", "/cgi-bin/stable_token", b"[]")[2]["errcode"] == 47001
    assert desk.raw("GET", "/cgi-bin/token")[0] == 404


def test_a_phone_code_tells_its_number_once_within_five_minutes(desk: Desk):
    code, late = (
        desk.post("/control/wechat/phone_codes", {"app_id": APP, "phone": "17000000001"})["code"] for _ in "12"
    )

    answer = desk.phone(code)

    assert answer["phone_info"] == {
        "phoneNumber": "17000000001",
        "purePhoneNumber": "17000000001",
        "countryCode": "86",
        "watermark": {"timestamp": int(NOON.timestamp()), "appid": APP},
    }
    assert desk.phone(code)["errcode"] == 40029
    assert desk.phone(late, at=NOON + timedelta(minutes=5))["errcode"] == 40029
    assert desk.phone("sim.17000000002.a")["phone_info"]["purePhoneNumber"] == "17000000002"
    assert desk.phone("sim.17000000002.a")["errcode"] == 40029
    assert desk.phone(desk.code())["errcode"] == 40029  # a log-in code is no phone code
    assert desk.phone("")["errcode"] == 40097


def test_one_accept_is_one_message(desk: Desk):
    assert desk.send()["errcode"] == 40003  # has never been in this app
    assert desk.accept(2) == 2

    codes = [desk.send()["errcode"] for _ in range(3)]

    assert codes == [0, 0, 43101]
    (message, _) = desk.raw("GET", "/wechat/messages")[2]["messages"]
    assert (message["openid"], message["template_id"], message["page"]) == (
        person(), "sim-live-reminder", "pages/live?id=7",
    )  # fmt: skip
    assert message["data"]["thing1"] == "新品直播"
    assert desk.raw("GET", "/wechat/stats")[2]["calls"]["send"] == {"0": 2, "40003": 1, "43101": 1}


def test_who_switched_messages_off_gets_none_whatever_was_accepted(desk: Desk):
    refuser = person("refuses")
    desk.accept(5, to=refuser)

    assert desk.send(to=refuser)["errcode"] == 43101


@pytest.mark.parametrize(
    ("changes", "errcode"),
    [
        ({"template_id": "strange"}, 40037), ({"page": "pages/ live"}, 41030), ({"miniprogram_state": "beta"}, 40097),
        ({"lang": "fr_FR"}, 40097), ({"data": None}, 47003), ({"data": {}}, 47003),
        ({"data": LIVE | {"thing1": {"value": "一" * 21}}}, 47003), ({"data": LIVE | {"thing1": {"value": ""}}}, 47003),
        ({"data": LIVE | {"time2": {"value": "tomorrow"}}}, 47003), ({"data": LIVE | {"thing9": {"value": "x"}}}, 47003),
        ({"data": LIVE | {"thing1": {"value": "一\n二"}}}, 47003), ({"data": LIVE | {"thing1": "bare"}}, 47003),
        ({"data": LIVE | {"thing1": {"value": "一" * 20}}}, 0),
    ],
)  # fmt: skip
def test_a_message_is_judged_before_its_credit_is_burnt(desk: Desk, changes: dict[str, object], errcode: int):
    desk.accept()

    assert desk.send(**changes)["errcode"] == errcode
    assert desk.accept(0) == (0 if errcode == 0 else 1)


def test_the_other_kinds_of_values_have_their_own_measure(desk: Desk):
    desk.post("/control/wechat/apps", {"app_id": APP, "templates": {"t": [f"{kind}1" for kind in KINDS]}})
    good = {f"{kind}1": {"value": fit} for kind, (fit, _) in KINDS.items()}
    desk.post("/control/wechat/grants", {"app_id": APP, "openid": person(), "template_id": "t", "credits": 9})

    assert desk.send(template_id="t", data=good)["errcode"] == 0
    for kind, (_, unfit) in KINDS.items():
        answer = desk.send(template_id="t", data=good | {f"{kind}1": {"value": unfit}})
        assert (kind, answer["errcode"]) == (kind, 47003)
        assert f"data.{kind}1.value invalid" in answer["errmsg"]


KINDS = {
    "number": ("3" * 32, "3" * 33),
    "letter": ("a" * 32, "a" * 33),
    "character_string": ("NO-2026.03", "单号"),
    "date": ("2026年3月2日", "2026-03-02"),
    "amount": ("￥19.90", "十元"),
    "phrase": ("已回复", "已经回复了您"),
    "name": ("林小雨", "林" * 11),
}


@pytest.mark.parametrize(
    ("changes", "minutes", "errcode"),
    [
        ({}, 120, 0), ({}, 121, 61010), ({"version": 1}, 0, 40097), ({"scene": 5}, 0, 40129), ({"content": ""}, 0, 44002),
        ({"content": "长" * 2_501}, 0, 45002), ({"openid": "onobody"}, 0, 40003), ({"openid": 7}, 0, 40003),
        ({"openid": openid(app_id="wxother", person="lin")}, 0, 43104),
    ],
)  # fmt: skip
def test_a_text_is_judged_for_who_was_there_within_two_hours(desk: Desk, changes, minutes: int, errcode: int):
    desk.login("sim.lin.1")
    desk.post("/control/wechat/apps", {"app_id": "wxother", "secret": "other"})
    desk.login(desk.code(app_id="wxother", person="lin"), appid="wxother", secret="other")
    body = {"version": 2, "openid": person(), "scene": 2, "content": "扣子掉了"} | changes

    answer = desk.call("/wxa/msg_sec_check", body, at=NOON + timedelta(minutes=minutes, seconds=-1))

    assert answer["errcode"] == errcode
    assert answer.get("result", {}).get("suggest") == (None if errcode else "pass")


@pytest.mark.parametrize(("words", "found"), rules.FINDS.items())
def test_a_text_has_a_suggestion_and_a_label(desk: Desk, words: str, found: tuple[str, int]):
    desk.login("sim.lin.1")
    body = {"version": 2, "openid": person(), "scene": 1, "content": f"你好{words}"}

    assert desk.call("/wxa/msg_sec_check", body)["result"] == dict(zip(("suggest", "label"), found, strict=True))


def test_reset_forgets_everything_but_the_apps(desk: Desk):
    desk.accept(3)
    old = desk.token()["access_token"]

    desk.post("/control/reset", {})

    assert desk.accept(0) == 0
    assert desk.send(token=old)["errcode"] == 40001
    assert "openid" in desk.login(desk.code())
