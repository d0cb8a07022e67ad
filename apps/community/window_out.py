"""Answers in WeCom's service window: within 48 hours of the customer's last words, five to each of them, each sent once.

What would be one too many waits for the customer's next words; what is too late, or was refused, is told (`community.window_failed`).
An answer whose end nobody knows is never sent again.
"""

from datetime import datetime, timedelta
from typing import NamedTuple

import structlog
from celery import current_app
from django.conf import settings
from django.db import transaction
from django.db.models import F
from django.urls import reverse
from django.utils.translation import gettext as _

from apps.community import words
from apps.community.window_models import Talk, WindowMessage
from apps.core import clock
from apps.events import services as events
from apps.gateways import limits, wecom_kf
from apps.gateways.wecom_calls import Refused, Unanswered

FAILED = "community.window_failed"
LEASE = timedelta(minutes=2)
FIRST_PAUSE = timedelta(seconds=30)
MOST_TRIES = 8
INVITE_AGAIN = timedelta(hours=24)
OVER, NOT_NOW, LOST = "WINDOW_OVER", "NOT_NOW", "NO_ANSWER"
_State = WindowMessage.State

log = structlog.get_logger("siyu.community")


class Window(NamedTuple):
    """Until when the member can be answered there, and how many answers are left."""

    until: datetime
    left: int


def window(member_id: int) -> Window | None:
    """None: they did not write there within the last 48 hours."""
    talk = _talk(member_id)
    if talk is None or _until(talk) <= clock.now():
        return None
    return Window(_until(talk), max(0, _most() - talk.sent))


@transaction.atomic
def answer(*, member_id: int, key: str, text: str) -> bool:
    """Put an answer on its way to where the member wrote last; the same key again is a no-op. False: they never wrote there.

    With a word that the house does not say it fails at once, and is told as every answer that did not go out.
    """
    talk = _talk(member_id)
    if talk is None:
        return False
    made = _queue(talk, key, text)
    if made is not None and words.found_in(text):
        _fail(made.pk, words.STOPPED, within=(_State.QUEUED,))
    transaction.on_commit(_wake, robust=True)
    return True


def invite(talk_id: int, *, moment: datetime) -> None:
    """A stranger is told how to become known, once in 24 hours; call it in the transaction of their words."""
    talk = Talk.objects.select_for_update().get(pk=talk_id)
    if talk.invited_at is not None and moment - talk.invited_at < INVITE_AGAIN:
        return
    text = _("Hello! Log in once with this WeChat, then we can see your orders and answer you here:")
    _queue(
        talk, f"invite:{talk.pk}:{int(moment.timestamp())}", f"{text}\n{settings.PUBLIC_URL}{reverse('portal:home')}"
    )
    Talk.objects.filter(pk=talk.pk).update(invited_at=moment)


def send_due() -> dict[str, int]:
    """Send what may go. No transaction may be open. Returns counts."""
    figures = {"sent": 0, "failed": 0, "later": 0}
    _give_up_lost()
    is_moving = True
    while is_moving:
        claimed = [row for key in _due() if (row := _claim(key)) is not None]
        for row in claimed:
            figures[_sent(row)] += 1
        is_moving = bool(claimed)
    figures["failed"] += _expire()
    return figures


@transaction.atomic
def came_back(number: str, *, code: str) -> None:
    """WeCom took it, and it did not reach the customer. Again is a no-op."""
    text = number.removeprefix("siyu-")
    if text.isdecimal() and len(text) < 19:
        _fail(int(text), code, within=(_State.SENT, _State.UNKNOWN, _State.SENDING))


def _queue(talk: Talk, key: str, text: str) -> WindowMessage | None:
    """None: it is there already."""
    row, is_new = WindowMessage.objects.get_or_create(
        key=key, defaults={"talk": talk, "is_ours": True, "text": wecom_kf.fitting(text), "state": _State.QUEUED}
    )
    return row if is_new else None


def _wake() -> None:
    """Without a broker the next minute finds it."""
    current_app.send_task("community.send_answers")


def _talk(member_id: int) -> Talk | None:
    return Talk.objects.filter(contact__member_id=member_id).order_by("-last_in_at").first()


def _until(talk: Talk) -> datetime:
    return talk.last_in_at + timedelta(hours=limits.current("wecom", "kf_window_hours", clock.local_date(clock.now())))


def _most() -> int:
    return limits.current("wecom", "kf_answers", clock.local_date(clock.now()))


def _due() -> list[int]:
    """The oldest of each talk, so that answers go out in their order."""
    rows = WindowMessage.objects.filter(state=_State.QUEUED).order_by("talk_id", "pk").distinct("talk_id")
    moment, found = clock.now(), list(rows.values_list("pk", "due_at"))
    return [key for key, due_at in found if due_at <= moment]


@transaction.atomic
def _claim(message_id: int) -> WindowMessage | None:
    """Count it before it goes: WeCom's five are never overdrawn by two workers."""
    row = WindowMessage.objects.select_related("talk__account", "talk__contact").filter(pk=message_id).first()
    if row is None:
        return None
    talk = Talk.objects.select_for_update().get(pk=row.talk_id)
    if _until(talk) <= clock.now() or talk.sent >= _most():
        return None
    mine = WindowMessage.objects.filter(pk=row.pk, state=_State.QUEUED)
    if not mine.update(state=_State.SENDING, tries=F("tries") + 1, due_at=clock.now() + LEASE):
        return None
    Talk.objects.filter(pk=talk.pk).update(sent=F("sent") + 1)
    row.refresh_from_db(fields=["tries"])
    return row


def _sent(row: WindowMessage) -> str:
    """Send one that was claimed. Returns sent, failed or later."""
    talk = row.talk
    try:
        wecom_kf.send(
            open_kfid=talk.account.open_kfid, external_userid=talk.contact.external_userid, number=f"siyu-{row.pk}",
            text=row.text,
        )  # fmt: skip
    except Unanswered as trouble:
        if trouble.state == "unknown":
            WindowMessage.objects.filter(pk=row.pk).update(state=_State.UNKNOWN, code=LOST, text="")
            return "sent"
        if row.tries < MOST_TRIES:
            return _later(row, pause=FIRST_PAUSE * 2**row.tries)
        return _refused(row, trouble.code)
    except Refused as refused:
        return _answered_no(row, refused.code)
    WindowMessage.objects.filter(pk=row.pk).update(state=_State.SENT, text="")
    return "sent"


def _answered_no(row: WindowMessage, code: int) -> str:
    log.warning("service window refused", errcode=code)
    if code == wecom_kf.TOO_MANY:  # WeCom counted what we did not: it waits for the customer's next words
        with transaction.atomic():
            WindowMessage.objects.filter(pk=row.pk).update(state=_State.QUEUED)
            Talk.objects.filter(pk=row.talk_id).update(sent=_most())
        return "later"
    if code == wecom_kf.TOO_LATE:
        return _refused(row, OVER)
    return _refused(row, NOT_NOW if code in wecom_kf.NOT_NOW else f"WECOM_{code}")


@transaction.atomic
def _later(row: WindowMessage, *, pause: timedelta) -> str:
    WindowMessage.objects.filter(pk=row.pk).update(state=_State.QUEUED, due_at=clock.now() + pause)
    Talk.objects.filter(pk=row.talk_id, sent__gt=0).update(sent=F("sent") - 1)
    return "later"


@transaction.atomic
def _refused(row: WindowMessage, code: str) -> str:
    _fail(row.pk, code, within=(_State.SENDING,))
    Talk.objects.filter(pk=row.talk_id, sent__gt=0).update(sent=F("sent") - 1)
    return "failed"


def _expire() -> int:
    """What still waits when the 48 hours are over."""
    found = WindowMessage.objects.filter(state=_State.QUEUED).select_related("talk").order_by("pk")
    failed = 0
    for row in found[:1_000]:
        if _until(row.talk) <= clock.now():
            with transaction.atomic():
                failed += _fail(row.pk, OVER, within=(_State.QUEUED,))
    return failed


def _give_up_lost() -> None:
    """Whoever sent it died between the call and its note."""
    dead = WindowMessage.objects.filter(state=_State.SENDING, due_at__lte=clock.now())
    dead.update(state=_State.UNKNOWN, code=LOST, text="")


def _fail(message_id: int, code: str, *, within: tuple[str, ...]) -> int:
    rows = WindowMessage.objects.filter(pk=message_id, state__in=within)
    if not rows.update(state=_State.FAILED, code=code[:40], text=""):
        return 0
    row = WindowMessage.objects.select_related("talk__contact").get(pk=message_id)
    if (member_id := row.talk.contact.member_id) is not None:  # a stranger's invitation interests nobody
        events.publish(
            FAILED, key=str(row.pk), lane=f"member:{member_id}", message_key=row.key, code=code, member_id=member_id
        )
    return 1
