"""What members hear of their tickets, and complaints that are followed until the member agrees."""

import pytest

from apps.core import clock
from apps.events.models import Event
from apps.flows import services as delivery
from apps.followups import services as followups
from apps.followups.models import Task
from apps.followups.services import By
from apps.gateways import inbox
from apps.tickets import votes
from apps.tickets.models import Ticket
from tests.tickets import desk as of
from tests.tickets.desk import MEMBER, opened, say

pytestmark = pytest.mark.django_db


def deliver() -> None:
    for event in Event.objects.filter(finished_at=None).order_by("pk"):
        delivery.deliver(event_id=event.pk)


def step(ticket: Ticket, name: str, by: of.Actor) -> None:
    of.move(ticket, name, by, at=clock.now())
    deliver()


def test_answers_and_steps_come_into_the_inbox_once_and_notes_among_staff_never():
    desk = of.build()
    ticket = opened(desk)
    say(ticket, MEMBER)
    say(ticket, desk.agent, 2, text="内部", is_internal=True)
    say(ticket, desk.agent, 3, text="请寄回。", move="accept")
    deliver()
    deliver()
    letters = list(inbox.find_for_member(member_id=desk.member).order_by("pk").values_list("title", "body"))
    assert letters == [("“扣子掉了”有新进展", "请寄回。")]
    step(ticket, "receive", of.WAREHOUSE)
    newest = inbox.find_for_member(member_id=desk.member)[0]
    assert (newest.body, newest.key.split(":")[:2]) == ("已收到您寄回的商品，正在查看。", ["ticket", str(ticket.pk)])


def test_a_complaint_is_asked_about_again_until_the_member_agrees():
    desk = of.build()
    ticket = opened(desk, "complaint", lines=0)
    step(ticket, "offer", desk.agent)
    first = Task.objects.get()
    assert (first.member_id, first.state, round((first.due_at - clock.now()).total_seconds() / 3600)) == (
        desk.member,
        "open",
        48,
    )
    by = By(staff_id=desk.staff.pk, may_manage=True)
    followups.complete(task_id=first.pk, outcome="not_reached", evidence="", by=by)
    deliver()
    second = Task.objects.exclude(pk=first.pk).get()
    assert second.state == "open"
    step(ticket, "disagree", MEMBER)
    step(ticket, "offer", desk.agent)
    assert list(Task.objects.order_by("pk").values_list("state", flat=True)) == ["done", "cancelled", "open"]
    last = Task.objects.get(state="open")
    of.move(ticket, "agree", MEMBER, at=clock.now())
    followups.complete(task_id=last.pk, outcome="not_reached", evidence="", by=by)  # before that is told
    deliver()
    assert not Task.objects.filter(state="open").exists()
    assert inbox.find_for_member(member_id=desk.member)[0].title == "“扣子掉了”已完成"


def test_who_was_not_content_is_called_once():
    desk = of.build()
    for number, score in ((1, 2), (2, 3)):
        ticket = opened(desk, "question", lines=0, number=number)
        step(ticket, "resolve", desk.agent)
        votes.cast(ticket=ticket, score=score)
        votes.cast(ticket=ticket, score=1)
        deliver()
    assert list(Task.objects.values_list("source", "kind")) == [(f"vote:{Ticket.objects.earliest('pk').pk}", "call")]
