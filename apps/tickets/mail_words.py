"""What somebody wrote in an e-mail: their new words without what they quote, their pictures, and whether a person wrote it at all."""

import re
from email.message import EmailMessage
from html.parser import HTMLParser
from typing import Any, cast

MOST_TEXT = 4_000
_MACHINES = re.compile(r"^(mailer-daemon|postmaster|no-?reply|do-?not-?reply|bounces?)([+@-]|$)", re.IGNORECASE)
_BULK = frozenset({"bulk", "junk", "list", "auto_reply"})
# Where the quoted mail begins, in the words of usual programs.
_QUOTES = (
    re.compile(r"^\s*(On\b.{0,200}\bwrote:|在.{0,200}(写道|寫道)[：:]|.{0,120}于.{0,80}写道[：:])\s*$"),
    re.compile(r"^\s*-{2,}\s*(Original Message|Forwarded message|原始邮件|转发的邮件|原邮件)\s*-{2,}", re.IGNORECASE),
    re.compile(r"^\s*(发件人|From)\s*[：:].*@", re.IGNORECASE),
)
_SIGN = re.compile(r"^-- ?$")
_BREAKS = frozenset({"br", "p", "div", "tr", "li", "h1", "h2", "h3", "blockquote"})


def is_automatic(message: EmailMessage) -> bool:
    """An absence note, a list, a bounce: nobody sits behind it who waits for an answer (RFC 3834)."""
    if str(message.get("Auto-Submitted", "no")).split(";")[0].strip().lower() != "no":
        return True
    if (
        str(message.get("Precedence", "")).strip().lower() in _BULK
        or str(message.get("Return-Path", "")).strip() == "<>"
    ):
        return True
    if any(name in message for name in ("List-Id", "List-Unsubscribe", "X-Autoreply", "X-Autorespond", "X-Auto-Reply")):
        return True
    return message.get_content_type() == "multipart/report" or bool(_MACHINES.match(sender(message)))


def sender(message: EmailMessage) -> str:
    """The one address in From; "" where there is none, or more than one."""
    found: tuple[Any, ...] = getattr(message.get("From"), "addresses", ())
    return f"{found[0].username}@{found[0].domain}".lower() if len(found) == 1 and found[0].domain else ""


def text(message: EmailMessage) -> str:
    """The new words, 4,000 letters at the most."""
    part = message.get_body(preferencelist=("plain", "html"))
    if part is None:
        return ""
    try:
        content = cast("EmailMessage", part).get_content()
    except (LookupError, ValueError):  # a character set that does not exist
        payload = part.get_payload(decode=True)
        content = payload.decode("utf-8", "replace") if isinstance(payload, bytes) else ""
    content = str(content)
    if part.get_content_subtype() == "html":
        content = plain(content)
    return new_words(content).replace("\x00", "")[:MOST_TEXT]


def new_words(content: str) -> str:
    """Up to the quoted mail or the signature; quoted lines before it go as well."""
    kept = []
    for line in content.replace("\r\n", "\n").split("\n"):
        if _SIGN.match(line) or any(pattern.match(line) for pattern in _QUOTES):
            break
        if not line.lstrip().startswith(">"):
            kept.append(line.rstrip())
    return re.sub(r"\n{3,}", "\n\n", "\n".join(kept)).strip()


def pictures(message: EmailMessage, *, most: int) -> tuple[list[bytes], int]:
    """(attached pictures, how many other attachments there were). What a picture is, `uploads` judges by its content."""
    found: list[bytes] = []
    others = 0
    for part in message.walk():
        if part.is_multipart() or (part.get_content_maintype() == "text" and not part.get_filename()):
            continue
        payload = part.get_payload(decode=True)
        if part.get_content_maintype() == "image" and isinstance(payload, bytes) and len(found) < most:
            found.append(payload)
        elif part.get_filename():
            others += 1
    return found, others


def plain(content: str) -> str:
    reader = _Words()
    reader.feed(content)
    reader.close()
    return "".join(reader.words)


class _Words(HTMLParser):
    """The text of a page; a quoted mail in it is left out."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.words: list[str] = []
        self._hidden: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in {"style", "script", "head", "blockquote"}:
            self._hidden.append(tag)
        if tag in _BREAKS:
            self.words.append("\n")

    def handle_endtag(self, tag: str) -> None:
        if self._hidden and self._hidden[-1] == tag:
            self._hidden.pop()

    def handle_data(self, data: str) -> None:
        if not self._hidden:
            self.words.append(data)
