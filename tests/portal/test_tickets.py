"""After-sales on the phone: asked for, foreseen, sent once, followed, answered, rated; nobody else's."""

import re
from datetime import timedelta

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from apps.core import clock, ids
from apps.members import services as members
from apps.members.models import Upload
from apps.orders.models import Line, Order, Refund
from apps.points.models import Entry as PointsEntry
from apps.stores.models import Role
from apps.tickets import services as tickets
from apps.tickets import votes
from apps.tickets.models import Attachment, Message, Ticket, Vote
from tests.console import world
from tests.pictures_made import PLACE, photo
from tests.points.orders import rule
from tests.portal.doors import browser_of
from tests.tickets import desk as of
from tests.tickets.desk import MEMBER, WAREHOUSE, move

pytestmark = pytest.mark.django_db
NEW, PHOTOS = "/my/tickets/new/", "/my/tickets/photos/"


@pytest.fixture
def desk() -> of.Desk:
    made = of.build(received=clock.now() - timedelta(days=1))
    Line.objects.filter(pk=made.lines[1].pk).update(quantity=4)
    return made


@pytest.fixture
def client(desk: of.Desk) -> Client:
    return browser_of(desk.member)


def stranger() -> Client:
    return browser_of(members.register(source="test", nickname="周远", phone="19900000012"))


def send_photo(client: Client) -> str:
    return client.post(PHOTOS, {"file": SimpleUploadedFile("IMG_1.jpg", photo())}).json()["id"]


def form_of(desk: of.Desk, **more: object) -> tuple[str, dict[str, object]]:
    said = {"token": "t" * 12, "kind": "return", "text": "第二颗扣子掉了。\n找不到。", "line": ["2"], "quantity-2": "1"}
    return f"{NEW}?order={ids.encode('ord', desk.order.pk)}", said | more


def page_of(ticket: Ticket) -> str:
    return f"/my/tickets/{ids.encode('tkt', ticket.pk)}/"


def test_a_part_of_an_order_is_foreseen_with_points_then_sent_once_with_its_photo(client: Client, desk: of.Desk):
    rule("base")
    key = send_photo(client)
    address, form = form_of(desk, photo=[key])
    assert "驼色" not in client.get(address).content.decode()

    seen = client.post(address, form)
    page = seen.content.decode()
    assert (seen.status_code, "¥50.00" in page, "−50" in page) == (
        200,
        True,
        True,
    )  # one of four for ¥200, a point for each yuan
    assert (Ticket.objects.count(), Refund.objects.count(), PointsEntry.objects.filter(amount__lt=0).count()) == (
        0,
        0,
        0,
    )

    first, second = (client.post(address, form | {"send": "1"}) for _twice in range(2))
    ticket = Ticket.objects.get()
    assert first["Location"] == second["Location"] == page_of(ticket)
    held = ticket.lines.get()
    assert (ticket.title, ticket.kind, held.line_id, held.quantity) == (
        "第二颗扣子掉了。",
        "return",
        desk.lines[1].pk,
        1,
    )
    assert (Message.objects.count(), Attachment.objects.count(), Upload.objects.get().expires_at) == (1, 1, None)
    shown = client.get(page_of(ticket)).content.decode()
    assert f"{PHOTOS}{key}.jpg" in shown
    answer = client.get(f"{PHOTOS}{key}.jpg")
    assert (answer.status_code, answer["Content-Type"], PLACE in answer.content) == (200, "image/jpeg", False)


def test_what_is_not_possible_is_said_beforehand_and_nothing_is_kept(client: Client, desk: of.Desk):
    Order.objects.update(received_at=clock.now() - timedelta(days=9))
    address, form = form_of(desk)
    page = client.get(address).content.decode()
    assert len(re.findall(r'value="(?:return|refund|repair|exchange)"[^>]* disabled', page)) == 1
    assert "收货后 7 天内" in page
    for wrong, status in (
        ({}, 409), ({"kind": ""}, 422), ({"kind": "repair", "text": " "}, 422), ({"kind": "repair", "line": []}, 422),
        ({"kind": "repair", "quantity-2": "5"}, 422), ({"kind": "repair", "quantity-2": "0"}, 422),
    ):  # fmt: skip
        for send in ({}, {"send": "1"}):
            answer = client.post(address, form | wrong | send)
            assert (answer.status_code, 'role="alert"' in answer.content.decode()) == (status, True), wrong
    assert client.post(address, form | {"token": ""}).status_code == 404
    assert not Ticket.objects.exists()
    client.post(address, form | {"kind": "repair", "send": "1"})
    assert "已有" in client.get(address).content.decode()  # its line has an open request now
    assert client.post(address, form | {"kind": "exchange", "token": "other-token", "send": "1"}).status_code == 409
    assert Ticket.objects.count() == 1


def test_another_members_order_request_and_photo_are_not_there(client: Client, desk: of.Desk):
    key = send_photo(client)
    address, form = form_of(desk, photo=[key], send="1")
    client.post(address, form)
    ticket = Ticket.objects.get()
    other, page = stranger(), page_of(ticket)
    assert [other.get(one).status_code for one in (address, page, f"{PHOTOS}{key}.jpg")] == [404, 404, 404]
    assert [
        other.post(f"{page}{act}/", {"text": "x", "token": "t" * 12, "move": "withdraw", "score": "5"}).status_code
        for act in ("say", "move", "rate")
    ] == [404, 404, 404]
    # a stranger's file id goes into nobody's ticket
    mine = {"token": "m" * 12, "kind": "question", "text": "在吗", "photo": [key], "send": "1"}
    assert other.post(f"{NEW}?kind=question", mine).status_code == 422
    assert (Ticket.objects.count(), Message.objects.count(), Attachment.objects.count()) == (1, 1, 1)


def test_the_course_is_told_in_the_members_words_and_unread_until_looked_at(client: Client, desk: of.Desk):
    ticket = of.opened(desk, at=clock.now())
    page = page_of(ticket)
    client.get(page)
    assert "something" not in client.get("/my/tickets/").content.decode()
    tickets.say(ticket_id=ticket.pk, by=desk.agent, text="请寄回。", source="a", move="accept")
    tickets.say(ticket_id=ticket.pk, by=desk.agent, text="老顾客", source="b", is_internal=True)
    assert 'class="p-li new"' in client.get("/my/tickets/").content.decode()
    assert 'class="p-li new"' in client.get("/my/me/").content.decode()

    shown = client.get(page).content.decode()

    assert re.findall(r"<h3>(\S+?)<time", shown) == ["同意，请寄回", "您提交了申请"]
    assert ("请寄回。" in shown, "老顾客" in shown) == (True, False)
    assert 'class="p-li new"' not in client.get("/my/tickets/").content.decode()
    say = {"text": "寄出了", "token": "s" * 12}
    client.post(f"{page}say/", say)
    client.post(f"{page}say/", say)
    assert Message.objects.filter(side="member").count() == 2
    assert client.post(f"{page}say/", {"text": " ", "token": "z" * 12}).status_code == 422


def test_the_member_makes_their_own_moves_and_reopens_for_seven_days(client: Client, desk: of.Desk):
    ticket = of.opened(desk, "exchange", at=clock.now())
    page = page_of(ticket)
    client.post(f"{page}move/", {"move": "receive"})  # the warehouse's
    for name, by in (("accept", desk.agent), ("receive", WAREHOUSE), ("send", WAREHOUSE)):
        move(ticket, name, by, at=clock.now())
    assert 'value="deliver"' in client.get(page).content.decode()
    client.post(f"{page}move/", {"move": "deliver"})
    ticket.refresh_from_db()
    assert ticket.state == "resolved"
    assert 'value="reopen"' in client.get(page).content.decode()
    Ticket.objects.update(ended_at=clock.now() - timedelta(days=7, seconds=1))
    assert 'value="reopen"' not in client.get(page).content.decode()
    client.post(f"{page}move/", {"move": "reopen"})
    ticket.refresh_from_db()
    assert ticket.state == "resolved"


def test_one_vote_by_the_link_or_the_page_and_only_after_the_end(client: Client, desk: of.Desk):
    ticket = of.opened(desk, "question", lines=0, at=clock.now())
    link = f"/my/tickets/vote/{votes.token(ticket.pk)}/"
    nobody = Client()
    assert nobody.post(link, {"score": "5"}).status_code == 409
    move(ticket, "resolve", desk.agent, at=clock.now())
    assert nobody.get(link).status_code == 200
    assert nobody.post(link, {"score": "9"}).status_code == 422
    assert not Vote.objects.exists()
    nobody.post(link, {"score": "2", "text": "太慢"})
    nobody.post(link, {"score": "5"})
    client.post(f"{page_of(ticket)}rate/", {"score": "1"})
    assert list(Vote.objects.values_list("score", "text", "channel")) == [(2, "太慢", "link")]
    assert nobody.get(f"{link[:-2]}x/").status_code == 404
    second = of.opened(desk, "question", lines=0, number=2, at=clock.now())
    move(second, "resolve", desk.agent, at=clock.now() - timedelta(days=31))
    assert nobody.post(f"/my/tickets/vote/{votes.token(second.pk)}/", {"score": "5"}).status_code == 409
    third = of.opened(desk, "question", lines=0, number=3, at=clock.now())
    move(third, "withdraw", MEMBER, at=clock.now())
    assert nobody.post(f"/my/tickets/vote/{votes.token(third.pk)}/", {"score": "5"}).status_code == 409
    assert Vote.objects.count() == 1


def test_staff_see_the_photos_of_tickets_they_may_see_and_write_down_a_call(client: Client):
    house = world.build()
    mine = {side: house.members[side].pk for side in ("mine", "far")}
    pages = {}
    for side, member_id in mine.items():
        browser = browser_of(member_id)
        said = {
            "token": f"{side}-token",
            "kind": "question",
            "text": "看图",
            "photo": [send_photo(browser)],
            "send": "1",
        }
        browser.post(f"{NEW}?kind=question", said)
        ticket = Ticket.objects.get(member_id=member_id)
        Ticket.objects.filter(pk=ticket.pk).update(store_id=house.stores[side].pk)
        pages[side] = f"/console/tickets/{ids.encode('tkt', ticket.pk)}/"
    staff = Client()
    world.enter(staff, house.users[Role.MANAGER])
    shot = re.findall(r'src="(/console/tickets/[^"]+\.jpg)"', staff.get(pages["mine"]).content.decode())
    far = Attachment.objects.get(message__ticket__member_id=mine["far"]).upload_id
    assert staff.get(shot[0])["Content-Type"] == "image/jpeg"
    for elsewhere in (pages["mine"], pages["far"]):
        assert staff.get(f"{elsewhere}pictures/{ids.encode('file', far)}.jpg").status_code == 404
    heard = {"text": "来电催", "channel": "phone", "request_key": "heard-on-the-phone"}
    for _twice in range(2):
        staff.post(f"{pages['mine']}log/", heard)
    staff.post(f"{pages['mine']}log/", heard | {"request_key": "short"})
    said = Message.objects.get(text="来电催")
    assert (said.side, said.channel, said.by_id) == ("member", "phone", house.users[Role.MANAGER].staff.pk)
