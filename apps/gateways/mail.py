"""The e-mail door: one message, one SMTP transaction, one word about it. SMTP has no question to ask afterwards.

The envelope's sender carries our key, so that a bounce, however garbled, names its message (VERP). Never raises for a bad answer.
"""

import hmac
import re
import smtplib
import ssl
from collections.abc import Sequence
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, formataddr
from hashlib import sha256
from typing import NamedTuple
from urllib.parse import unquote, urlsplit

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from apps.core import clock
from apps.core.files import documents
from apps.gateways.messages import Outcome
from apps.gateways.pacing import Breaker

CONNECT_TIMEOUT = 10.0  # seconds, for every step
_ADDRESS = re.compile(r"[^@\s<>\"\x00-\x1f]{1,64}@[A-Za-z0-9.-]{1,190}")
_KEY = re.compile(r"[a-z]{1,10}:[0-9]{1,19}")

breaker = Breaker()


class Mail(NamedTuple):
    """One message. `leave` is the address at which one click ends such mails (RFC 8058); "" for an answer in a conversation, which has
    `reply_to` and the ids of what it answers instead.
    """

    key: str
    to: str
    subject: str
    text: str
    sender: str  # the brand's name
    leave: str
    reply_to: str = ""
    references: tuple[str, ...] = ()
    files: tuple[bytes, ...] = ()  # JPEG, PDF


def is_set_up() -> bool:
    return bool(settings.MAIL_URL and settings.MAIL_FROM)


def send_batch(mails: Sequence[Mail]) -> list[Outcome]:
    """Hand mails to the server over one connection; one outcome per mail, in order. Call it with no transaction open.

    refused: a 5xx, its recipient or text is at fault. retry: the server took nothing. unknown: the line broke after the text went out.
    """
    wait = breaker.wait()
    if wait:
        return [Outcome(m.key, "retry", code="CIRCUIT_OPEN", retry_after=wait) for m in mails]
    try:
        line = _connected()
    except (OSError, smtplib.SMTPException) as failure:
        breaker.failed()
        return [Outcome(m.key, "retry", code=f"NOT_REACHED.{type(failure).__name__}"[:60]) for m in mails]
    outcomes: list[Outcome] = []
    try:
        for number, mail in enumerate(mails):
            outcome = _sent(line, mail)
            outcomes.append(outcome)
            if outcome.code.startswith("REPLY_LOST"):
                breaker.failed()
                rest = [Outcome(m.key, "retry", code="NOT_REACHED") for m in mails[number + 1 :]]
                return outcomes + rest
        breaker.succeeded()
    finally:
        _hang_up(line)
    return outcomes


def bounce_address(key: str) -> str:
    """Where the answer to this message's failure comes back to, and nobody else's: the key, and a sum that only we can make."""
    name, _, domain = settings.MAIL_FROM.partition("@")
    return f"{name}+{key.replace(':', '-')}-{_sum(key)}@{domain}"


def key_of(address: str) -> str:
    """The key in a bounce's recipient; "" when it is none of ours."""
    found = re.search(r"\+([a-z]{1,10})-([0-9]{1,19})-([0-9a-f]{12})@", address)
    key = f"{found[1]}:{found[2]}" if found else ""
    return key if found and hmac.compare_digest(found[3], _sum(key)) else ""


def written(mail: Mail) -> EmailMessage:
    """As it goes out. Header values are one line each."""
    message = EmailMessage(policy=SMTP)
    message["From"] = formataddr((" ".join(mail.sender.split()), settings.MAIL_FROM))
    message["To"] = mail.to
    message["Subject"] = " ".join(mail.subject.split())
    message["Date"] = format_datetime(clock.now())
    message["Message-ID"] = message_id(mail.key)
    if mail.leave:
        message["List-Unsubscribe"] = f"<{mail.leave}>"
        message["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    if mail.reply_to:
        message["Reply-To"] = mail.reply_to
        message["X-Auto-Response-Suppress"] = "All"  # absences need not be told to a conversation
    if mail.references:
        message["In-Reply-To"], message["References"] = mail.references[-1], " ".join(mail.references)
    message.set_content(mail.text, charset="utf-8", cte="base64")
    for number, content in enumerate(mail.files, start=1):
        if documents.is_pdf(content):
            message.add_attachment(content, maintype="application", subtype="pdf", filename=f"{number}.pdf")
        else:
            message.add_attachment(content, maintype="image", subtype="jpeg", filename=f"{number}.jpg")
    return message


def message_id(key: str) -> str:
    return f"<{key.replace(':', '.')}.{_sum(key)}@{settings.MAIL_FROM.partition('@')[2]}>"


def key_of_message(text: str) -> str:
    """The key in a Message-ID of ours; "" when it is none."""
    found = re.search(r"<([a-z]{1,10})\.([0-9]{1,19})\.([0-9a-f]{12})@", text)
    key = f"{found[1]}:{found[2]}" if found else ""
    return key if found and hmac.compare_digest(found[3], _sum(key)) else ""


def _sent(line: smtplib.SMTP, mail: Mail) -> Outcome:
    """One transaction. Before the text is sent a broken line has delivered nothing; after it, nobody knows."""
    if not _ADDRESS.fullmatch(mail.to) or not mail.to.isascii():
        return Outcome(mail.key, "refused", code="ADDRESS_INVALID")
    body = written(mail).as_bytes()
    is_over = False
    try:
        for code, words in (line.mail(bounce_address(mail.key)), line.rcpt(mail.to)):
            if code >= 400:
                line.rset()
                return _refusal(mail.key, code, words)
        is_over = True
        code, words = line.data(body)
    except smtplib.SMTPDataError as refused:  # the server did not want the text at all
        return _refusal(mail.key, refused.smtp_code, refused.smtp_error)
    except (OSError, smtplib.SMTPException) as failure:
        state = "unknown" if is_over else "retry"
        return Outcome(mail.key, state, code=f"REPLY_LOST.{type(failure).__name__}"[:60])  # type: ignore[arg-type]
    if code >= 400:
        return _refusal(mail.key, code, words)
    return Outcome(mail.key, "accepted", provider_id="smtp", code="OK")


def _refusal(key: str, code: int, words: bytes | str) -> Outcome:
    """4xx: later perhaps (full, greylisted). 5xx: never; 5.1.x and 550 speak of the address, 5.7.x of the server's rules."""
    text = words.decode("utf-8", "replace") if isinstance(words, bytes) else words
    if code < 500:
        return Outcome(key, "retry", code=f"SMTP_{code}")
    is_address = "5.1." in text[:20] or (code in (550, 551, 553) and "5.7." not in text[:20])
    return Outcome(key, "refused", code="ADDRESS_INVALID" if is_address else f"SMTP_{code}")


def _connected() -> smtplib.SMTP:
    parts = urlsplit(settings.MAIL_URL)
    if parts.scheme not in {"smtp", "smtps", "smtp+plain"} or not parts.hostname:
        raise ImproperlyConfigured("MAIL_URL is smtp://user:password@host:port (STARTTLS) or smtps://…")
    if parts.scheme == "smtps":
        line: smtplib.SMTP = smtplib.SMTP_SSL(
            parts.hostname, parts.port or 465, timeout=CONNECT_TIMEOUT, context=ssl.create_default_context()
        )
    else:
        line = smtplib.SMTP(parts.hostname, parts.port or 587, timeout=CONNECT_TIMEOUT)
        line.ehlo()
        if parts.scheme == "smtp":
            line.starttls(context=ssl.create_default_context())
    line.ehlo()
    if parts.username:
        line.login(unquote(parts.username), unquote(parts.password or ""))
    return line


def _hang_up(line: smtplib.SMTP) -> None:
    try:
        line.quit()
    except (OSError, smtplib.SMTPException):
        line.close()


def _sum(key: str) -> str:
    return hmac.new(settings.SECRET_KEY.encode(), f"bounce:{key}".encode(), sha256).hexdigest()[:12]
