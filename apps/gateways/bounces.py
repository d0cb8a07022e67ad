"""Mails that came back: delivery reports (RFC 3464) and complaints (RFC 5965), read from the raw message."""

import email
from email.message import Message
from email.policy import default
from typing import Literal, NamedTuple

from apps.gateways import mail

MOST_BYTES = 1_000_000


class Bounce(NamedTuple):
    """hard: that address takes no mail. soft: not this time. complaint: the person called it spam."""

    key: str
    kind: Literal["hard", "soft", "complaint"]
    code: str


def read(raw: bytes) -> Bounce | None:
    """None for what is no report, or speaks of no message of ours."""
    if len(raw) > MOST_BYTES:
        return None
    message = email.message_from_bytes(raw, policy=default)
    kind = str(message.get_param("report-type", "")).lower()
    key = mail.key_of(str(message.get("To", ""))) or _key_inside(message)
    if message.get_content_type() != "multipart/report" or not key:
        return None
    if kind == "feedback-report":
        return Bounce(key, "complaint", "COMPLAINT")
    if kind != "delivery-status":
        return None
    for part in message.walk():
        if part.get_content_type() == "message/delivery-status":
            return _status(key, part)
    return None


def _status(key: str, part: Message) -> Bounce | None:
    blocks = part.get_payload()
    for block in blocks if isinstance(blocks, list) else ():
        if not isinstance(block, Message):
            continue
        status = str(block.get("Status", "")).strip()
        if str(block.get("Action", "")).strip().lower() == "failed" and status[:1] in {"4", "5"}:
            return Bounce(key, "hard" if status.startswith(("5.1.", "5.4.4")) else "soft", f"DSN_{status}"[:30])
    return None


def _key_inside(message: Message) -> str:
    """From the returned original's envelope or headers, for servers that answer to another address."""
    for part in message.walk():
        for name in ("Return-Path", "Original-Mail-From", "X-Original-Return-Path"):
            if part.get(name) and (key := mail.key_of(str(part[name]))):
                return key
    return ""
