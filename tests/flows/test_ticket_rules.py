"""Macros and automations: shown before, all or nothing, once for a fact, loops stopped."""

from datetime import datetime, timedelta

import pytest

from apps.core import clock
from apps.core.errors import ValidationFailed
from apps.core.models import AuditEntry
from apps.events.models import Event
from apps.flows import services as delivery
from apps.flows import ticket_automations, ticket_macros, ticket_texts, ticket_work
from apps.followups.models import Task
from apps.tickets import assigning, automations, macros, upkeep
from apps.tickets import services as tickets
from apps.tickets.errors import MoveRefused, TicketChanged
from apps.tickets.models import Automation, AutomationRun, Entry, MacroUse, Message, Ticket
from tests.tickets import desk as of
from tests.tickets.desk import MEMBER, NOON, opened, say

pytestmark = pytest.mark.django_db


def question(desk: of.Desk, number: int = 10) -> Ticket:
    return opened(desk, "question", lines=0, number=number)


def automation(name: str, trigger: str, actions: list, conditions: list | None = None, **more: object) -> Automation:
    return automations.save(
        automation_id=None, name=name, trigger=trigger, conditions=conditions or [], actions=actions, **more
    )


def delivered(name: str) -> None:
    for event in Event.objects.filter(name=name, finished_at=None).order_by("pk"):
        ticket_automations.run(event)


def test_a_macro_shows_what_it_will_do_and_then_does_all_of_it_once():
    desk = of.build()
    row = question(desk)
    done = [
        {"kind": "tag", "add": ["尺码"]}, {"kind": "assign", "to": "me"}, {"kind": "priority", "value": 1},
        {"kind": "reply", "text": "{{ nickname }}您好，请稍候。"}, {"kind": "move", "move": "ask"},
    ]  # fmt: skip
    macro = macros.save(macro_id=None, name="请稍候", kinds=["question"], actions=done)
    look = ticket_macros.preview(ticket_id=row.pk, macro_id=macro.pk, by=desk.agent)
    row.refresh_from_db()
    assert (row.version, row.tags, row.messages.count(), Event.objects.filter(name="ticket.said").count()) == (
        1,
        [],
        1,
        0,
    )

    ran = [ticket_macros.run(ticket_id=row.pk, macro_id=macro.pk, by=desk.agent, key="k", version=1) for _each in "ab"]
    row.refresh_from_db()
    assert (ran, row.tags, row.assignee_id, row.priority, row.state) == (
        [True, False], ["尺码"], desk.staff.pk, 1, "waiting",
    )  # fmt: skip
    said = list(Message.objects.filter(ticket=row).order_by("pk").values_list("text", "is_internal"))[1:]
    assert tuple(said) == look.said == (("林您好，请稍候。", False),)
    assert [one.act for one in look.entries] == list(
        Entry.objects.filter(ticket=row).order_by("pk").values_list("act", flat=True)
    )[1:]
    assert (MacroUse.objects.get().times, [one.pk for one in macros.for_ticket(row)]) == (1, [macro.pk])
    with pytest.raises(TicketChanged):
        ticket_macros.run(ticket_id=row.pk, macro_id=macro.pk, by=desk.agent, key="other", version=1)

    for name, by in (("answer", MEMBER), ("resolve", desk.agent)):
        tickets.move(ticket_id=row.pk, move=name, by=by)
    before = Message.objects.count()
    with pytest.raises(MoveRefused):  # the last act fails: none of it stays
        ticket_macros.run(ticket_id=row.pk, macro_id=macro.pk, by=desk.agent, key="third")
    assert Message.objects.count() == before


def test_what_cannot_be_done_or_said_is_refused_when_it_is_written():
    wrong = (
        [], [{"kind": "reply"}], [{"kind": "move", "move": "refund"}], [{"kind": "priority", "value": 9}],
        [{"kind": "skill", "value": "a b"}], [{"kind": "assign_to", "staff": 10**9}],
    )  # fmt: skip
    for actions in wrong:
        with pytest.raises(ValidationFailed):
            macros.save(macro_id=None, name="x", kinds=[], actions=actions)
    with pytest.raises(ValidationFailed):  # nobody presses it
        automation("x", "opened", [{"kind": "assign", "to": "me"}])
    with pytest.raises(ValidationFailed):
        automation("x", "opened", [{"kind": "note", "text": "x"}], [{"kind": "weather", "values": ["wet"]}])
    with pytest.raises(ValidationFailed):
        ticket_texts.check([{"kind": "reply", "text": "{{ nobody_knows }}"}])
    desk = of.build()
    fill = ticket_texts.filler(question(desk))
    with pytest.raises(ValidationFailed):
        fill("券：{{ coupon }}")  # the member has none
    assert not Automation.objects.exists()


def test_an_automation_runs_on_what_fits_once_for_a_fact_and_its_words_answer_no_promise():
    desk = of.build()
    row, other = question(desk, 10), opened(desk, number=11)
    rule = automation(
        "扣子", "opened",
        [{"kind": "attribute", "name": "part", "value": "扣子"}, {"kind": "skill", "value": "维修"},
         {"kind": "tag", "add": ["扣子"]}, {"kind": "reply", "text": "收到。"}],
        [{"kind": "text", "values": ["扣子"]}, {"kind": "kind", "values": ["return"]},
         {"kind": "tag", "values": ["急"], "not": True}, {"kind": "tier", "least": 0}],
    )  # fmt: skip
    for _twice in range(2):
        delivered("ticket.opened")
    row.refresh_from_db()
    other.refresh_from_db()
    assert (row.tags, other.tags, other.skill, other.attributes) == ([], ["扣子"], "维修", {"part": "扣子"})
    assert (other.first_reply_at, other.messages.count()) == (None, 2)
    run = AutomationRun.objects.get()
    assert (run.automation_id, run.ticket_id, run.outcome) == (rule.pk, other.pk, "done")
    automations.save(automation_id=rule.pk, name="扣子", trigger="moved", conditions=[], actions=rule.actions)
    changed = AuditEntry.objects.filter(object_type="tickets_automation").latest("pk")
    assert (changed.before["trigger"], changed.after["trigger"]) == ("opened", "moved")


def test_automations_that_lead_to_each_other_stop_and_the_stop_is_listed():
    desk = of.build()
    row = question(desk)
    automation("升", "changed", [{"kind": "priority", "value": 1}], [{"kind": "priority", "values": ["2", "3"]}])
    automation("降", "changed", [{"kind": "priority", "value": 3}], [{"kind": "priority", "values": ["1"]}], position=1)
    refused = automation("收货", "opened", [{"kind": "move", "move": "receive"}])
    delivered("ticket.opened")
    assert AutomationRun.objects.get(automation=refused).reason == "ticket_move_refused"

    tickets.change(ticket_id=row.pk, values={"priority": 3}, by=desk.agent)
    for _round in range(12):
        for event in Event.objects.filter(finished_at=None, lane=f"member:{desk.member}").order_by("pk"):
            delivery.deliver(event_id=event.pk)
    assert not Event.objects.filter(finished_at=None, name__startswith="ticket.").exists()
    outcomes = list(AutomationRun.objects.exclude(automation=refused).values_list("outcome", flat=True))
    assert 1 <= outcomes.count("loop") <= 4
    assert len(outcomes) < 12
    held = Automation.objects.get(name="升")
    for number in range(automations.A_DAY):
        AutomationRun.objects.create(automation=held, ticket=row, cause=f"x{number}", outcome="done")
    assert automations.stop(held, ticket_id=row.pk, chain=(), moment=AutomationRun.objects.latest("pk").at) == "brake"
    with pytest.raises(Exception, match=r"append-only|permission denied"):
        AutomationRun.objects.all().delete()


def test_a_missed_promise_becomes_a_task_of_the_store_once():
    desk = of.build()
    row = question(desk)
    tickets.change(ticket_id=row.pk, values={"store_id": desk.store.pk}, by=desk.agent, moment=NOON)
    upkeep.miss(moment=NOON.replace(hour=9))
    fact = Event.objects.get(name="ticket.missed")
    for _twice in range(2):
        ticket_work.tell_store(fact)
    task = Task.objects.get()
    assert (task.store_id, task.member_id, task.priority, str(row) in task.title) == (
        desk.store.pk, desk.member, 1, True,
    )  # fmt: skip
    say(row, desk.agent, 1, move="resolve")
    ticket_work.tell_store(fact)
    assert Task.objects.count() == 1


def test_an_answer_is_given_in_the_language_that_the_member_writes():
    desk = of.build()
    done = [{"kind": "reply", "text": "您好，请稍候。", "text_en": "Hello {{ nickname }}, one moment."}]
    macro = macros.save(macro_id=None, name="请稍候", kinds=[], actions=done)
    row = question(desk)
    for number, (words, answer) in enumerate(
        [
            ("123", "您好，请稍候。"),
            ("Is it OK?", "Hello 林, one moment."),
            ("??", "Hello 林, one moment."),
            ("OK 好的", "您好，请稍候。"),
        ]
    ):
        say(row, MEMBER, number, text=words)
        look = ticket_macros.preview(ticket_id=row.pk, macro_id=macro.pk, by=desk.agent)
        assert look.said == ((answer, False),), words
    with pytest.raises(ValidationFailed) as refused:
        ticket_texts.check([{"kind": "reply", "text": "好", "text_en": "{{ nothing }}"}])
    assert [one["pointer"] for one in refused.value.facts["errors"]] == ["/actions/0/text_en"]


def test_a_promise_that_is_near_is_told_to_whoever_has_the_ticket_until_they_answer():
    desk = of.build()
    row = question(desk)
    assigning.take(ticket_id=row.pk, staff_id=desk.staff.pk, moment=NOON)
    row.refresh_from_db()

    def warned(at: datetime) -> None:
        upkeep.tick(moment=at)
        for event in Event.objects.filter(name="ticket.due_soon"):
            ticket_work.tell_agent(event)

    with clock.frozen(NOON):
        warned(row.due_at - timedelta(minutes=31))
        assert not Task.objects.exists()
        warned(row.due_at - timedelta(minutes=30))
        warned(row.due_at - timedelta(minutes=29))
        task = Task.objects.get()
        assert (task.assignee_id, task.due_at, task.member_id, str(row) in task.title) == (
            desk.staff.pk, row.due_at, desk.member, True,
        )  # fmt: skip
        say(row, desk.agent)
        for event in Event.objects.filter(name="ticket.said"):
            ticket_work.call_off(event)
        task.refresh_from_db()
        assert task.state == "cancelled"
        Task.objects.update(source="another")  # so that only the answer stands in the way
        for event in Event.objects.filter(name="ticket.due_soon"):  # delivered late: it is answered
            ticket_work.tell_agent(event)
        assert Task.objects.count() == 1
