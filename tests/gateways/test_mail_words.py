"""What a mail server may answer, and what comes back later."""

import smtplib
from typing import Any

import pytest

from apps.gateways import bounces, mail
from apps.gateways.mail import Mail

REPORT = """To: {to}
Content-Type: multipart/report; report-type=delivery-status; boundary=b

--b
Content-Type: message/delivery-status

Reporting-MTA: dns; mail.example

Action: {action}
Status: {status}

--b--
"""


class Line:
    """A server that answers each recipient as it was told to; `gone`: after the text of this many mails the line breaks."""

    def __init__(self, rcpt: dict[str, tuple[int, bytes]], gone: int = 99) -> None:
        self.rcpts, self.left, self.said = rcpt, gone, list[str]()

    def mail(self, _sender: str) -> tuple[int, bytes]:
        self.said.append("mail")
        return 250, b""

    def rcpt(self, to: str) -> tuple[int, bytes]:
        return self.rcpts.get(to, (250, b""))

    def rset(self) -> None:
        self.said.append("rset")

    def data(self, _body: bytes) -> tuple[int, bytes]:
        self.left -= 1
        if self.left < 0:
            raise smtplib.SMTPServerDisconnected
        return 250, b""

    def quit(self) -> None: ...


@pytest.fixture(autouse=True)
def ours(settings: Any) -> None:
    settings.MAIL_FROM = "care@brand.example"


def sent(monkeypatch: pytest.MonkeyPatch, line: Line, *to: str) -> list[tuple[str, str]]:
    monkeypatch.setattr(mail, "_connected", lambda: line)
    mails = [Mail(f"touch:{n}", one, "题", "文", "思语", "https://brand.example/leave") for n, one in enumerate(to)]
    return [(answer.state, answer.code) for answer in mail.send_batch(mails)]


def test_only_words_about_an_address_close_it_and_a_refused_mail_makes_room_for_the_next(
    monkeypatch: pytest.MonkeyPatch,
):
    line = Line(
        {
            "full@x.cn": (552, b"5.2.2 full"),
            "no@x.cn": (550, b""),
            "five@x.cn": (554, b"5.1.1"),
            "grey@x.cn": (451, b""),
        }
    )

    told = sent(monkeypatch, line, "full@x.cn", "no@x.cn", "five@x.cn", "grey@x.cn", "ok@x.cn", "näh@x.cn")

    assert told == [
        ("refused", "SMTP_552"), ("refused", "ADDRESS_INVALID"), ("refused", "ADDRESS_INVALID"), ("retry", "SMTP_451"),
        ("accepted", "OK"), ("refused", "ADDRESS_INVALID"),
    ]  # fmt: skip
    assert line.said == ["mail", "rset"] * 4 + ["mail"]


def test_what_was_not_begun_when_the_line_broke_was_not_sent(monkeypatch: pytest.MonkeyPatch):
    told = sent(monkeypatch, Line({}, gone=1), *(f"{n}@x.cn" for n in range(4)))
    assert told == [
        ("accepted", "OK"), ("unknown", "REPLY_LOST.SMTPServerDisconnected"), ("retry", "NOT_REACHED"), ("retry", "NOT_REACHED"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("action", "status", "kind"),
    [
        ("failed", "5.1.1", "hard"), ("failed", "5.4.4", "hard"), ("failed", "5.7.1", "soft"), ("failed", "5.2.2", "soft"),
        ("failed", "4.4.7", "soft"), ("delayed", "4.4.1", None), ("failed", "2.0.0", None),
    ],
)  # fmt: skip
def test_a_report_closes_an_address_only_where_it_speaks_of_it(action: str, status: str, kind: str | None):
    raw = REPORT.format(to=mail.bounce_address("touch:7"), action=action, status=status)
    found = bounces.read(raw.replace("\n", "\r\n").encode())
    assert (found and (found.key, found.kind, found.code)) == (kind and ("touch:7", kind, f"DSN_{status}"))
