"""The service desk by e-mail: answers find their thread, machines and loops end, nobody speaks for somebody else."""

from email.message import EmailMessage
from email.policy import SMTP

import pytest
from django.test import Client

from apps.gateways import mail
from apps.gateways.mail import Mail
from apps.gateways.messages import Outcome
from apps.gateways.simulator.smtp import Mailboxes
from apps.members import identities, mail_addresses, uploads
from apps.members import services as members
from apps.tickets import attachments, mail_in, mail_out, mail_words
from apps.tickets.models import Attachment, Message, Posting, Ticket
from tests.pictures_made import drawn
from tests.tickets import desk as of
from tests.tickets.desk import move, say

pytestmark = pytest.mark.django_db
ADDRESS, WORD = "lin@mail.example", "a-word-that-nobody-guesses"


@pytest.fixture
def desk(settings) -> of.Desk:
    settings.MAIL_URL, settings.MAIL_FROM = "smtp://127.0.0.1:1", "help@brand.example"
    settings.CALLBACK_SECRET, settings.PUBLIC_URL = WORD, "https://siyu.example.com"
    made = of.build()
    identities.add_identity(member_id=made.member, kind="email", value=ADDRESS)
    return made


@pytest.fixture
def posted(monkeypatch: pytest.MonkeyPatch) -> list[Mail]:
    """What the mail server was given; it takes everything."""
    given: list[Mail] = []

    def taken(mails: list[Mail]) -> list[Outcome]:
        given.extend(mails)
        return [Outcome(one.key, "accepted", code="OK") for one in mails]

    monkeypatch.setattr(mail, "send_batch", taken)
    return given


def letter(number: str = "1", text: str = "扣子掉了。", sender: str = ADDRESS, **headers: str) -> EmailMessage:
    message = EmailMessage(policy=SMTP)
    message["From"], message["To"] = f"林 <{sender}>", headers.pop("To", "help@brand.example")
    message["Subject"], message["Message-ID"] = headers.pop("Subject", "大衣的扣子"), f"<{number}@mail.example>"
    for name, value in headers.items():
        message[name.replace("_", "-")] = value
    message.set_content(text)
    return message


def take(message: EmailMessage) -> str:
    return mail_in.take(message.as_bytes()).outcome


def test_a_mail_opens_a_thread_with_its_picture_and_the_answer_to_ours_comes_into_it(desk: of.Desk, posted: list[Mail]):
    first = letter()
    first.add_attachment(drawn(size=(40, 30)), maintype="image", subtype="jpeg", filename="a.jpg")
    first.add_attachment(b"MZ", maintype="application", subtype="octet-stream", filename="x.exe")
    sent = Client().post(f"/hooks/mail/{WORD}", first.as_bytes(), content_type="message/rfc822")
    assert sent.json() == {"taken": True, "outcome": "opened"}
    assert Client().post("/hooks/mail/guessed", first.as_bytes(), content_type="message/rfc822").status_code == 404
    assert take(first) == "repeated"
    ticket = Ticket.objects.get()
    assert (ticket.title, ticket.kind, ticket.channel, Attachment.objects.count()) == (
        "大衣的扣子",
        "question",
        "email",
        1,
    )
    assert Message.objects.get().text == "扣子掉了。\n[1个附件未接收]"

    say(ticket, desk.agent, text="寄来看看。")
    mail_out.answer(Message.objects.get(text="寄来看看。"))
    mail_out.answer(Message.objects.get(text="寄来看看。"))
    assert (mail_out.drain(), mail_out.drain()["sent"], Posting.objects.get().state) == (
        {"sent": 1, "failed": 0, "later": 0}, 0, "sent",
    )  # fmt: skip
    ours = mail.written(posted[0])
    assert (ours["To"], ours["List-Unsubscribe"], ours["Subject"]) == (ADDRESS, None, "Re: 大衣的扣子")

    quoted = "今天寄出。\n\n在 2026年11月30日，思语 写道：\n> 寄来看看。\n"
    assert take(letter("2", quoted, In_Reply_To=str(ours["Message-ID"]), Subject="回复：大衣的扣子")) == "answered"
    assert take(letter("3", "单号123。", To=str(ours["Reply-To"]), Subject="Re: 别的")) == "answered"
    assert list(Message.objects.filter(side="member").order_by("pk").values_list("text", flat=True))[1:] == [
        "今天寄出。",
        "单号123。",
    ]
    assert Ticket.objects.count() == 1


def test_nobody_speaks_for_somebody_else(desk: of.Desk):
    take(letter())
    ticket, other = Ticket.objects.get(), members.register(source="test", nickname="周", phone="19900010009")
    identities.add_identity(member_id=other, kind="email", value="zhou@mail.example")
    ours = mail_out.reply_address(ticket.pk)
    forged = ours.replace("+reply-", "+reply-9", 1)
    assert take(letter("a", sender="who@mail.example")) == "unknown_sender"
    assert take(letter("b", sender="who@mail.example", To=ours)) == "shown_to_staff"
    assert take(letter("c", sender="zhou@mail.example", To=ours)) == "shown_to_staff"
    assert take(letter("d", sender="zhou@mail.example", To=forged)) == "opened"  # their own thread
    assert list(Message.objects.filter(ticket=ticket).values_list("side", "is_internal")) == [
        ("member", False), ("house", True), ("house", True),
    ]  # fmt: skip
    assert Ticket.objects.exclude(pk=ticket.pk).get().member_id == other


def test_machines_loops_and_empty_mails_end_here(desk: of.Desk, monkeypatch: pytest.MonkeyPatch):
    for headers in (
        {"Auto_Submitted": "auto-replied"}, {"Precedence": "bulk"}, {"List_Id": "<x.y>"}, {"Return_Path": "<>"},
        {"X_Autoreply": "yes"}, {"sender": "MAILER-DAEMON@mail.example"}, {"sender": "no-reply@mail.example"},
    ):  # fmt: skip
        assert take(letter(**headers)) == "automatic", headers
    assert take(letter(sender="help@brand.example")) == "own"
    echo = letter()
    echo.replace_header("Message-ID", mail.message_id("tkt:5"))
    assert take(echo) == "own"
    assert take(letter(text="> quoted only")) == "empty"
    monkeypatch.setattr(mail_in, "MOST_BYTES", 10)
    assert take(letter()) == "too_large"
    monkeypatch.undo()
    assert not Ticket.objects.exists()
    monkeypatch.setattr(mail_in, "MOST_PER_HOUR", 3)
    assert [take(letter(str(number))) for number in range(4)] == ["opened", "opened", "opened", "looped"]
    assert take(letter("plain", Auto_Submitted="no")) == "looped"


def test_a_mail_opens_what_is_done_again_and_begins_anew_what_is_over(desk: of.Desk):
    take(letter())
    ticket = Ticket.objects.get()
    move(ticket, "resolve", desk.agent)
    to = mail_out.reply_address(ticket.pk)
    Ticket.objects.update(ended_at=Message.objects.get().at)
    assert take(letter("2", "还是坏的。", To=to)) == "answered"
    ticket.refresh_from_db()
    assert ticket.state == "working"
    move(ticket, "withdraw", desk.agent)
    assert take(letter("3", "又坏了。", To=to)) == "opened"
    assert Message.objects.filter(ticket=ticket).count() == 2


def test_only_who_writes_mails_gets_mails_and_what_fails_is_tried_again(desk: of.Desk, monkeypatch: pytest.MonkeyPatch):
    by_phone = of.opened(desk)
    say(by_phone, desk.agent)
    mail_out.answer(Message.objects.latest("pk"))
    assert not Posting.objects.exists()
    take(letter())
    ticket = Ticket.objects.get(channel="email")
    mail_out.ask_for_vote(ticket)
    monkeypatch.setattr(mail, "send_batch", lambda mails: [Outcome(one.key, "retry", code="SMTP_450") for one in mails])
    assert mail_out.drain()["later"] == 1
    row = Posting.objects.get()
    assert (row.state, row.tries, row.code, mail_out.drain()["later"]) == ("waiting", 1, "SMTP_450", 0)
    Posting.objects.update(tries=7, due_at=row.at)
    assert (mail_out.drain()["failed"], Posting.objects.get().state) == (1, "failed")


def bounce(key: str, status: str) -> bytes:
    """A delivery report as mail servers write it (RFC 3464)."""
    return (
        f"From: MAILER-DAEMON@mail.example\r\nTo: {mail.bounce_address(key)}\r\nSubject: failed\r\n"
        'Content-Type: multipart/report; report-type=delivery-status; boundary="b"\r\n\r\n--b\r\n\r\nfailed\r\n'
        "--b\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; mail.example\r\n\r\n"
        f"Final-Recipient: rfc822; {ADDRESS}\r\nAction: failed\r\nStatus: {status}\r\n\r\n--b--\r\n"
    ).encode()


def came_back(key: str, status: str) -> None:
    for _twice in range(2):
        sent = Client().post(f"/hooks/mail/{WORD}", bounce(key, status), content_type="message/rfc822")
        assert sent.json() == {"taken": True}


def test_a_mail_that_came_back_closes_the_address_and_the_desk_is_told(desk: of.Desk, posted: list[Mail]):
    take(letter())
    ticket = Ticket.objects.get()
    say(ticket, desk.agent, text="寄来看看。")
    mail_out.answer(Message.objects.get(text="寄来看看。"))
    mail_out.drain()
    came_back(posted[0].key, "4.2.2")  # full: this time only
    assert not mail_addresses.is_closed(desk.member)
    came_back(posted[0].key, "5.1.1")
    note = Message.objects.get(is_internal=True)  # one for a mail
    assert (note.side, "4.2.2" in note.text, mail_addresses.is_closed(desk.member)) == ("house", True, True)

    say(ticket, desk.agent, 2, text="还在吗？")
    mail_out.answer(Message.objects.get(text="还在吗？"))
    assert (mail_out.drain()["failed"], len(posted), Posting.objects.latest("pk").code) == (1, 1, "NO_ADDRESS")


def test_an_address_that_the_server_does_not_know_is_closed_at_once_and_pictures_go_with_the_answer(
    desk: of.Desk, posted: list[Mail], monkeypatch: pytest.MonkeyPatch
):
    take(letter())
    ticket = Ticket.objects.get()
    key = uploads.take(member_id=desk.member, content=drawn(size=(16, 16)), purpose=attachments.OF_STAFF).id
    said = attachments.say(ticket_id=ticket.pk, by=desk.agent, text="请看图。", source="p:1", upload_ids=[key])
    mail_out.answer(said)
    mail_out.drain()
    parts = [part.get_content_type() for part in mail.written(posted[0]).walk()]
    assert parts == ["multipart/mixed", "text/plain", "image/jpeg"]
    monkeypatch.setattr(
        mail, "send_batch", lambda mails: [Outcome(m.key, "refused", code="ADDRESS_INVALID") for m in mails]
    )
    mail_out.ask_for_vote(ticket)
    assert mail_out.drain()["failed"] == 1
    assert (mail_addresses.is_closed(desk.member), Message.objects.get(is_internal=True).side) == (True, "house")


def test_a_strict_server_takes_an_answer_and_its_rules_close_no_address(desk: of.Desk, posted: list[Mail]):
    take(letter())
    say(Ticket.objects.get(), desk.agent, text="寄来看看。")
    mail_out.answer(Message.objects.get(text="寄来看看。"))
    mail_out.drain()
    sent = {"sender": "x+tkt-1@brand.example", "recipient": ADDRESS, "body": mail.written(posted[0]).as_bytes()}
    assert Mailboxes().take(**sent) == "250 2.0.0 taken"
    codes = [
        mail._refusal("k", 550, said).code for said in (b"5.7.1 not by our rules", b"5.1.1 nobody", b"no such user")
    ]
    assert codes == ["SMTP_550", "ADDRESS_INVALID", "ADDRESS_INVALID"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("好\r\n\r\nOn Mon, Nov 30, 2026 at 9:00 AM Siyu <help@brand.example> wrote:\r\n> 旧", "好"),
        ("好\n-- \n林\n", "好"),
        ("好\n\n------------------ 原始邮件 ------------------\n发件人: x", "好"),
    ],
)
def test_new_words_end_where_the_quoted_mail_begins(text: str, words: str):
    assert mail_words.new_words(text) == words
    assert mail_words.plain("<style>x</style><p>你好</p><blockquote>旧</blockquote>a&amp;b").split() == ["你好", "a&b"]
