"""The service desk on pages: from a phone call to money back."""

from datetime import timedelta

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from apps.community.models import Contact, ServiceAccount, Talk
from apps.core import brand, clock, ids
from apps.events.models import Event
from apps.flows import services as delivery
from apps.members import selectors as members
from apps.orders import services as orders
from apps.orders.models import Order, Refund
from apps.stores import calendars
from apps.stores.models import Role, Store
from apps.tickets import joining
from apps.tickets import services as tickets
from apps.tickets.models import Amends, Attachment, Entry, Macro, Message, Ticket
from tests.console import world
from tests.pictures_made import drawn

pytestmark = pytest.mark.django_db


def test_an_agent_takes_a_call_answers_and_gives_money_back_after_seeing_what_will_happen(client: Client):
    house = world.build()
    member = house.members["mine"]
    order = orders.record(
        source="desk", order_no="D1", member_id=member.pk, total_cents=9_900, store_id=house.stores["mine"].pk,
        lines=[orders.NewLine(product_id=None, total_cents=9_900)],
    )  # fmt: skip
    orders.mark_paid(order_id=order.pk)
    line = order.lines.get()
    world.enter(client, house.users[Role.AGENT])
    start = f"/console/members/{ids.encode(members.PREFIX, member.pk)}/ticket/"
    assert "D1" in client.get(start).content.decode()
    said = {
        "kind": "refund", "title": "尺码不对", "text": "想退款。", "channel": "phone", "priority": "2",
        "request_key": "once-and-only-1",
    }  # fmt: skip
    assert client.post(start, said).status_code == 422  # no line
    answers = [client.post(start, said | {"lines": [line.pk]}) for _twice in range(2)]
    ticket = Ticket.objects.get()
    page = f"/console/tickets/{ids.encode('tkt', ticket.pk)}/"
    assert [answer["Location"] for answer in answers] == [page, page]
    assert "尺码不对" in client.get("/console/tickets/?show=pool").content.decode()

    client.post(f"{page}take/")
    client.post(f"{page}say/", {"text": "好的，马上办。", "move": "take_up", "request_key": "answer-number-1"})
    client.post(f"{page}say/", {"text": "老顾客。", "is_internal": "on", "request_key": "answer-number-2"})
    client.post(f"{page}change/", {"priority": "1", "version": "1"})  # a page of long ago
    ticket.refresh_from_db()
    assert (ticket.state, ticket.priority, ticket.assignee_id, Message.objects.count()) == (
        "working", 2, house.users[Role.AGENT].staff.pk, 3,
    )  # fmt: skip

    amount = {f"line_{line.pk}": "50.00", "reason": "尺码"}
    look = client.post(f"{page}refund/", amount).content.decode()
    assert ("50.00" in look, 'name="do"' in look, Refund.objects.count()) == (True, True, 0)
    client.post(f"{page}refund/", amount | {"do": "1"})
    ticket.refresh_from_db()
    assert (Refund.objects.get().amount_cents, ticket.state) == (5_000, "resolved")
    assert client.get("/console/tickets/?show=done").content.decode().count("尺码不对") == 1


def a_ticket(house: world.House, where: str = "mine", number: int = 1) -> Ticket:
    member = house.members[where]
    wanted = tickets.NewTicket(
        source=f"t:{number}", member_id=member.pk, kind="question", title=f"问题{number}", text="在吗？",
        store_id=house.stores[where].pk,
    )  # fmt: skip
    return tickets.open_ticket(wanted, by=tickets.Actor("member"))


def test_words_and_changes_of_two_people_at_once_meet_in_a_view_that_loses_neither(client: Client):
    house = world.build()
    row = a_ticket(house)
    page = f"/console/tickets/{ids.encode('tkt', row.pk)}/"
    world.enter(client, house.users[Role.AGENT])
    seen = row.messages.get().pk
    manager = tickets.Actor("store", house.users[Role.MANAGER].staff.pk)
    tickets.say(ticket_id=row.pk, by=manager, text="我来处理。", source="m:1")
    mine = {"text": "您好，马上查。", "request_key": "draft-number-1", "seen": str(seen)}
    clash = client.post(f"{page}say/", mine)
    text = clash.content.decode()
    assert (clash.status_code, "我来处理。" in text, "您好，马上查。" in text, Message.objects.count()) == (
        412,
        True,
        True,
        2,
    )
    newest = row.messages.order_by("-pk")[0].pk
    assert f'name="seen" value="{newest}"' in text
    sent = [client.post(f"{page}say/", mine | {"seen": str(newest)}).status_code for _twice in range(2)]
    assert (sent, Message.objects.count()) == ([302, 302], 3)

    tickets.change(ticket_id=row.pk, values={"priority": 1}, by=manager)
    stale = {"version": str(row.version), "entry": "0", "tags": "急 尺码", "priority": "3"}
    clash = client.post(f"{page}change/", stale)
    text = clash.content.decode()
    row.refresh_from_db()
    assert (clash.status_code, row.priority, row.tags, 'value="急 尺码"' in text) == (412, 1, [], True)
    assert "普通 → 紧急" in text or "Normal → Urgent" in text
    client.post(f"{page}change/", stale | {"version": str(row.version)})
    row.refresh_from_db()
    assert (row.priority, row.tags) == (3, ["尺码", "急"])


def test_many_are_done_at_once_each_with_a_result_and_none_of_another_store(client: Client):
    house = world.build()
    rows = [a_ticket(house, "mine", 1), a_ticket(house, "mine", 2), a_ticket(house, "far", 3)]
    tickets.move(ticket_id=rows[1].pk, move="take_up", by=tickets.Actor("agent"))
    world.enter(client, house.users[Role.MANAGER])
    chosen = [ids.encode("tkt", row.pk) for row in rows]
    answer = client.post("/console/tickets/bulk/?show=all", {"ticket": chosen, "do": "move:take_up"})
    assert answer.status_code == 200
    assert [(one and one.pk, refused and refused.code) for one, _key, refused in answer.context["results"]] == [
        (rows[1].pk, "ticket_move_refused"), (None, "not_found"), (rows[0].pk, None),
    ]  # fmt: skip
    assert 'href="/console/tickets/?show=all" hidden' in answer.content.decode()  # "look again" leads to the queue
    assert list(Ticket.objects.order_by("pk").values_list("state", flat=True)) == ["working", "working", "new"]
    assert client.post("/console/tickets/bulk/", {"ticket": chosen[:1] * 201, "do": "take"}).status_code == 422


def test_goods_go_to_a_warehouse_whose_people_take_them_in_and_decide_nothing(client: Client):
    house = world.build()
    order = house.orders["mine"]
    Order.objects.filter(pk=order.pk).update(received_at=clock.now())
    wanted = tickets.NewTicket(
        source="t:1",
        member_id=order.member_id,
        kind="return",
        title="退",
        text="不要了。",
        line_ids=[order.lines.get().pk],
    )
    row = tickets.open_ticket(wanted, by=tickets.Actor("member"))
    depot = Store.objects.create(code="W1", name="一号仓", is_warehouse=True)
    far = house.stores["far"].pk
    page = f"/console/tickets/{ids.encode('tkt', row.pk)}/"

    def change(**values: object) -> str:
        row.refresh_from_db()
        answer = client.post(f"{page}change/", {"version": row.version} | values)
        row.refresh_from_db()
        return str(answer.headers.get("Location"))

    world.enter(client, house.users[Role.MANAGER])
    change(kind="exchange", store=str(far))  # the other region's store is not hers to choose
    assert (row.kind, row.store_id) == ("return", house.stores["mine"].pk)
    client.post(f"{page}move/", {"version": row.version, "move": "accept"})
    change(kind="refund", store=str(depot.pk))  # on its way back it cannot become another kind
    assert (row.kind, row.state, row.store_id) == ("return", "returning", house.stores["mine"].pk)
    assert change(store=str(depot.pk)) == "/console/tickets/"  # where it went she sees it no more
    assert (row.store_id, client.get(page).status_code) == (depot.pk, 404)

    clerk = house.users[Role.CLERK]
    clerk.staff.__class__.objects.filter(user=clerk).update(store=depot)
    world.enter(client, clerk)
    assert [name for name, _label in client.get(page).context["moves"]] == ["receive"]
    for name, state in (
        ("refuse", "returning"),
        ("receive", "arrived"),
        ("refuse", "arrived"),
        ("send_back", "working"),
    ):
        row.refresh_from_db()
        client.post(f"{page}move/", {"version": row.version, "move": name})
        row.refresh_from_db()
        assert row.state == state
    assert Entry.objects.get(ticket=row, act="receive").side == "warehouse"


def test_other_promises_set_the_clocks_of_open_tickets_and_a_wrong_one_changes_nothing(client: Client):
    house = world.build()
    row = a_ticket(house)
    page = "/console/tickets/promises/"
    world.enter(client, house.users[Role.MANAGER])
    assert client.get(page).status_code == 403
    world.enter(client, house.users[Role.ADMIN])
    form = client.get(page).context["form"]
    said = {name: form[name].value() for name in form.fields}
    assert (said["first_2"], said["days_return"], said["escalate"]) == (120, 7, "notify")
    assert client.post(page, said | {"first_2": "60", "warn": "2000"}).status_code == 422
    assert brand.read("tickets.targets")["2"]["first"] == 120
    assert client.post(page, said).status_code == 302
    assert not Event.objects.filter(name="promises.changed").exists()  # nothing was different
    client.post(page, said | {"first_2": "60", "days_return": "14", "raised": "0"})
    assert (brand.read("tickets.windows")["return"], brand.read("tickets.raise_minutes")) == (14, 0)
    delivery.deliver(event_id=Event.objects.get(name="promises.changed").pk)
    before = row.first_due_at
    row.refresh_from_db()
    assert row.first_due_at == calendars.of_store(row.store_id).after(row.created_at, timedelta(hours=1)) < before


def test_macros_and_automations_are_written_shown_and_used_on_pages(client: Client):
    house = world.build()
    world.enter(client, house.users[Role.ADMIN])
    start = "/console/tickets/rules/"
    said = {"name": "道歉", "reply": "{{ nickname }}，抱歉久等。", "add": "道歉", "is_active": "on"}
    assert client.post(f"{start}macro/new/", said | {"reply": "{{ nothing }}"}).status_code == 422
    assert client.post(f"{start}macro/new/", said)["Location"] == start
    when = {"name": "急件", "trigger": "opened", "position": "0", "text": "着急", "priority": "1", "is_active": "on"}
    assert client.post(f"{start}automation/new/", when)["Location"] == start
    text = client.get(start).content.decode()
    assert ("抱歉久等" in text, "着急" in text) == (True, True)
    macro = Macro.objects.get()
    edit = f"{start}macro/{ids.encode('tmc', macro.pk)}/"
    client.post(edit, said | {"name": "道歉二"})
    assert "道歉二" in client.get(edit).content.decode()

    row = a_ticket(house)
    page = f"/console/tickets/{ids.encode('tkt', row.pk)}/"
    assert "沈mine，抱歉久等。" in client.get(page).content.decode()  # ready to be sent
    look = client.post(f"{page}macro/", {"macro": str(macro.pk)}).content.decode()
    assert (look.count("沈mine，抱歉久等。") >= 2, Message.objects.count()) == (True, 1)
    client.post(f"{page}macro/", {"macro": str(macro.pk), "do": "1", "version": "1", "request_key": "press-number-1"})
    row.refresh_from_db()
    assert (row.tags, Message.objects.latest("pk").text) == (["道歉"], "沈mine，抱歉久等。")
    left = {"text": "{{ coupon }}", "request_key": "press-number-2", "seen": "999999"}
    assert client.post(f"{page}say/", left).status_code == 422
    client.post(f"{page}amends/", {"points": "50", "reason": "等了太久", "request_key": "press-number-3"})
    assert Amends.objects.get(ticket=row).worth == 50
    assert client.get(page).status_code == 200


def test_the_side_panel_costs_the_same_whatever_the_member_did(
    client: Client,
):
    house = world.build()
    row = a_ticket(house)
    page = f"/console/tickets/{ids.encode('tkt', row.pk)}/"
    world.enter(client, house.users[Role.AGENT])

    def live(number: int) -> None:
        a_ticket(house, "mine", number)
        tickets.say(ticket_id=row.pk, by=tickets.Actor("member"), text="在吗？", source=f"again:{number}")
        joining.link(ticket_id=row.pk, other_id=Ticket.objects.latest("pk").pk, by=tickets.HOUSE)
        lines = [orders.NewLine(product_id=None, total_cents=100)]
        orders.record(source="desk", order_no=f"D{number}", member_id=row.member_id, total_cents=100, lines=lines)

    live(2)
    with CaptureQueriesContext(connection) as once:
        client.get(page)
    for number in range(3, 7):
        live(number)
    with CaptureQueriesContext(connection) as often:
        text = client.get(page).content.decode()
    assert "199****0001" in text
    assert "19900000001" not in text
    assert len(often) == len(once) <= 39


def test_another_stores_ticket_is_not_there(client: Client):
    house = world.build()
    far = Ticket.objects.create(
        member=house.members["far"], store=house.stores["far"], kind="question", title="远处的事", source="x"
    )
    world.enter(client, house.users[Role.MANAGER])
    page = f"/console/tickets/{ids.encode('tkt', far.pk)}/"
    assert [client.get(page).status_code, client.post(f"{page}take/").status_code] == [404, 404]
    assert "远处的事" not in client.get("/console/tickets/").content.decode()
    far.refresh_from_db()
    assert far.assignee_id is None


def test_a_ticket_is_found_by_its_number_by_whoever_may_see_it(client: Client):
    house = world.build()
    mine, far = a_ticket(house), a_ticket(house, "far", 2)
    world.enter(client, house.users[Role.MANAGER])

    def found(text: str) -> list[bool]:
        page = client.post("/console/find/", {"q": text}).content.decode()
        return [ids.encode("tkt", row.pk) in page for row in (mine, far)]

    assert [found(str(mine)), found(f"#{mine.pk}"), found(str(far)), found(f"20200101-{mine.pk}")] == [
        [True, False], [True, False], [False, False], [False, False],
    ]  # fmt: skip


def test_staff_send_pictures_with_an_answer_never_with_a_note(client: Client):
    house = world.build()
    row = a_ticket(house)
    page = f"/console/tickets/{ids.encode('tkt', row.pk)}/"
    world.enter(client, house.users[Role.AGENT])

    def sent(key: str, content: bytes, **more: str) -> int:
        photo = SimpleUploadedFile("../a.jpg", content, content_type="image/jpeg")
        return client.post(f"{page}say/", {"text": "", "request_key": key, "photos": photo, **more}).status_code

    assert sent("with-a-picture-1", b"MZ no picture") == 415
    assert sent("with-a-picture-2", drawn(size=(16, 16)), text="内部", is_internal="on") == 422
    assert (Message.objects.count(), Attachment.objects.count()) == (1, 0)
    assert sent("with-a-picture-3", drawn(size=(16, 16))) == 302
    held = Attachment.objects.get()
    assert (held.message.side, held.message.is_internal, held.upload.member_id) == ("agent", False, row.member_id)
    assert "data-photo href" in client.get(page).content.decode()
    paper = b"%PDF-1.7\n1 0 obj\n<< /Type /Page >>\nendobj\ntrailer\n<< >>\nstartxref\n0\n%%EOF\n"
    assert sent("with-a-paper-1", paper.replace(b"Type", b"JavaScript")) == 415
    assert sent("with-a-paper-2", paper) == 302
    held = Attachment.objects.latest("pk")
    assert held.message.text == "[文件]"
    answer = client.get(f"{page}pictures/{ids.encode('file', held.upload_id)}.jpg")
    assert (answer["Content-Type"], answer["Content-Disposition"].split(";")[0], answer.content) == (
        "application/pdf", "attachment", paper,
    )  # fmt: skip


def test_an_answer_says_beforehand_by_which_ways_it_goes(client: Client):
    house = world.build()
    row = a_ticket(house)
    page = f"/console/tickets/{ids.encode('tkt', row.pk)}/"
    world.enter(client, house.users[Role.AGENT])
    assert "不在企业微信" not in client.get(page).content.decode()
    tickets.say(ticket_id=row.pk, by=tickets.Actor("member"), text="在吗？", source="kf:1", channel="wecom")
    assert "企业微信不再送达：48小时已过" in client.get(page).content.decode()
    moment = clock.now()
    contact = Contact.objects.create(external_userid="wm1", member_id=row.member_id, first_at=moment, seen_at=moment)
    account = ServiceAccount.objects.create(open_kfid="wk1")
    talk = Talk.objects.create(contact=contact, account=account, last_in_at=moment, sent=3)
    assert "同时发到企业微信：还可回复2条" in client.get(page).content.decode()
    Talk.objects.filter(pk=talk.pk).update(sent=5)
    assert "对方再次发言后才会发到企业微信" in client.get(page).content.decode()
