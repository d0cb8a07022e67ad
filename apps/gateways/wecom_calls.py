"""One call to WeCom: the company's token, our own count of calls per API, what an answer means.

WeCom blocks a company for a minute or an hour when it calls one API too often, so we count ourselves and stop before it does
(`PlatformLimit` wecom, api_per_minute and api_per_hour). Neither tokens nor ids of customers are ever logged.
"""

from datetime import datetime
from typing import Any, Literal
from urllib.parse import urlencode

import redis
import structlog
from django.conf import settings
from django.core.cache import cache
from django.core.exceptions import ImproperlyConfigured

from apps.core import clock
from apps.gateways import errcode_calls, limits
from apps.gateways.errcode_calls import Unanswered, errcode

__all__ = ["Refused", "Unanswered", "call", "counts", "errcode"]

VENDOR = "https://qyapi.weixin.qq.com"
READ_TIMEOUT = 8.0  # seconds
ROOT = "/cgi-bin/"
TOKEN_REFUSED = frozenset({40001, 40014, 42001})
TOO_OFTEN = frozenset({45009, 45033})
HOURS_KEPT = 48
_CUSTOMER = "externalcontact/"
APIS = (
    *(_CUSTOMER + name for name in (
        "get_follow_user_list", "get", "batch/get_by_user", "add_contact_way", "update_contact_way", "del_contact_way", "mark_tag",
        "get_corp_tag_list", "add_corp_tag", "send_welcome_msg", "add_msg_template", "get_groupmsg_task",
        "get_groupmsg_send_result", "remind_groupmsg_send", "cancel_groupmsg_send", "transfer_customer",
        "resigned/transfer_customer", "groupchat/transfer", "groupchat/list", "groupchat/get", "groupchat/add_join_way",
        "groupchat/get_join_way", "groupchat/update_join_way", "groupchat/statistic_group_by_day", "get_user_behavior_data",
        "add_intercept_rule", "update_intercept_rule", "del_intercept_rule",
    )),
    "kf/sync_msg", "kf/send_msg", "kf/customer/batchget", "media/get", "message/send",
)  # fmt: skip

log = structlog.get_logger("siyu.wecom")


class Refused(Exception):
    """WeCom's answer is no: its `code`, and the whole answer."""

    def __init__(self, code: int, answer: dict) -> None:
        super().__init__(code)
        self.code, self.answer = code, answer


def call(api: str, *, body: dict[str, Any] | None = None, **query: object) -> dict:
    """One call of `externalcontact/get` and its like; POST where a body is given. Raises Unanswered or Refused.

    A token that WeCom refuses is replaced once. Call it with no database transaction open.
    """
    answer, _content = _answered(api, query, body)
    code = errcode(answer)
    if code == 0:
        return answer
    log.warning("wecom refused", api=api, errcode=code)
    if code in TOKEN_REFUSED:
        raise Unanswered("retry", f"WECOM_{code}")
    if code in TOO_OFTEN:
        raise Unanswered("retry", f"WECOM_{code}", 60.0 if code == 45009 else 1.0)
    raise Refused(code, answer)


def download(api: str, **query: object) -> bytes:
    """A file of WeCom's; an answer in JSON is its refusal. Raises Unanswered or Refused."""
    answer, content = _answered(api, query, None, is_file=True)
    code = errcode(answer)
    if code == 0:
        return content
    log.warning("wecom refused", api=api, errcode=code)
    if code in TOKEN_REFUSED | TOO_OFTEN:
        raise Unanswered("retry", f"WECOM_{code}")
    raise Refused(code, answer)


def counts(*, moment: datetime) -> dict[str, int]:
    """Calls per API in the current hour; {} while Valkey is away."""
    hour = int(moment.timestamp()) // 3600
    try:
        found = cache.get_many([f"wecom:h:{hour}:{name}" for name in APIS])
    except redis.RedisError:
        return {}
    return {name: found[key] for name in APIS if (key := f"wecom:h:{hour}:{name}") in found}


def _answered(api: str, query: dict[str, object], body: dict | None, *, is_file: bool = False) -> tuple[dict, bytes]:
    """The answer, and of a file its content. A token that WeCom refuses is replaced once."""
    _count(api)
    for is_last in (False, True):
        token = tokens.get(settings.WECOM_CORP_ID)
        asked = {"access_token": token, **{name: str(value) for name, value in query.items()}}
        target = f"{ROOT}{api}?{urlencode(asked)}"
        answer, content = line.file(target) if is_file else (line.exchange(target, body=body), b"")
        if is_last or errcode(answer) not in TOKEN_REFUSED:
            break
        tokens.forget(settings.WECOM_CORP_ID, token)
    return answer, content


def _count(api: str) -> None:
    """Raises Unanswered before a call that would be one too many. Without Valkey nothing is counted, and WeCom's own count stands."""
    moment = clock.now()
    seconds = int(moment.timestamp())
    spans: tuple[tuple[Literal["h", "m"], int, str], ...] = (("m", 60, "api_per_minute"), ("h", 3600, "api_per_hour"))
    try:
        for letter, length, name in spans:
            key = f"wecom:{letter}:{seconds // length}:{api}"
            cache.add(key, 0, length * (HOURS_KEPT if letter == "h" else 2))
            if cache.incr(key) > _most(name, moment):
                cache.decr(key)
                raise Unanswered("retry", "OWN_LIMIT", float(length - seconds % length))
    except redis.RedisError as trouble:
        log.warning("valkey does not answer", error=type(trouble).__name__)
    except ValueError:  # the key's time ran out between the two steps
        return


def _most(name: str, moment: datetime) -> int:
    day = clock.local_date(moment)
    if (name, day) not in _limits:
        _limits[name, day] = limits.current("wecom", name, day)
    return _limits[name, day]


def _fetch(corp_id: str) -> dict:
    asked = {"corpid": corp_id, "corpsecret": settings.WECOM_SECRET}
    return line.exchange(f"{ROOT}gettoken?{urlencode(asked)}", body=None)


def _address() -> str:
    if settings.WECOM_PROVIDER == "wecom":
        return VENDOR
    if settings.WECOM_PROVIDER != "simulator" or not settings.SIMULATOR_URL:
        raise ImproperlyConfigured("WECOM_PROVIDER must be 'wecom', or 'simulator' with its SIMULATOR_URL")
    return settings.SIMULATOR_URL


_limits: dict[tuple[str, Any], int] = {}
line = errcode_calls.Line("wecom", _address, READ_TIMEOUT)
tokens = errcode_calls.Tokens("wecom", fetch=_fetch)
