"""The vendors' lines for SMS, the first of them and the one it may be replaced by; never one that may hold the message already.

A vendor takes one message a request: its own reference (OutId, SessionContext) is the only name by which a lost answer can be
asked about, and there is one of it per request.
"""

import os
import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from datetime import datetime
from types import ModuleType
from typing import NamedTuple, TypeVar

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from apps.gateways import aliyun, tencent
from apps.gateways.messages import Outcome, Outgoing

Given = TypeVar("Given")
Answer = TypeVar("Answer")
VENDORS: dict[str, ModuleType] = {"aliyun": aliyun, "tencent": tencent}
AT_ONCE = 8  # requests under way per process
# A second line says this for want of its own papers; then the first line's word counts.
_OWN_FAULT = frozenset({"TEMPLATE_UNAPPROVED", "SIGNATURE_UNAPPROVED"})
_lock = threading.Lock()
_pool: list[ThreadPoolExecutor] = []
os.register_at_fork(after_in_child=_pool.clear)


class Sent(NamedTuple):
    """What a vendor must be told to find a message again: the number, since when, and when it was handed over last."""

    to: str
    since: datetime
    at: datetime


def names() -> tuple[str, ...]:
    """The lines in use, first the one that is tried first. Raises ImproperlyConfigured."""
    wanted = [name for name in (settings.SMS_PROVIDER, settings.SMS_FALLBACK) if name]
    if strange := [name for name in wanted if name not in VENDORS]:
        raise ImproperlyConfigured(f"there is no SMS vendor {strange[0]!r}; known: {', '.join(VENDORS)}")
    return tuple(dict.fromkeys(wanted))


def send(messages: Sequence[Outgoing]) -> list[Outcome]:
    """One outcome per message, in order. Only what a line has certainly not taken is given to the next."""
    first, *others = names()
    outcomes = _each(VENDORS[first].send, messages)
    for name in others:
        places = [place for place, outcome in enumerate(outcomes) if outcome.state == "retry"]
        if not places:
            break
        again = _each(VENDORS[name].send, [messages[place] for place in places])
        for place, outcome in zip(places, again, strict=True):
            if outcome.state != "retry" and outcome.code not in _OWN_FAULT:
                outcomes[place] = outcome
    return outcomes


def query(keys: Sequence[str], *, sent: Mapping[str, Sent]) -> dict[str, Outcome]:
    """What the vendors know. Absent only where every line says for certain that it never saw the message."""

    def ask(key: str) -> Outcome | None:
        if key not in sent:
            return Outcome(key, "unknown", code=_trouble() or "NO_NUMBER")
        return _asked(key, sent[key])

    found = _each(ask, keys)
    return {key: outcome for key, outcome in zip(keys, found, strict=True) if outcome is not None}


def _asked(key: str, where: Sent) -> Outcome | None:
    """One message at all lines: a yes anywhere decides, a refusal counts when nobody may have it."""
    answers = [VENDORS[name].ask(key, to=where.to, since=where.since, at=where.at) for name in names()]
    for state in ("accepted", "unknown", "refused"):
        for answer in answers:
            if answer is not None and answer.state == state:
                return answer
    return None


def _trouble() -> str:
    """The code of a first line that would not be called now."""
    breaker = VENDORS[names()[0]].breaker
    return "CIRCUIT_OPEN" if breaker.is_open else ""


def _each(act: Callable[[Given], Answer], given: Sequence[Given]) -> list[Answer]:
    if len(given) < 2:
        return [act(one) for one in given]
    with _lock:
        if not _pool:
            _pool.append(ThreadPoolExecutor(AT_ONCE, thread_name_prefix="sms"))
    waits = [_pool[0].submit(copy_context().run, act, one) for one in given]
    return [wait.result() for wait in waits]
