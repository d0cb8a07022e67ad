"""What goes out through a gateway and what came of it: the shapes every channel shares."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal, NamedTuple

OPT_OUT = "拒收请回复R"  # the last words of marketing by SMS
Kind = Literal["marketing", "transactional", "voice"]  # voice: a call that reads the text out
State = Literal["accepted", "refused", "unknown", "retry"]


class Outgoing(NamedTuple):
    """One message. `key` names it for ever at the provider; `to` is E.164; `text` is composed (signature, opt-out; bare for a call).

    `values`: (name, value) of each placeholder of the template, in their order, for vendors that fill it in themselves.
    """

    key: str
    to: str
    text: str
    kind: Kind
    template: str
    values: tuple[tuple[str, str], ...] = ()


class Outcome(NamedTuple):
    """What the provider did with the message of `key`.

    accepted: it has the message and will never deliver it twice for this key. refused: it will not deliver it.
    retry: nothing reached it, send again later (not before `retry_after` seconds, if given).
    unknown: it may have the message; ask `query` before any resend.
    """

    key: str
    state: State
    provider_id: str | None = None
    code: str = ""
    detail: str = ""
    retry_after: float | None = None


@dataclass(frozen=True, slots=True)
class Reply:
    """An SMS that came back. `key` is that of the message it answers; `number` grows, and is where to go on reading."""

    number: int
    key: str
    text: str
    is_opt_out: bool
    at: datetime


class Receipt(NamedTuple):
    """A carrier's word on a message that the vendor had taken. `source` names it: told twice, it counts once."""

    key: str
    is_delivered: bool
    code: str
    source: str
    at: datetime | None


class Answered(NamedTuple):
    """A reply that names the number (E.164) only."""

    phone: str
    text: str
    source: str


class Review(NamedTuple):
    """How a vendor's review of a template stands: pending, approved, refused. `code`: its name there."""

    state: str
    code: str = ""
    reason: str = ""
