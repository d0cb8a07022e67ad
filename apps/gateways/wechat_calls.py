"""One call to the WeChat platform: which mini-programs we have, their access tokens, what an answer means.

Neither codes, open ids nor tokens are ever logged. What WeCom has in common with it stands in `errcode_calls`.
"""

from typing import NamedTuple
from urllib.parse import urlencode

import structlog
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from apps.gateways import errcode_calls
from apps.gateways.errcode_calls import Unanswered, errcode
from apps.gateways.errors import WechatAppUnknown

VENDOR = "https://api.weixin.qq.com"
READ_TIMEOUT = 4.0  # seconds: a log-in waits for this, and mini-programs give up early
TOKEN_REFUSED = frozenset({40001, 40014, 42001})
TOO_OFTEN = frozenset({45009, 45011})

log = structlog.get_logger("siyu.wechat")


class App(NamedTuple):
    """A mini-program of ours. `scenes`: what a customer may be asked to accept where → template ids, three at most."""

    app_id: str
    secret: str
    scenes: dict[str, tuple[str, ...]]


def app(app_id: str) -> App:
    """Raises WechatAppUnknown."""
    for entry in settings.WECHAT_APPS:
        if entry["app_id"] == app_id:
            scenes = {name: tuple(ids) for name, ids in entry.get("scenes", {}).items()}
            return App(app_id, entry["secret"], scenes)
    raise WechatAppUnknown


def get(path: str, query: dict[str, str]) -> dict:
    """The answer's JSON, whatever its errcode but -1. Raises Unanswered."""
    return line.exchange(f"{path}?{urlencode(query)}", body=None)


def post_as(app_id: str, path: str, body: dict) -> dict:
    """Post with the app's access token; a token that the platform refuses is replaced once. Raises Unanswered."""
    return _as(app_id, path, {}, body)


def get_as(app_id: str, path: str, query: dict[str, str]) -> dict:
    """As `post_as`."""
    return _as(app_id, path, query, None)


def _as(app_id: str, path: str, query: dict[str, str], body: dict | None) -> dict:
    token = access_token(app_id)
    answer = line.exchange(f"{path}?{urlencode({'access_token': token, **query})}", body=body)
    if errcode(answer) in TOKEN_REFUSED:
        forget_token(app_id, token)
        token = access_token(app_id)
        answer = line.exchange(f"{path}?{urlencode({'access_token': token, **query})}", body=body)
    if errcode(answer) in TOKEN_REFUSED:
        log.error("wechat refuses a fresh access token", app_id=app_id, errcode=errcode(answer))
        raise Unanswered("retry", f"WECHAT_{errcode(answer)}")
    return answer


def _fetch(app_id: str) -> dict:
    pages = {entry["app_id"]: entry["secret"] for entry in settings.WECHAT_PAGES}
    secret = pages[app_id] if app_id in pages else app(app_id).secret
    asked = {"grant_type": "client_credential", "appid": app_id, "secret": secret, "force_refresh": False}
    return line.exchange("/cgi-bin/stable_token", body=asked)


def _address() -> str:
    if settings.WECHAT_PROVIDER == "weixin":
        return VENDOR
    if settings.WECHAT_PROVIDER != "simulator" or not settings.SIMULATOR_URL:
        raise ImproperlyConfigured("WECHAT_PROVIDER must be 'weixin', or 'simulator' with its SIMULATOR_URL")
    return settings.SIMULATOR_URL


line = errcode_calls.Line("wechat", _address, READ_TIMEOUT)
breaker = line.breaker
tokens = errcode_calls.Tokens("wechat", fetch=_fetch)
_own_tokens = tokens.own
_key = tokens.key
access_token = tokens.get
forget_token = tokens.forget
