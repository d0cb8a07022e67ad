"""The SMS door: send a batch (calls that read a text out, too), ask what became of a key, register texts.

No function here raises for a bad answer.
"""

import json
import math
import time
from collections.abc import Mapping, Sequence
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import Literal
from urllib.parse import urlencode

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from apps.core import brand, clock
from apps.gateways import sms_lines, sms_templates, wire
from apps.gateways.errors import NotReached, ReplyLost
from apps.gateways.messages import OPT_OUT, Kind, Outcome, Outgoing, Reply
from apps.gateways.pacing import Breaker
from apps.gateways.sms_lines import Sent

BATCH_SIZE = 100
QUERY_SIZE = 500
LONGEST_WAIT = 3600.0  # seconds; a Retry-After beyond it is cut

# Whatever else a provider answers is unknown: a word we cannot read is no proof that nothing was delivered. KEY_REUSED
# is left out on purpose: the provider holds another text under this key, so only `query` says what became of it.
REFUSALS = frozenset(
    {
        "KEY_INVALID",
        "NUMBER_INVALID",
        "SIGNATURE_UNAPPROVED",
        "TEMPLATE_UNAPPROVED",
        "TEMPLATE_MISMATCH",
        "OPT_OUT_MISSING",
        "CONTENT_TOO_LONG",
        "SENSITIVE_WORD",
        "NIGHT_BLOCKED",
        "NOT_APPROVED",
        "BLACKLIST",
        "REPEATED",
        "DAY_LIMIT",
        "OTP_LIMIT",
        "NOT_SPEAKABLE",
    }
)

_quoted = json.encoder.encode_basestring
breaker = Breaker()


class _Unanswered(Exception):
    """The call brought no list of results; `outcome(key)` says what that means for each of its messages."""

    def __init__(
        self, state: Literal["refused", "unknown", "retry"], code: str, retry_after: float | None = None
    ) -> None:
        super().__init__(code)
        self.state, self.code, self.retry_after = state, code, retry_after

    def outcome(self, key: str) -> Outcome:
        return Outcome(key, self.state, code=self.code, retry_after=self.retry_after)


def is_simulated() -> bool:
    """Whether the house's own simulated platform is at the other end, which knows messages by key and renders nothing."""
    return settings.SMS_PROVIDER == "simulator"


def batch_size() -> int:
    """Messages that one `send_batch` may take before its caller looks at the clock again."""
    return BATCH_SIZE if is_simulated() else 2 * sms_lines.AT_ONCE


def send_batch(messages: Sequence[Outgoing]) -> list[Outcome]:
    """Hand messages to the provider, at most 100 a request; one outcome per message, in order.

    Call it with no database transaction open. After a 429 or an unreachable provider the rest is not tried: `retry`.
    """
    if not is_simulated():
        return sms_lines.send(messages)
    outcomes: list[Outcome] = []
    for start in range(0, len(messages), BATCH_SIZE):
        part = messages[start : start + BATCH_SIZE]
        try:
            results = _call("/sms/send", '{"messages": [' + ", ".join([_as_json(m) for m in part]) + "]}")
            outcomes += _outcomes(part, results=results)
        except _Unanswered as failure:
            outcomes += [failure.outcome(m.key) for m in part]
            if failure.state == "retry":
                return outcomes + [failure.outcome(m.key) for m in messages[start + BATCH_SIZE :]]
    return outcomes


def query(keys: Sequence[str], *, sent: Mapping[str, Sent] | None = None) -> dict[str, Outcome]:
    """What the provider knows of each key. Absent: it never saw the key. `unknown`: it did not answer, ask again.

    `sent`: where each went and when; vendors know messages by number and day only (`needs_numbers`).
    """
    if not is_simulated():
        return sms_lines.query(keys, sent=sent or {})
    known: dict[str, Outcome] = {}
    for start in range(0, len(keys), QUERY_SIZE):
        part = keys[start : start + QUERY_SIZE]
        try:
            answers = [_outcome(result) for result in _call("/sms/query", json.dumps({"keys": list(part)}))]
            known |= {answer.key: answer for answer in answers}
        except _Unanswered as failure:
            known |= {key: Outcome(key, "unknown", code=failure.code) for key in part}
    return known


def replies(*, after: int, limit: int = 100) -> list[Reply]:
    """What members answered, oldest first, from the running number `after` on. Empty when the provider cannot be read now."""
    if not is_simulated() or breaker.wait():  # vendors call us, see `aliyun.answers`
        return []
    path = f"/sms/inbound?{urlencode({'after': after, 'limit': limit})}"
    try:
        reply = wire.get(_address(), path=path, headers=_headers())
        rows = json.loads(reply.body)["replies"] if reply.status == 200 else []
        return [
            Reply(int(r["number"]), str(r["key"]), str(r["text"]), bool(r["opt_out"]), datetime.fromisoformat(r["at"]))
            for r in rows
        ]
    except (NotReached, ReplyLost, ValueError, LookupError, TypeError):
        return []


def register(*, name: str, kind: Literal["promo", "notice", "otp", "voice"], text: str) -> Outcome:
    """Have a template and our signature approved; the outcome's key is `name`. Placeholders: `{…}`, `{{…}}`, `${…}`.

    Marketing goes out with promo templates, transactional with notice and otp, calls with voice. Repeat at every start: it is a no-op.
    """
    if not is_simulated():
        return sms_templates.register(name=name, kind=kind, text=text)
    body = {"signatures": [brand.signature()], "templates": [{"name": name, "kind": kind, "text": text}]}
    try:
        results = _call("/sms/templates", json.dumps(body, ensure_ascii=False))
    except _Unanswered as failure:
        return failure.outcome(name)
    return _outcome(results[0]) if results else Outcome(name, "unknown", code="MALFORMED")


def compose(text: str, *, kind: Kind, signature: str | None = None) -> str:
    """The text as carriers demand it: 【signature】 first and, for marketing, the opt-out words last. A call has neither."""
    if kind == "voice":
        return text
    opening = f"【{signature or brand.signature()}】"
    whole = text if text.startswith(opening) else opening + text
    if kind != "marketing" or whole.endswith(OPT_OUT):
        return whole
    return whole + ("" if whole[-1] in "，。！？；,.!?;" else "，") + OPT_OUT


def segments(text: str) -> int:
    """How many messages the carrier bills: 70 characters alone, 67 each when joined; an emoji counts as two."""
    units = len(text.encode("utf-16-le", "surrogatepass")) // 2
    return math.ceil(units / 67) if units > 70 else min(units, 1)


def _call(path: str, body: str) -> list[dict]:
    """Post JSON once and return the results of a 200. Everything else is an _Unanswered."""
    address = _address()
    wait = breaker.wait()
    if wait:
        raise _Unanswered("retry", "CIRCUIT_OPEN", wait)
    try:
        reply = wire.post(address, path=path, body=body.encode("utf-8", "replace"), headers=_headers())
    except NotReached as failure:
        breaker.failed()
        raise _Unanswered("retry", f"NOT_REACHED.{failure}") from failure
    except ReplyLost as failure:
        breaker.failed()
        raise _Unanswered("unknown", f"REPLY_LOST.{failure}") from failure
    if reply.status != 200:
        raise _rejected(reply)
    results = _results(reply.body)
    if results is None:
        breaker.failed()
        raise _Unanswered("unknown", "MALFORMED")
    breaker.succeeded()
    return results


def _address() -> str:
    if settings.SMS_PROVIDER != "simulator" or not settings.SIMULATOR_URL:
        raise ImproperlyConfigured("SMS_PROVIDER 'simulator' needs its SIMULATOR_URL")
    return settings.SIMULATOR_URL


def _results(body: bytes) -> list[dict] | None:
    try:
        results = json.loads(body)["results"]
    except (ValueError, LookupError, TypeError, RecursionError):
        return None
    return results if isinstance(results, list) and all(isinstance(r, dict) for r in results) else None


def _as_json(message: Outgoing) -> str:
    """What `json.dumps` makes of it, in half the time."""
    key, to, text, kind, template = map(_quoted, message[:5])
    return f'{{"key": {key}, "to": {to}, "text": {text}, "kind": {kind}, "template": {template}}}'


def _rejected(reply: wire.Reply) -> _Unanswered:
    code = f"HTTP_{reply.status}"
    if reply.status == 429:
        breaker.succeeded()
        return _Unanswered("retry", code, _seconds(reply.headers.get("Retry-After")))
    if 400 <= reply.status < 500 and reply.status != 408:
        breaker.succeeded()
        return _Unanswered("refused", code)
    breaker.failed()
    return _Unanswered("unknown", code)


def _outcomes(messages: Sequence[Outgoing], *, results: list[dict]) -> list[Outcome]:
    """Results belong to messages by place and key; a list that does not line up proves nothing about any of them."""
    if [r.get("key") for r in results] != [m.key for m in messages]:
        return [Outcome(m.key, "unknown", code="MALFORMED") for m in messages]
    return [_outcome(result) for result in results]


def _outcome(result: dict) -> Outcome:
    key, code = str(result.get("key")), str(result.get("code"))
    provider_id, detail = result.get("biz_id"), str(result.get("detail") or "")
    if code == "OK" and isinstance(provider_id, str):
        return Outcome(key, "accepted", provider_id, code, detail)
    return Outcome(key, "refused" if code in REFUSALS else "unknown", None, code, detail)


def _headers() -> dict[str, str]:
    """Under a frozen clock (replays, `--as-of`, tests) the platform's rules are to judge by that clock too."""
    headers = {"Content-Type": "application/json"}
    if clock.is_frozen():
        headers["X-Sim-Now"] = clock.now().isoformat()
    return headers


def _seconds(retry_after: str | None) -> float | None:
    """`Retry-After` as seconds: a number or an HTTP date; None when absent or unreadable."""
    if not retry_after:
        return None
    try:
        wait = float(retry_after)
    except ValueError:
        try:
            moment: datetime = parsedate_to_datetime(retry_after)
        except ValueError:
            return None
        wait = moment.timestamp() - time.time()  # the provider speaks of real time, not of the settable clock
    return min(max(wait, 0.0), LONGEST_WAIT) if math.isfinite(wait) else None
