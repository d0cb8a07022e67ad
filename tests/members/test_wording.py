"""What members write is shown to the house's command and to WeChat first; who does not answer loses nobody's complaint."""

import sys
from collections.abc import Callable
from datetime import datetime

import pytest

from apps.core.errors import ValidationFailed
from apps.gateways.simulator.wechat_rules import FINDS
from apps.members import login, profile, wording
from apps.members.models import Member
from apps.members.wording import ContentRefused
from apps.tickets import attachments, votes
from apps.tickets.models import Message, Ticket, Vote
from apps.tickets.services import NewTicket
from tests.members.conftest import Phone
from tests.tickets import desk as of
from tests.tickets.desk import MEMBER

pytestmark = pytest.mark.django_db
Noon = Callable[[float], datetime]
APP = "wx5170000000000001"
RISKY, REVIEW = FINDS
REFUSES_BAD = "import sys; sys.exit('违禁' in sys.stdin.buffer.read().decode())"


@pytest.fixture
def command(settings) -> None:
    settings.CONTENT_CHECK = [sys.executable, "-S", "-c", REFUSES_BAD]


def test_the_houses_command_refuses_what_members_type_and_nothing_is_written(command):
    desk = of.build()
    ticket = of.opened(desk, "question", lines=0)
    words = NewTicket(source="t:2", member_id=desk.member, kind="question", title="问", text="有违禁词")
    said = {"ticket_id": ticket.pk, "text": "违禁", "source": "s:1"}

    with pytest.raises(ContentRefused) as refused:
        profile.change_profile(member_id=desk.member, nickname="违禁", gender="f", is_by_member=True)
    with pytest.raises(ContentRefused):
        attachments.open_ticket(words, by=MEMBER)
    with pytest.raises(ContentRefused):
        attachments.say(**said, by=MEMBER, channel="portal")

    assert refused.value.facts["errors"][0]["pointer"] == "/nickname"  # type: ignore[index]
    assert Member.objects.values_list("nickname", "gender").get() == ("林", "")
    assert (Ticket.objects.count(), Message.objects.count()) == (1, 1)
    attachments.say(**said, by=MEMBER, channel="email")  # it has been sent already
    attachments.say(**said | {"source": "s:2"}, by=desk.agent)
    profile.change_profile(member_id=desk.member, nickname="违禁")  # staff, a file, a program
    assert Message.objects.count() == 3


def test_a_vote_is_checked_too(command, clock):
    desk = of.build()
    ticket = of.opened(desk, "question", lines=0)
    clock(of.NOON)
    Ticket.objects.update(state="resolved", ended_at=of.NOON, due_at=None)
    ticket.refresh_from_db()

    with pytest.raises(ContentRefused):
        votes.cast(ticket=ticket, score=1, text="违禁")
    assert not Vote.objects.exists()
    votes.cast(ticket=ticket, score=1, text="不好")


def test_a_command_that_fails_lets_the_text_pass(settings):
    for command in (["/nowhere/checker"], [sys.executable, "-S", "-c", "import sys; sys.exit(2)"]):
        settings.CONTENT_CHECK = command
        wording.check("违禁", member_id=1, pointer="/text")


def test_wechat_judges_whom_it_has_seen_within_two_hours(phone: Phone, noon: Noon, settings):
    member_id = login.log_in_by_wechat(app_id=APP, js_code=phone.client.js_code(app_id=APP, person="lin")).member_id
    stranger = of.build().member

    def is_refused(text: str, who: int = member_id) -> bool:
        try:
            wording.check(text, member_id=who, pointer="/text")
        except ValidationFailed:
            return True
        return False

    assert not is_refused(RISKY)  # nobody is asked unless the house wants it
    settings.CONTENT_CHECK_WECHAT = True
    assert is_refused(f"你好 {RISKY}")
    assert is_refused("好" * 2_500 + RISKY)  # the second piece
    assert not is_refused(f"你好 {REVIEW}")
    assert not is_refused("扣子掉了")
    assert not is_refused(RISKY, stranger)
    assert phone.client.wechat_calls()["msg_sec_check"] == {"0": 5}

    phone.client.faults(p5xx=1.0, for_calls=1, paths=["/wxa/msg_sec_check"])
    assert not is_refused(RISKY)
    noon(7_201)
    assert not is_refused(RISKY)
    assert phone.client.wechat_calls()["msg_sec_check"]["61010"] == 1
