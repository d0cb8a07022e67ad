"""What the SMS vendors' adapters share: one JSON exchange under a breaker, and how a vendor's word becomes an outcome."""

from collections.abc import Callable, Mapping
from datetime import datetime
from urllib.parse import urlsplit

import structlog

from apps.core import clock
from apps.gateways import wire
from apps.gateways.errors import NotReached, ReplyLost
from apps.gateways.messages import Outcome, Outgoing, State
from apps.gateways.pacing import Breaker

READ_TIMEOUT = 8.0  # seconds; a request that begins 45 s after its claim is over before others ask about it
log = structlog.get_logger("siyu.sms")


class Unanswered(Exception):
    """The call brought nothing readable. `retry`: it was certainly not acted on. `unknown`: it may have been."""

    def __init__(self, state: State, code: str, retry_after: float | None = None) -> None:
        super().__init__(code)
        self.state, self.code, self.retry_after = state, code, retry_after

    def outcome(self, key: str) -> Outcome:
        return Outcome(key, self.state, code=self.code, retry_after=self.retry_after)


def host(url: str) -> str:
    return urlsplit(url).netloc


def exchange(url: str, *, target: str, body: bytes, headers: Mapping[str, str], breaker: Breaker) -> tuple[int, dict]:
    """(HTTP status, JSON object). Raises Unanswered; a status of 500 or more is `unknown`."""
    wait = breaker.wait()
    if wait:
        raise Unanswered("retry", "CIRCUIT_OPEN", wait)
    sent = dict(headers)
    if clock.is_frozen() and urlsplit(url).scheme == "http":  # a simulator: it judges by our clock
        sent["X-Sim-Now"] = clock.now().isoformat()
    try:
        reply = wire.post(url, path=target, body=body, headers=sent, read_timeout=READ_TIMEOUT)
    except NotReached as failure:
        breaker.failed()
        raise Unanswered("retry", f"NOT_REACHED.{failure}") from failure
    except ReplyLost as failure:
        breaker.failed()
        raise Unanswered("unknown", f"REPLY_LOST.{failure}") from failure
    if reply.status == 429:
        breaker.succeeded()
        raise Unanswered("retry", "HTTP_429", 5.0)
    answer = reply.told()
    if reply.status >= 500 or answer is None:
        breaker.failed()
        raise Unanswered("unknown", f"HTTP_{reply.status}" if reply.status >= 500 else "MALFORMED")
    breaker.succeeded()
    return reply.status, answer


def sent(message: Outgoing, *, approved: Mapping[str, str], hand_over: Callable[[str], Outcome]) -> Outcome:
    """One message under the vendor's own code of its text. Never raises for a bad answer."""
    code = approved.get(message.template)
    if code is None:
        return Outcome(message.key, "refused", code="TEMPLATE_UNAPPROVED", detail="not registered at this vendor")
    try:
        return hand_over(code)
    except Unanswered as failure:
        return failure.outcome(message.key)


def told(key: str, ask: Callable[[], Outcome | None]) -> Outcome | None:
    """What a vendor says of a message. A question without an answer leaves it unknown, whatever became of the question."""
    try:
        return ask()
    except Unanswered as failure:
        return Outcome(key, "unknown", code=failure.code)


def refused(key: str, code: str, detail: str, *, ours: Mapping[str, str], account: frozenset[str]) -> Outcome:
    """A vendor's refusal in the house's words. A fault of the account is nobody's message's fault: nothing was sent, later or
    elsewhere it will be. A word we cannot read is no proof of anything."""
    if code in account:
        log.error("sms vendor refuses the account", code=code)
        return Outcome(key, "retry", code="VENDOR_ACCOUNT", detail=code, retry_after=60.0)
    if code in ours:
        return Outcome(key, "refused", code=ours[code], detail=f"{code} {detail}"[:200])
    return Outcome(key, "unknown", code=code[:60], detail=detail[:200])


def signature_of(text: str) -> str:
    """The words between 【 and 】 at the beginning; vendors want them apart."""
    return text[1:].partition("】")[0] if text.startswith("【") else ""


def shop_time(text: object) -> datetime | None:
    """ "2026-03-10 12:00:05" as vendors write it, shop time."""
    try:
        return datetime.strptime(str(text), "%Y-%m-%d %H:%M:%S").replace(tzinfo=clock.SHOP_ZONE)
    except ValueError:
        return None
