"""A strict SMTP server: one recipient, our envelope, the headers that large mailboxes ask of senders of many mails.

By the local part of the address: `nobody…` is refused (550 5.1.1), `full…` put off (452), `grey…` put off the first time, `drops…` is
taken and the line cut before the answer, `later…` taken and bounced, `angry…` taken and complained of.
"""

import asyncio
import contextlib
import email
from collections.abc import Callable
from email.message import EmailMessage
from email.policy import default

MAX_BODY = 2_000_000
DEMANDED = ("From", "To", "Subject", "Date", "Message-ID", "List-Unsubscribe", "List-Unsubscribe-Post")


class Mailboxes:
    """What arrived, in memory."""

    def __init__(self) -> None:
        self.mails: list[dict[str, str]] = []
        self.seen: set[str] = set()
        self.refused: dict[str, int] = {}

    def refusal_of(self, recipient: str) -> str:
        local = recipient.partition("@")[0]
        if local.startswith("nobody"):
            return "550 5.1.1 no such mailbox"
        if local.startswith("full"):
            return "452 4.2.2 mailbox full"
        if local.startswith("grey") and recipient not in self.seen:
            self.seen.add(recipient)
            return "451 4.7.1 greylisted, try again"
        return ""

    def take(self, *, sender: str, recipient: str, body: bytes) -> str:
        """The answer to the text. What says how to leave is bulk mail; the rest must say who reads the answer."""
        message = email.message_from_bytes(body, policy=default)
        if message["Reply-To"] and not message["List-Unsubscribe"]:
            return self._keep(message, sender=sender, recipient=recipient)
        missing = [name for name in DEMANDED if not message.get(name)]
        if missing or message["List-Unsubscribe-Post"] != "List-Unsubscribe=One-Click":
            return f"550 5.7.1 bulk mail needs {missing or 'one-click unsubscribe'}"
        if "https://" not in str(message["List-Unsubscribe"]):
            return "550 5.7.1 unsubscribe by https"
        return self._keep(message, sender=sender, recipient=recipient)

    def _keep(self, message: EmailMessage, *, sender: str, recipient: str) -> str:
        text = message.get_body(preferencelist=("plain",))
        self.mails.append(
            {"sender": sender, "to": recipient, "subject": str(message["Subject"]), "from": str(message["From"]),
             "leave": str(message["List-Unsubscribe"] or "").strip("<>"), "text": text.get_content() if text else ""}
        )  # fmt: skip
        return "250 2.0.0 taken"


class Server:
    """One connection at a time each; RFC 5321 as far as a client of ours may go."""

    def __init__(self, mailboxes: Callable[[], Mailboxes]) -> None:
        self._mailboxes = mailboxes

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            await self._talk(reader, writer)
        writer.close()

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        sender = recipient = ""
        await _say(writer, "220 simulator ESMTP")
        while line := await reader.readline():
            verb, _, rest = line.decode("ascii", "replace").strip().partition(" ")
            match verb.upper():
                case "EHLO" | "HELO":
                    await _say(writer, "250-simulator", "250 8BITMIME")
                case "MAIL":
                    sender, recipient = _inside(rest), ""
                    await _say(writer, "250 ok" if "+" in sender else "550 5.1.8 every mail has a sender of its own")
                case "RCPT" if sender and not recipient:
                    refusal = self._mailboxes().refusal_of(_inside(rest))
                    recipient = "" if refusal else _inside(rest)
                    await _say(writer, refusal or "250 ok")
                case "DATA" if recipient:
                    await _say(writer, "354 go on")
                    body = await _text(reader)
                    answer = self._mailboxes().take(sender=sender, recipient=recipient, body=body)
                    if recipient.startswith("drops"):
                        return
                    sender = recipient = ""
                    await _say(writer, answer)
                case "RSET":
                    sender = recipient = ""
                    await _say(writer, "250 ok")
                case "QUIT":
                    await _say(writer, "221 bye")
                    return
                case _:
                    await _say(writer, "503 not now")


async def _say(writer: asyncio.StreamWriter, *lines: str) -> None:
    writer.write("".join(f"{line}\r\n" for line in lines).encode())
    await writer.drain()


async def _text(reader: asyncio.StreamReader) -> bytes:
    raw = await reader.readuntil(b"\r\n.\r\n")
    if len(raw) > MAX_BODY:
        raise ConnectionError("too long")
    return raw[:-3].replace(b"\r\n..", b"\r\n.")


def _inside(rest: str) -> str:
    return rest.partition("<")[2].partition(">")[0]


def report(mail: dict[str, str]) -> bytes:
    """What comes back for a mail to `later…` (a delivery report) or `angry…` (a complaint), as it would be posted to us."""
    is_complaint = mail["to"].startswith("angry")
    kind = "feedback-report" if is_complaint else "delivery-status"
    status = "4.2.2" if mail["to"].startswith("latersoft") else "5.1.1"
    inner = (
        "Content-Type: message/feedback-report\r\n\r\nFeedback-Type: abuse\r\nVersion: 1\r\n"
        if is_complaint
        else "Content-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; simulator\r\n\r\n"
        f"Final-Recipient: rfc822; {mail['to']}\r\nAction: failed\r\nStatus: {status}\r\n"
    )
    return (
        f"From: <>\r\nTo: {mail['sender']}\r\nSubject: report\r\nMIME-Version: 1.0\r\n"
        f'Content-Type: multipart/report; report-type={kind}; boundary="b"\r\n\r\n'
        f"--b\r\nContent-Type: text/plain\r\n\r\nsorry\r\n--b\r\n{inner}\r\n--b--\r\n"
    ).encode()
