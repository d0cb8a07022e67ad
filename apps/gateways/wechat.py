"""The WeChat mini-program door: who logged in, which number they gave us, one subscribe message."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import NoReturn

import structlog
from django.conf import settings

from apps.gateways import wechat_calls
from apps.gateways.errors import ProviderTooOften, ProviderUnavailable, WechatCodeInvalid, WechatUserBlocked
from apps.gateways.messages import Outcome, State

_CODE = re.compile(r"[!-~]{1,512}")
_CODE_INVALID = frozenset({40029, 40163, 41008, 40097})
_BLOCKED = 40226
LONGEST_THING = 20  # characters of a `thing` value; longer ones are refused with 47003
LONGEST_CHECKED = 2_500  # characters of one msg_sec_check
NO_CREDIT = "43101"
# Fields by the kind in their names, as the vendor's page limits them.
_FIELD = re.compile(r"([a-z_]+)[0-9]{1,3}")
_VALUES = {
    "thing": re.compile(r"\S.{0,19}"),
    "number": re.compile(r"[0-9]{1,32}"),
    "letter": re.compile(r"[A-Za-z]{1,32}"),
    "character_string": re.compile(r"[!-~]{1,32}"),
    "time": re.compile(r"([0-9]{4}年[0-9]{1,2}月[0-9]{1,2}日 ?)?[0-2]?[0-9]:[0-5][0-9]"),
    "date": re.compile(r"[0-9]{4}年[0-9]{1,2}月[0-9]{1,2}日( [0-2]?[0-9]:[0-5][0-9])?"),
    "amount": re.compile(r"[¥￥]?[0-9]{1,10}(\.[0-9]{1,2})?元?"),
    "phrase": re.compile(r"[\u4e00-\u9fff]{1,5}"),
    "name": re.compile(r"[\u4e00-\u9fff·]{1,10}|[A-Za-z .]{1,20}"),
}

log = structlog.get_logger("siyu.wechat")


@dataclass(frozen=True, slots=True)
class WechatSession:
    """Who logged in. `unionid` only where the mini-program is bound to an open-platform account."""

    openid: str
    unionid: str | None = None


def session_of(*, app_id: str, js_code: str) -> WechatSession:
    """Trade the code of `wx.login` (once, within 5 minutes) for the person's ids; the session key is thrown away.

    Raises WechatAppUnknown, WechatCodeInvalid, WechatUserBlocked, ProviderTooOften, ProviderUnavailable.
    """
    ours = wechat_calls.app(app_id)
    if not _CODE.fullmatch(js_code):
        raise WechatCodeInvalid
    asked = {"appid": app_id, "secret": ours.secret, "js_code": js_code, "grant_type": "authorization_code"}
    try:
        answer = wechat_calls.get("/sns/jscode2session", asked)
    except wechat_calls.Unanswered as failure:
        raise _unavailable(failure, call="jscode2session") from failure
    if wechat_calls.errcode(answer):
        _refuse(answer, call="jscode2session")
    openid, unionid = answer.get("openid"), answer.get("unionid")
    if not isinstance(openid, str) or not openid:
        log.error("wechat answers without an open id", call="jscode2session")
        raise ProviderUnavailable(provider="wechat")
    return WechatSession(openid, unionid if isinstance(unionid, str) and unionid else None)


def phone_of(*, app_id: str, code: str) -> str:
    """Trade the code of the `getPhoneNumber` button (once, within 5 minutes) for the number, as E.164.

    Every success costs money at WeChat. Raises as `session_of` does.
    """
    wechat_calls.app(app_id)
    if not _CODE.fullmatch(code):
        raise WechatCodeInvalid
    try:
        answer = wechat_calls.post_as(app_id, "/wxa/business/getuserphonenumber", {"code": code})
    except wechat_calls.Unanswered as failure:
        raise _unavailable(failure, call="getuserphonenumber") from failure
    if wechat_calls.errcode(answer):
        _refuse(answer, call="getuserphonenumber")
    info = answer.get("phone_info")
    info = info if isinstance(info, dict) else {}
    # The vendor's table calls the country a text, its sample shows a number.
    country, number = str(info.get("countryCode", "")), str(info.get("purePhoneNumber", ""))
    if not country.isdecimal() or not number.isdecimal():
        log.error("wechat answers without a number", call="getuserphonenumber")
        raise ProviderUnavailable(provider="wechat")
    return f"+{country}{number}"


def is_risky(*, app_id: str, openid: str, text: str, scene: int) -> bool:
    """Whether WeChat finds forbidden content in a text of this person (msg_sec_check 2.0), whatever its length.

    False as well where it cannot say: it does not answer, wants people to look ("review"), or the person has not opened the
    mini-program within two hours. Raises WechatAppUnknown.
    """
    wechat_calls.app(app_id)
    parts = [text[at : at + LONGEST_CHECKED] for at in range(0, len(text), LONGEST_CHECKED)]
    return any(
        _is_part_risky(app_id, {"version": 2, "openid": openid, "scene": scene, "content": one}) for one in parts
    )


def _is_part_risky(app_id: str, body: dict[str, object]) -> bool:
    try:
        answer = wechat_calls.post_as(app_id, "/wxa/msg_sec_check", body)
    except wechat_calls.Unanswered as failure:
        log.warning("wechat does not answer", call="msg_sec_check", trouble=failure.code)
        return False
    if code := wechat_calls.errcode(answer):
        log.warning("wechat refused", call="msg_sec_check", errcode=code)
        return False
    result = answer.get("result")
    return isinstance(result, dict) and result.get("suggest") == "risky"


def scene_templates(*, app_id: str, scene: str) -> tuple[str, ...]:
    """The templates to ask for in a scene, three at most; none for a scene that is not set up. Raises WechatAppUnknown."""
    return wechat_calls.app(app_id).scenes.get(scene, ())


def all_templates(app_id: str) -> frozenset[str]:
    """Raises WechatAppUnknown."""
    return frozenset(name for names in wechat_calls.app(app_id).scenes.values() for name in names)


def app_of(template_id: str) -> str:
    """The mini-program that has this template; "" when none of ours has."""
    for entry in settings.WECHAT_APPS:
        if any(template_id in ids for ids in entry.get("scenes", {}).values()):
            return entry["app_id"]
    return ""


def fits(name: str, value: str) -> bool:
    """Whether WeChat takes the value in a field of that name, after `thing` is cut to its length."""
    kind = _FIELD.fullmatch(name)
    rule = _VALUES.get(kind[1]) if kind else None
    return rule is not None and rule.fullmatch(_fitted(name, value)) is not None


def send_subscribe(
    *, key: str, app_id: str, openid: str, template_id: str, data: Mapping[str, str], page: str = ""
) -> Outcome:
    """One subscribe message; `key` only names the outcome, WeChat knows no keys. Callers go through `grants.deliver`.

    Overlong `thing` values are cut to 20 characters. accepted: delivered, a credit is spent. refused: it was not
    delivered, code 43101 says that no credit is left. retry: not delivered, later perhaps. unknown: perhaps delivered.
    Call it with no database transaction open.
    """
    values = {name: {"value": _fitted(name, value)} for name, value in data.items()}
    body = {"touser": openid, "template_id": template_id, "page": page, "data": values, "lang": "zh_CN"}
    try:
        answer = wechat_calls.post_as(app_id, "/cgi-bin/message/subscribe/send", body)
    except wechat_calls.Unanswered as failure:
        return Outcome(key, failure.state, code=failure.code, retry_after=failure.retry_after)
    code = wechat_calls.errcode(answer)
    if code == 0:
        return Outcome(key, "accepted", provider_id=str(answer.get("msgid") or ""), code="OK")
    log.warning("wechat refused", call="subscribe/send", app_id=app_id, template=template_id, errcode=code)
    return Outcome(key, _state(code), code=str(code))


# Errors of the vendor's page by which nothing was delivered. A code that we cannot read is no proof of that.
_REFUSALS = frozenset({40003, 40013, 40037, 40097, 41030, 43101, 43108, 44002, 45168, 47001, 47003, 87009})


def _state(code: int) -> State:
    if code in wechat_calls.TOO_OFTEN:
        return "retry"
    return "refused" if code in _REFUSALS else "unknown"


def _fitted(name: str, value: str) -> str:
    """A `thing` is one line of at most 20 characters; an ellipsis says that it was longer."""
    if not name.startswith("thing"):
        return value
    line = " ".join(value.split())
    return line if len(line) <= LONGEST_THING else line[: LONGEST_THING - 1] + "…"


def _refuse(answer: dict, *, call: str) -> NoReturn:
    code = wechat_calls.errcode(answer)
    if code in _CODE_INVALID:
        raise WechatCodeInvalid
    log.warning("wechat refused", call=call, errcode=code)
    if code == _BLOCKED:
        raise WechatUserBlocked
    if code in wechat_calls.TOO_OFTEN:
        raise ProviderTooOften(provider="wechat", retry_after=60)
    raise ProviderUnavailable(provider="wechat")


def _unavailable(failure: wechat_calls.Unanswered, *, call: str) -> ProviderUnavailable:
    log.warning("wechat does not answer", call=call, trouble=failure.code)
    wait = {} if failure.retry_after is None else {"retry_after": round(failure.retry_after)}
    return ProviderUnavailable(provider="wechat", **wait)
