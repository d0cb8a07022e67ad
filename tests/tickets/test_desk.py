"""The desk's work with many tickets: who can do what and is there, queues, parts, links, what may be changed."""

from datetime import timedelta

import pytest

from apps.core.errors import ValidationFailed
from apps.events.models import Event
from apps.stores.models import Store
from apps.tickets import assigning, joining, queues, upkeep
from apps.tickets import services as tickets
from apps.tickets.errors import WrongTarget
from apps.tickets.joining import Part
from apps.tickets.models import Entry, Link, Ticket
from tests.tickets import desk as of
from tests.tickets.desk import MEMBER, NOON, move, opened, say

pytestmark = pytest.mark.django_db
HOUR = timedelta(hours=1)


def question(desk: of.Desk, number: int) -> Ticket:
    return opened(desk, "question", lines=0, number=number)


def test_a_skill_the_own_load_and_being_away_decide_who_is_given_a_ticket():
    desk = of.build()
    second = of.agent("two")
    assigning.set_card(staff_id=second.pk, skills=["维修"], load=1)
    hard, harder, plain = (question(desk, number) for number in range(10, 13))
    for row in (hard, harder):
        tickets.change(ticket_id=row.pk, values={"skill": "维修"}, by=desk.agent, moment=NOON)
    given = [assigning.give_out(ticket_id=row.pk, moment=NOON) for row in (hard, harder, plain)]
    assert given == [second.pk, None, desk.staff.pk]  # the only one who knows has room for one

    with pytest.raises(ValidationFailed):
        assigning.set_card(staff_id=second.pk, skills=["two words"])
    assigning.set_card(staff_id=desk.staff.pk, skills=["维修"], away_until=NOON + HOUR)
    assigning.set_card(staff_id=second.pk, skills=["维修"], load=5)
    assert upkeep.tick(moment=NOON)["given"] == 2  # who is away keeps nothing that waits for words of ours
    assert set(Ticket.objects.values_list("assignee_id", flat=True)) == {second.pk}
    assert Entry.objects.get(act="spared").ticket_id == plain.pk
    move(plain, "ask", desk.agent)
    assigning.set_card(staff_id=second.pk, skills=[], away_until=NOON + HOUR)
    assigning.set_card(staff_id=desk.staff.pk, skills=["维修"])
    assert upkeep.tick(moment=NOON)["given"] == 2
    plain.refresh_from_db()
    assert plain.assignee_id == second.pk  # it is the member's turn: it stays


def test_the_next_ticket_is_the_more_urgent_then_of_the_higher_tier():
    desk = of.build()
    plain, dear, pressing = (question(desk, number) for number in range(10, 13))
    Ticket.objects.filter(pk=dear.pk).update(tier_rank=3)
    tickets.change(ticket_id=pressing.pk, values={"priority": 1}, by=desk.agent, moment=NOON)
    taken = [assigning.take_next(staff_id=desk.staff.pk, store_ids=None, moment=NOON) for _each in range(4)]
    assert [row and row.pk for row in taken] == [pressing.pk, dear.pk, plain.pk, None]
    assert upkeep.set_rank(member_id=desk.member, rank=2) == 3
    assert upkeep.set_rank(member_id=desk.member, rank=2) == 0


def test_each_queue_holds_what_it_says_most_pressing_first_and_counts_it(django_assert_num_queries):
    desk = of.build()
    colleague, far = of.agent("two"), Store.objects.create(code="FAR", name="FAR")
    mine, theirs, nobodys, waits = (question(desk, number) for number in range(10, 14))
    elsewhere = opened(desk, number=20)
    for row, staff in ((mine, desk.staff), (theirs, colleague), (waits, colleague)):
        assigning.take(ticket_id=row.pk, staff_id=staff.pk, moment=NOON)
    tickets.change(ticket_id=nobodys.pk, values={"priority": 1, "tags": ["x"]}, by=desk.agent, moment=NOON)
    move(waits, "ask", desk.agent)
    Ticket.objects.filter(pk=theirs.pk).update(tier_rank=3)
    tickets.change(ticket_id=elsewhere.pk, values={"store_id": far.pk}, by=desk.agent, moment=NOON)
    done = question(desk, 30)
    move(done, "resolve", desk.agent)

    seen = queues.Desk(stores=None, staff_id=desk.staff.pk, moment=NOON)
    shown = {queue: [row.pk for row in queues.rows(seen, queue)] for queue in queues.ALL}
    assert shown == {
        "mine": [mine.pk], "team": [mine.pk], "pool": [nobodys.pk, elsewhere.pk], "waiting": [waits.pk],
        "late": [nobodys.pk], "vip": [theirs.pk], "done": [done.pk],
        "all": [nobodys.pk, mine.pk, theirs.pk, elsewhere.pk, waits.pk],
    }  # fmt: skip
    assert queues.counts(seen) == {queue: len(rows) for queue, rows in shown.items() if queue != "done"}
    with django_assert_num_queries(1):  # whatever is shown of a row
        assert {(row.member.nickname, bool(row.store), bool(row.assignee)) for row in queues.rows(seen, "all")}
    first = queues.rows(seen, "all", limit=2)
    assert len(first) == 3  # there is more
    rest = queues.rows(seen, "all", after=queues.place(first[1], "all"), limit=9)
    assert [row.pk for row in rest] == shown["all"][2:]
    assert [queues.left(NOON + minutes * HOUR / 60, NOON) for minutes in (0, 30, 31)] == ["missed", "soon", "ok"]
    here = queues.Desk(stores=[far.pk], staff_id=None, moment=NOON)
    assert [row.pk for row in queues.rows(here, "all")] == [elsewhere.pk]
    assert queues.counts(here)["all"] == 1
    assert [row.pk for row in queues.rows(queues.Desk(stores=None, staff_id=None, moment=NOON, tag="x"), "all")] == [
        nobodys.pk
    ]


def test_a_part_of_a_ticket_becomes_one_of_its_own_with_its_words_lines_and_clocks():
    desk = of.build()
    row = opened(desk, lines=2)
    say(row, desk.agent, 1)
    say(row, MEMBER, 2, text="还有一件要换。", moment=NOON + HOUR)
    words = list(row.messages.order_by("pk"))
    part = Part(source="split:1", kind="exchange", title="换货", message_ids=[words[2].pk], line_ids=[desk.lines[1].pk])
    every = Part(source="all", kind="question", title="全部", message_ids=[one.pk for one in words])
    with pytest.raises(ValidationFailed):
        joining.split(ticket_id=row.pk, part=every, by=desk.agent, moment=NOON + HOUR)
    made = joining.split(ticket_id=row.pk, part=part, by=desk.agent, moment=NOON + HOUR)
    assert joining.split(ticket_id=row.pk, part=part, by=desk.agent, moment=NOON + HOUR).pk == made.pk
    assert (made.member_id, made.kind, made.created_at, made.asked_at, made.first_reply_at) == (
        desk.member, "exchange", NOON + HOUR, NOON + HOUR, None,
    )  # fmt: skip
    assert made.first_due_at == NOON + 3 * HOUR
    assert (row.messages.count(), row.lines.get().line_id, made.lines.get().line_id) == (
        2, desk.lines[0].pk, desk.lines[1].pk,
    )  # fmt: skip
    assert (joining.linked(row.pk), joining.linked(made.pk)) == ([made.pk], [row.pk])
    assert Ticket.objects.count() == 2

    assert joining.link(ticket_id=made.pk, other_id=row.pk, by=desk.agent, moment=NOON) is False
    with pytest.raises(WrongTarget):
        joining.link(ticket_id=row.pk, other_id=row.pk, by=desk.agent, moment=NOON)
    joining.unlink(ticket_id=made.pk, other_id=row.pk, by=desk.agent, moment=NOON)
    assert not Link.objects.exists()


def test_every_field_may_be_changed_to_what_fits_it_and_each_change_is_kept():
    desk = of.build()
    row = question(desk, 10)
    values = {
        "priority": 1, "assignee_id": desk.staff.pk, "store_id": None, "kind": "complaint", "skill": "尺码",
        "tags": ["急", "vip", "急"], "attributes": {"batch": "A7"},
    }  # fmt: skip
    tickets.change(ticket_id=row.pk, values=values, by=desk.agent, moment=NOON)
    row.refresh_from_db()
    assert (row.kind, row.skill, row.tags, row.attributes) == ("complaint", "尺码", ["vip", "急"], {"batch": "A7"})
    entry = Entry.objects.get(ticket=row, act="changed")
    assert entry.after == {
        "priority": 1, "assignee_id": desk.staff.pk, "kind": "complaint", "skill": "尺码", "tags": ["vip", "急"],
        "attributes": ["batch"],
    }  # fmt: skip
    before = row.version
    for name, wrong in (
        ("priority", 4), ("assignee_id", 10**6), ("kind", "return"), ("skill", "a b"), ("tags", ["a b"]),
        ("attributes", {"batch": 7}), ("state", "closed"), ("tags", [str(number) for number in range(13)]),
    ):  # fmt: skip
        with pytest.raises(ValidationFailed):
            tickets.change(ticket_id=row.pk, values={name: wrong}, by=desk.agent, moment=NOON)
    tickets.change(ticket_id=row.pk, values={"attributes": {"batch": None}}, by=desk.agent, moment=NOON)
    row.refresh_from_db()
    assert (row.version, row.attributes) == (before + 1, {})
    assert Event.objects.filter(name="ticket.changed").count() == 2
