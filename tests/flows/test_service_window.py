"""A member's words in WeCom's service window stand in the one thread; answers to them go back there, and who answers hears when not."""

import pytest

from apps.community import window_out
from apps.community.models import Contact, ServiceAccount, Talk, WindowMessage
from apps.core import clock
from apps.events import services as events
from apps.gateways import inbox
from apps.members import uploads
from apps.tickets import attachments
from apps.tickets.models import Attachment, Message, Ticket
from tests.flows.test_ticket_told import deliver
from tests.pictures_made import drawn
from tests.tickets import desk as of
from tests.tickets.desk import MEMBER, move, opened, say

pytestmark = pytest.mark.django_db


@pytest.fixture
def talk() -> Talk:
    account = ServiceAccount.objects.create(open_kfid="wk1")
    desk, moment = of.build(), clock.now()
    contact = Contact.objects.create(external_userid="wm1", member_id=desk.member, first_at=moment, seen_at=moment)
    made = Talk.objects.create(contact=contact, account=account, last_in_at=moment)
    made.desk = desk  # type: ignore[attr-defined]
    return made


def wrote(talk: Talk, number: int, text: str = "", upload_id: int | None = None) -> WindowMessage:
    row = WindowMessage.objects.create(
        talk=talk, key=f"kf:{number}", is_ours=False, text=text, upload_id=upload_id, state="handed"
    )
    for _twice in range(2):
        events.publish(
            "community.window_said", key=str(row.pk), message_id=row.pk, member_id=talk.contact.member_id
        )  # fmt: skip
    deliver()
    return row


def test_words_open_a_ticket_and_go_on_in_it_a_picture_comes_along_and_nothing_stays_behind(talk: Talk):
    desk = talk.desk  # type: ignore[attr-defined]
    file = uploads.take(member_id=desk.member, content=drawn(size=(16, 16)), purpose=attachments.PURPOSE).id
    wrote(talk, 1, "扣子掉了\n第二颗")
    wrote(talk, 2, upload_id=file)
    ticket = Ticket.objects.get()
    assert (ticket.title, ticket.kind, ticket.channel, ticket.member_id) == (
        "扣子掉了",
        "question",
        "wecom",
        desk.member,
    )
    assert list(Message.objects.order_by("pk").values_list("side", "channel", "text")) == [
        ("member", "wecom", "扣子掉了\n第二颗"), ("member", "wecom", "[图片]"),
    ]  # fmt: skip
    assert (Attachment.objects.get().upload_id, set(WindowMessage.objects.values_list("text", flat=True))) == (
        file,
        {""},
    )


def test_what_is_done_is_opened_again_what_is_over_begins_anew(talk: Talk):
    desk = talk.desk  # type: ignore[attr-defined]
    wrote(talk, 1, "扣子掉了")
    ticket = Ticket.objects.get()
    move(ticket, "resolve", desk.agent, at=clock.now())
    wrote(talk, 2, "又掉了")
    ticket.refresh_from_db()
    assert (ticket.state, Message.objects.filter(ticket=ticket, side="member").count()) == ("working", 2)
    move(ticket, "withdraw", desk.agent, at=clock.now())
    wrote(talk, 3, "另一件事")
    assert Ticket.objects.count() == 2


def test_answers_go_where_the_member_wrote_last_and_into_the_inbox_always(talk: Talk):
    desk = talk.desk  # type: ignore[attr-defined]
    wrote(talk, 1, "扣子掉了")
    ticket = Ticket.objects.get()
    say(ticket, desk.agent, 1, text="寄一颗给您。", moment=clock.now())
    say(ticket, desk.agent, 2, text="内部", is_internal=True, moment=clock.now())
    deliver()
    deliver()
    ours = WindowMessage.objects.filter(is_ours=True)
    assert list(ours.values_list("text", "state")) == [("寄一颗给您。", "queued")]
    say(ticket, MEMBER, 3, text="谢谢", channel="portal", moment=clock.now())
    say(ticket, desk.agent, 4, text="不客气。", moment=clock.now())
    deliver()
    assert (ours.count(), inbox.find_for_member(member_id=desk.member).count()) == (1, 2)

    other = opened(desk, "question", lines=0, number=5)  # from the portal
    say(other, desk.agent, 6, moment=clock.now())
    deliver()
    assert ours.count() == 1


def test_the_end_asks_there_how_it_went_once(talk: Talk, settings):
    settings.PUBLIC_URL = "https://siyu.example.com"
    wrote(talk, 1, "扣子掉了")
    ticket = Ticket.objects.get()
    move(ticket, "resolve", talk.desk.agent, at=clock.now())  # type: ignore[attr-defined]
    deliver()
    text = WindowMessage.objects.get(is_ours=True).text
    assert "https://siyu.example.com/my/tickets/vote/" in text


def test_who_answers_hears_that_it_did_not_arrive_and_why(talk: Talk):
    desk = talk.desk  # type: ignore[attr-defined]
    wrote(talk, 1, "扣子掉了")
    ticket = Ticket.objects.get()
    say(ticket, desk.agent, 1, moment=clock.now())
    deliver()
    row = WindowMessage.objects.get(is_ours=True)
    assert window_out._fail(row.pk, window_out.OVER, within=("queued",)) == 1
    deliver()
    note = Message.objects.get(is_internal=True)
    assert (note.side, note.text) == (
        "house",
        "有一条回复没有在企业微信送达：距对方最后一次发言已超过48小时。回复仍在对方的站内信中。",
    )
