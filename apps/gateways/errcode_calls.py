"""What WeChat's and WeCom's platforms have in common: HTTP 200 whatever happens, only `errcode` counts, its words change."""

import json
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal

import redis
import structlog
from django.core.cache import cache

from apps.core import clock
from apps.gateways import wire
from apps.gateways.errors import NotReached, ReplyLost
from apps.gateways.pacing import Breaker

BUSY = -1
RENEW_EARLY = 300  # seconds; a token is asked for anew while the old one still works


class Unanswered(Exception):
    """The call brought no readable answer. `retry`: nothing was done, call again later. `unknown`: it may be done."""

    def __init__(self, state: Literal["retry", "unknown"], code: str, retry_after: float | None = None) -> None:
        super().__init__(code)
        self.state, self.code, self.retry_after = state, code, retry_after


def errcode(answer: dict) -> int:
    """0 when absent: some calls say nothing of it when they succeed."""
    code = answer.get("errcode", 0)
    return code if isinstance(code, int) else 99999


@dataclass
class Line:
    """One platform: `address` gives its URL, `name` stands in codes and logs."""

    name: str
    address: Callable[[], str]
    read_timeout: float
    breaker: Breaker = field(default_factory=Breaker)

    def exchange(self, target: str, *, body: dict | None) -> dict:
        """One request, and the JSON object of its answer whatever content type it claims. Raises Unanswered."""
        return self._judged(self._reply(target, body).told())

    def file(self, target: str) -> tuple[dict, bytes]:
        """A file: ({}, its content), or what was said instead of it. Raises Unanswered."""
        reply = self._reply(target, None)
        if "json" in reply.headers.get("Content-Type", "") or "text" in reply.headers.get("Content-Type", ""):
            return self._judged(reply.told()), b""
        self.breaker.succeeded()
        return {}, reply.body

    def _reply(self, target: str, body: dict | None) -> wire.Reply:
        wait = self.breaker.wait()
        if wait:
            raise Unanswered("retry", "CIRCUIT_OPEN", wait)
        try:
            reply = self._sent(target, body)
        except NotReached as failure:
            self.breaker.failed()
            raise Unanswered("retry", f"NOT_REACHED.{failure}") from failure
        except ReplyLost as failure:
            self.breaker.failed()
            raise Unanswered("unknown", f"REPLY_LOST.{failure}") from failure
        if reply.status != 200:
            self.breaker.failed()
            raise Unanswered("retry" if reply.status == 429 else "unknown", f"HTTP_{reply.status}")
        return reply

    def _judged(self, answer: dict | None) -> dict:
        if answer is None:
            self.breaker.failed()
            raise Unanswered("unknown", "MALFORMED")
        if errcode(answer) == BUSY:
            self.breaker.failed()
            raise Unanswered("retry", f"{self.name.upper()}_-1")
        self.breaker.succeeded()
        return answer

    def _sent(self, target: str, body: dict | None) -> wire.Reply:
        headers = {"Content-Type": "application/json"}
        if clock.is_frozen():
            headers["X-Sim-Now"] = clock.now().isoformat()
        if body is None:
            return wire.get(self.address(), path=target, headers=headers, read_timeout=self.read_timeout)
        content = json.dumps(body, ensure_ascii=False).encode("utf-8", "replace")
        return wire.post(self.address(), path=target, body=content, headers=headers, read_timeout=self.read_timeout)


class Tokens:
    """Access tokens by app: from Valkey, else from this process, else asked for, one fetch at a time per process.

    A refresh is never forced: unforced, the platforms give every server the same token and replace it only when it is
    about to end. So a lock per process is all the locking that is needed, and no server ends another's.
    """

    def __init__(self, name: str, *, fetch: Callable[[str], dict]) -> None:
        self.name, self._fetch = name, fetch
        self.own: dict[str, tuple[str, datetime]] = {}  # for the time that Valkey is away
        self._lock = threading.Lock()
        self._log = structlog.get_logger(f"siyu.{name}")

    def get(self, app_id: str) -> str:
        """Raises Unanswered."""
        token = self._kept(app_id)
        if token is not None:
            return token
        with self._lock:
            return self._kept(app_id) or self._fetched(app_id)

    def forget(self, app_id: str, token: str) -> None:
        """Drop a token that the platform refused, unless another thread has replaced it already."""
        with self._lock:
            if self._kept(app_id) != token:
                return
            self.own.pop(app_id, None)
            try:
                cache.delete(self.key(app_id))
            except redis.RedisError as trouble:
                self._log.warning("valkey does not answer", error=type(trouble).__name__)

    def key(self, app_id: str) -> str:
        return f"{self.name}:token:{app_id}"

    def _kept(self, app_id: str) -> str | None:
        try:
            kept = cache.get(self.key(app_id))
        except redis.RedisError as trouble:
            self._log.warning("valkey does not answer", error=type(trouble).__name__)
            kept = None
        token, until = kept or self.own.get(app_id) or ("", None)
        return token if until and clock.now() < until else None

    def _fetched(self, app_id: str) -> str:
        answer = self._fetch(app_id)
        token, seconds = answer.get("access_token"), answer.get("expires_in")
        if not isinstance(token, str) or not isinstance(seconds, int):
            self._log.error("no access token", app_id=app_id, errcode=errcode(answer))
            raise Unanswered("retry", f"{self.name.upper()}_{errcode(answer)}")
        until = clock.now() + timedelta(seconds=max(seconds - RENEW_EARLY, 1))
        self.own[app_id] = (token, until)
        try:
            cache.set(self.key(app_id), (token, until), seconds)
        except redis.RedisError as trouble:
            self._log.warning("valkey does not answer", error=type(trouble).__name__)
        return token
