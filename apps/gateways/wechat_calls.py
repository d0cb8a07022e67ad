"""One call to the WeChat platform: which mini-programs we have, their access tokens, what an answer means.

The platform answers HTTP 200 whatever happens; only `errcode` counts, its words change. Neither codes, open ids nor
tokens are ever logged.
"""

import json
import threading
from datetime import datetime, timedelta
from typing import Literal, NamedTuple
from urllib.parse import urlencode

import redis
import structlog
from django.conf import settings
from django.core.cache import cache
from django.core.exceptions import ImproperlyConfigured

from apps.core import clock
from apps.gateways import wire
from apps.gateways.errors import NotReached, ReplyLost, WechatAppUnknown
from apps.gateways.pacing import Breaker

VENDOR = "https://api.weixin.qq.com"
READ_TIMEOUT = 4.0  # seconds: a log-in waits for this, and mini-programs give up early
RENEW_EARLY = 300  # seconds; from then on the platform hands out the next token while the old one still works
BUSY = -1
TOKEN_REFUSED = frozenset({40001, 40014, 42001})
TOO_OFTEN = frozenset({45009, 45011})

log = structlog.get_logger("siyu.wechat")
breaker = Breaker()
_token_lock = threading.Lock()
_own_tokens: dict[str, tuple[str, datetime]] = {}  # for the time that Valkey is away


class App(NamedTuple):
    """A mini-program of ours. `scenes`: what a customer may be asked to accept where → template ids, three at most."""

    app_id: str
    secret: str
    scenes: dict[str, tuple[str, ...]]


class Unanswered(Exception):
    """The call brought no readable answer. `retry`: nothing was done, call again later. `unknown`: it may be done."""

    def __init__(self, state: Literal["retry", "unknown"], code: str, retry_after: float | None = None) -> None:
        super().__init__(code)
        self.state, self.code, self.retry_after = state, code, retry_after


def app(app_id: str) -> App:
    """Raises WechatAppUnknown."""
    for entry in settings.WECHAT_APPS:
        if entry["app_id"] == app_id:
            scenes = {name: tuple(ids) for name, ids in entry.get("scenes", {}).items()}
            return App(app_id, entry["secret"], scenes)
    raise WechatAppUnknown


def get(path: str, query: dict[str, str]) -> dict:
    """The answer's JSON, whatever its errcode but -1. Raises Unanswered."""
    return _exchange(f"{path}?{urlencode(query)}", body=None)


def post_as(app_id: str, path: str, body: dict) -> dict:
    """Post with the app's access token; a token that the platform refuses is replaced once. Raises Unanswered."""
    token = access_token(app_id)
    answer = _exchange(f"{path}?{urlencode({'access_token': token})}", body=body)
    if errcode(answer) in TOKEN_REFUSED:
        forget_token(app_id, token)
        token = access_token(app_id)
        answer = _exchange(f"{path}?{urlencode({'access_token': token})}", body=body)
    if errcode(answer) in TOKEN_REFUSED:
        log.error("wechat refuses a fresh access token", app_id=app_id, errcode=errcode(answer))
        raise Unanswered("retry", f"WECHAT_{errcode(answer)}")
    return answer


def errcode(answer: dict) -> int:
    """0 when absent: a successful jscode2session says nothing of it."""
    code = answer.get("errcode", 0)
    return code if isinstance(code, int) else 99999


def access_token(app_id: str) -> str:
    """The app's token: from Valkey, else from this process, else asked for. Raises Unanswered.

    A refresh is never forced: unforced, the platform gives every server the same token and replaces it only when it is
    about to end. So one fetch at a time per process is all the locking that is needed, and no server ends another's.
    """
    token = _kept_token(app_id)
    if token is not None:
        return token
    with _token_lock:
        return _kept_token(app_id) or _fetched_token(app_id)


def forget_token(app_id: str, token: str) -> None:
    """Drop a token that the platform refused, unless another thread has replaced it already."""
    with _token_lock:
        if _kept_token(app_id) != token:
            return
        _own_tokens.pop(app_id, None)
        try:
            cache.delete(_key(app_id))
        except redis.RedisError as trouble:
            log.warning("valkey does not answer", error=type(trouble).__name__)


def _kept_token(app_id: str) -> str | None:
    try:
        kept = cache.get(_key(app_id))
    except redis.RedisError as trouble:
        log.warning("valkey does not answer", error=type(trouble).__name__)
        kept = None
    token, until = kept or _own_tokens.get(app_id) or ("", None)
    return token if until and clock.now() < until else None


def _fetched_token(app_id: str) -> str:
    ours = app(app_id)
    asked = {"grant_type": "client_credential", "appid": app_id, "secret": ours.secret, "force_refresh": False}
    answer = _exchange("/cgi-bin/stable_token", body=asked)
    token, seconds = answer.get("access_token"), answer.get("expires_in")
    if not isinstance(token, str) or not isinstance(seconds, int):
        log.error("wechat gives no access token", app_id=app_id, errcode=errcode(answer))
        raise Unanswered("retry", f"WECHAT_{errcode(answer)}")
    until = clock.now() + timedelta(seconds=max(seconds - RENEW_EARLY, 1))
    _own_tokens[app_id] = (token, until)
    try:
        cache.set(_key(app_id), (token, until), seconds)
    except redis.RedisError as trouble:
        log.warning("valkey does not answer", error=type(trouble).__name__)
    return token


def _key(app_id: str) -> str:
    return f"wechat:token:{app_id}"


def _exchange(target: str, *, body: dict | None) -> dict:
    """One request, and the JSON object of its answer whatever content type it claims."""
    wait = breaker.wait()
    if wait:
        raise Unanswered("retry", "CIRCUIT_OPEN", wait)
    try:
        reply = _sent(target, body)
    except NotReached as failure:
        breaker.failed()
        raise Unanswered("retry", f"NOT_REACHED.{failure}") from failure
    except ReplyLost as failure:
        breaker.failed()
        raise Unanswered("unknown", f"REPLY_LOST.{failure}") from failure
    if reply.status != 200:
        breaker.failed()
        raise Unanswered("retry" if reply.status == 429 else "unknown", f"HTTP_{reply.status}")
    answer = _object(reply.body)
    if answer is None:
        breaker.failed()
        raise Unanswered("unknown", "MALFORMED")
    if errcode(answer) == BUSY:
        breaker.failed()
        raise Unanswered("retry", "WECHAT_-1")
    breaker.succeeded()
    return answer


def _sent(target: str, body: dict | None) -> wire.Reply:
    headers = {"Content-Type": "application/json"}
    if clock.is_frozen():
        headers["X-Sim-Now"] = clock.now().isoformat()
    if body is None:
        return wire.get(_address(), path=target, headers=headers, read_timeout=READ_TIMEOUT)
    content = json.dumps(body, ensure_ascii=False).encode("utf-8", "replace")
    return wire.post(_address(), path=target, body=content, headers=headers, read_timeout=READ_TIMEOUT)


def _address() -> str:
    if settings.WECHAT_PROVIDER == "weixin":
        return VENDOR
    if settings.WECHAT_PROVIDER != "simulator" or not settings.SIMULATOR_URL:
        raise ImproperlyConfigured("WECHAT_PROVIDER must be 'weixin', or 'simulator' with its SIMULATOR_URL")
    return settings.SIMULATOR_URL


def _object(body: bytes) -> dict | None:
    try:
        answer = json.loads(body)
    except (ValueError, RecursionError):
        return None
    return answer if isinstance(answer, dict) else None
