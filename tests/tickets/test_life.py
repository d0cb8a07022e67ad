"""What each side may do with a ticket, and what is refused without a trace."""

from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction

from apps.core.errors import NotFound, ValidationFailed
from apps.events.models import Event
from apps.members import services as members
from apps.orders.models import Order
from apps.tickets import life
from apps.tickets import services as tickets
from apps.tickets.errors import (
    LineInTicket,
    MoveRefused,
    NotReceived,
    ReopenOver,
    TicketChanged,
    WindowOver,
    WrongTarget,
)
from apps.tickets.models import Entry, Message, Ticket, TicketLine
from apps.tickets.services import NewTicket
from tests.tickets import desk as of
from tests.tickets.desk import MEMBER, NOON, WAREHOUSE, move, opened, say

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)


def test_a_return_goes_its_way_and_each_side_moves_only_what_is_theirs():
    desk = of.build()
    ticket = opened(desk)
    with pytest.raises(MoveRefused) as refusal:
        move(ticket, "accept", MEMBER)
    assert refusal.value.facts["legal_moves"] == ["withdraw"]
    with pytest.raises(MoveRefused) as refusal:
        move(ticket, "merge", desk.agent)  # into nothing: that is an act on two tickets
    assert refusal.value.facts["legal_moves"] == ["take_up", "ask", "withdraw", "refuse", "accept"]
    assert Entry.objects.filter(ticket=ticket).count() == 1

    for name, by in (("take_up", desk.agent), ("ask", desk.agent), ("answer", MEMBER), ("accept", desk.agent)):
        move(ticket, name, by)
    with pytest.raises(MoveRefused) as refusal:
        move(ticket, "refund", tickets.HOUSE)  # the goods have not come
    assert refusal.value.facts["ticket_state"] == "returning"
    move(ticket, "receive", WAREHOUSE)
    move(ticket, "refund", tickets.HOUSE)

    acts = list(Entry.objects.filter(ticket=ticket).order_by("pk").values_list("act", "side", "after__state"))
    assert acts[1:] == [
        ("take_up", "agent", "working"), ("ask", "agent", "waiting"), ("answer", "member", "working"),
        ("accept", "agent", "returning"), ("receive", "warehouse", "arrived"), ("refund", "house", "resolved"),
    ]  # fmt: skip
    assert (ticket.version, TicketLine.objects.get().is_open, ticket.due_at) == (7, False, None)
    with pytest.raises(Exception, match=r"append-only|permission denied"), transaction.atomic():
        Entry.objects.all().delete()


def test_every_state_that_is_open_has_a_way_on_and_every_kind_an_end():
    for kind, moves in life.MOVES.items():
        reached, edge = set(), {life.NEW}
        while edge:
            reached |= edge
            edge = {one.after for one in moves.values() for state in reached if state in one.before} - reached
        assert {life.RESOLVED, life.CLOSED, life.WITHDRAWN, life.MERGED} <= reached, kind
        for state in reached & life.OPEN:
            ends = {one.after for one in moves.values() if state in one.before and one.after != life.MERGED}
            assert ends, (kind, state)
    assert "agent" not in life.MOVES["complaint"]["agree"].by  # a complaint ends when the member agrees


def test_one_open_ticket_for_an_order_line_and_a_new_one_once_it_is_done():
    desk = of.build()
    first = opened(desk)
    assert opened(desk).pk == first.pk  # the same source is the same ticket
    with pytest.raises(LineInTicket):
        opened(desk, "exchange", lines=2, number=2)
    assert Ticket.objects.count() == 1
    other = opened(desk, "question", lines=0, number=7)
    with pytest.raises(IntegrityError, match="tickets_line_open_once"), transaction.atomic():
        TicketLine.objects.create(ticket=other, line=desk.lines[0])

    move(first, "withdraw", MEMBER)
    second = opened(desk, "exchange", lines=2, number=2)
    with pytest.raises(MoveRefused):
        move(first, "reopen", MEMBER)  # withdrawn is withdrawn
    assert TicketLine.objects.filter(is_open=True, ticket=second).count() == 2


def test_windows_count_shop_days_from_the_day_the_goods_came():
    desk = of.build(received=NOON - 7 * DAY - timedelta(hours=11))  # 23 November, 01:00 in the shop
    with pytest.raises(WindowOver) as refusal:
        opened(desk, at=NOON + DAY)
    assert refusal.value.facts["days"] == 7
    Order.objects.filter(pk=desk.order.pk).update(received_at=None)
    with pytest.raises(NotReceived):
        opened(desk)
    with pytest.raises(ValidationFailed):
        opened(desk, lines=0)
    stranger = NewTicket(
        source="s", member_id=desk.member + 1, kind="refund", title="x", text="x", line_ids=[desk.lines[0].pk]
    )
    with pytest.raises(NotFound):
        tickets.open_ticket(stranger, by=MEMBER, moment=NOON)
    assert not Ticket.objects.exists()
    Order.objects.filter(pk=desk.order.pk).update(received_at=NOON - 7 * DAY - timedelta(hours=11))
    assert opened(desk, at=NOON).state == "new"  # the seventh day
    assert opened(desk, "question", lines=0, number=9).order_id is None


def test_what_was_resolved_opens_again_for_seven_days_unless_its_line_is_elsewhere():
    desk = of.build()
    ticket = opened(desk)
    move(ticket, "refuse", desk.agent)
    with pytest.raises(ReopenOver):
        move(ticket, "reopen", MEMBER, at=NOON + 7 * DAY + timedelta(seconds=1))
    opened(desk, "repair", number=2)
    with pytest.raises(LineInTicket):
        move(ticket, "reopen", MEMBER, at=NOON + DAY)
    ticket.refresh_from_db()
    assert ticket.state == "resolved"
    move(Ticket.objects.get(source="test:2"), "withdraw", MEMBER)
    move(ticket, "reopen", MEMBER, at=NOON + 7 * DAY)
    assert (ticket.state, ticket.ended_at) == ("working", None)


def test_words_of_a_member_are_never_said_into_what_has_ended():
    desk = of.build()
    done, given_up, gone, kept = (opened(desk, "question", lines=0, number=number) for number in range(1, 5))
    move(done, "resolve", desk.agent)
    say(done, desk.agent, 1, text="不客气。", moment=NOON + DAY)  # a last word of ours opens nothing
    assert done.state == "resolved"
    say(done, MEMBER, 2, text="还是不行。", moment=NOON + DAY)
    assert (done.state, done.ended_at, done.asked_at, done.due_at is None) == ("working", None, NOON + DAY, False)
    move(done, "resolve", desk.agent, at=NOON + DAY)
    move(given_up, "withdraw", MEMBER)
    for row, refusal in ((done, ReopenOver), (given_up, MoveRefused)):
        with pytest.raises(refusal):
            say(row, MEMBER, 3, moment=NOON + 9 * DAY)
    assert Message.objects.filter(source__endswith=":3").count() == 0
    tickets.merge(ticket_id=gone.pk, into_id=kept.pk, by=desk.agent, moment=NOON)
    for _again in range(2):
        say(gone, MEMBER, 4, text="另外还有一件。")
    assert Message.objects.get(text="另外还有一件。").ticket_id == kept.pk


def test_a_stale_page_changes_nothing_and_words_are_never_lost():
    desk = of.build()
    ticket = opened(desk)
    seen = ticket.version
    tickets.change(ticket_id=ticket.pk, values={"priority": 1}, by=desk.agent, version=seen, moment=NOON)
    with pytest.raises(TicketChanged) as refusal:
        tickets.change(ticket_id=ticket.pk, values={"priority": 3}, by=desk.agent, version=seen, moment=NOON)
    with pytest.raises(TicketChanged):
        tickets.move(ticket_id=ticket.pk, move="take_up", by=desk.agent, version=seen, moment=NOON)
    assert refusal.value.facts["version"] == seen + 1
    say(ticket, desk.agent, 1)
    say(ticket, desk.agent, 1)  # a repeat
    say(ticket, desk.agent, 2, is_internal=True)
    assert (ticket.priority, Message.objects.count(), Message.objects.filter(is_internal=True).count()) == (1, 3, 1)
    changed = Entry.objects.get(ticket=ticket, act="changed")
    assert (changed.before, changed.after, changed.by_id) == ({"priority": 2}, {"priority": 1}, desk.staff.pk)


def test_merged_tickets_bring_their_words_and_lines_and_are_due_no_more():
    desk = of.build()
    kept, gone = opened(desk, "question", lines=0), opened(desk, number=2, at=NOON - DAY)
    say(gone, MEMBER, 1)
    tickets.merge(ticket_id=gone.pk, into_id=kept.pk, by=desk.agent, moment=NOON)
    gone.refresh_from_db()
    kept.refresh_from_db()
    assert (gone.state, gone.into_id, gone.due_at, kept.asked_at) == ("merged", kept.pk, None, NOON - DAY)
    assert (kept.messages.count(), kept.lines.get(is_open=True).line_id) == (3, desk.lines[0].pk)
    stranger = NewTicket(
        source="stranger",
        member_id=members.register(source="test", nickname="沈", phone=""),
        kind="question",
        title="x",
        text="x",
    )
    theirs = tickets.open_ticket(stranger, by=MEMBER, moment=NOON)
    for into in (gone, theirs, kept):
        with pytest.raises(WrongTarget):
            tickets.merge(ticket_id=kept.pk, into_id=into.pk, by=desk.agent, moment=NOON)


def test_two_hundred_at_once_have_a_result_each():
    desk = of.build()
    ticket = opened(desk)
    acted = tickets.bulk(
        ticket_ids=[ticket.pk, ticket.pk + 1],
        act=lambda key: tickets.move(ticket_id=key, move="take_up", by=desk.agent, moment=NOON),
    )
    assert [(key, refused and refused.code) for key, refused in acted] == [
        (ticket.pk, None),
        (ticket.pk + 1, "not_found"),
    ]
    with pytest.raises(ValidationFailed):
        tickets.bulk(ticket_ids=range(201), act=lambda _key: None)
    assert Event.objects.filter(name="ticket.moved").count() == 1
