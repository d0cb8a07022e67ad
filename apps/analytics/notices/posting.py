"""Mails and WeCom messages to staff: written down in the transaction of what they tell, sent afterwards, in the house's language.

Who gets one is asked again when it is sent: somebody who may no longer see the figures of a store is not told them.
"""

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Literal, NamedTuple

from django.conf import settings
from django.db import transaction
from django.db.models import F
from django.urls import reverse
from django.utils.translation import gettext as _

from apps.analytics.day import board as boards
from apps.analytics.day import sources, words
from apps.analytics.models import Breach, NoticeBox, NoticePost
from apps.analytics.notices import telling
from apps.core import brand, clock
from apps.gateways import mail, wecom_apps
from apps.gateways.mail import Mail
from apps.gateways.messages import Outcome
from apps.gateways.wecom_apps import Note
from apps.stores import access
from apps.stores.access import Access

KIND, DIGEST = "analytics.post_notices", "analytics.morning_digest"
PERMISSION = "dashboard.view"
CHUNK, MOST_TRIES = 50, 8
LEASE, FIRST_PAUSE = timedelta(minutes=5), timedelta(minutes=1)
Wish = Literal["wants_digest", "wants_alerts"]
_State, _Channel = NoticePost.State, NoticePost.Channel
_ENDS = {"accepted": _State.SENT, "refused": _State.FAILED, "unknown": _State.UNKNOWN}


class _Letter(NamedTuple):
    """Rows of a channel are told this; `end` is the address to go on at."""

    to: str
    subject: str
    text: str
    end: str


def post(key: str, *, wish: Wish, store_id: int | None = None) -> int:
    """To all who want it and may see that store (0: the brand as a whole; None: what they may see), wherever they read it.

    Again is a no-op.
    """
    wanted = NoticeBox.objects.filter(**{wish: True}).select_related("user")
    rows = [
        NoticePost(user=box.user, key=key, channel=channel)
        for box in wanted
        if (channels := [one for one in _channels() if _place(box, one)])
        and _may_read(access.of_user(box.user), store_id)
        for channel in channels
    ]
    return len(NoticePost.objects.bulk_create(rows, ignore_conflicts=True))


@transaction.atomic
def post_digest() -> int:
    """Of yesterday, once a person and day."""
    yesterday = clock.local_date(clock.now()) - timedelta(days=1)
    return post(f"digest:{yesterday}", wish="wants_digest")


def drain() -> dict[str, int]:
    """Call it with no transaction open: nothing is locked while the mail server or WeCom is spoken to."""
    figures = {"sent": 0, "failed": 0, "postponed": 0}
    for channel in _channels():
        for name, count in _drained(channel).items():
            figures[name] += count
    return figures


def _drained(channel: str) -> dict[str, int]:
    figures = {"sent": 0, "failed": 0, "postponed": 0}
    while rows := _claimed(channel):
        letters = [(row, _letter(row)) for row in rows]
        ready = [(row, letter) for row, letter in letters if letter is not None]
        outcomes = _handed_over(channel, ready)
        answered = list(zip((row for row, _letter_of in ready), outcomes, strict=True))
        answered += [(row, Outcome(row.key, "refused", code="NOBODY")) for row, letter in letters if letter is None]
        for row, outcome in answered:
            figures[_settle(row, outcome)] += 1
        if len(rows) < CHUNK:
            break
    return figures


def _handed_over(channel: str, ready: Sequence[tuple[NoticePost, _Letter]]) -> list[Outcome]:
    if channel == _Channel.WECOM:
        return wecom_apps.send_batch(
            [Note(f"notice:{row.pk}", one.to, f"{one.subject}\n\n{one.text}".strip(), one.end) for row, one in ready]
        )
    texts = [(row, one, "\n\n".join(part for part in (one.text or one.subject, one.end) if part)) for row, one in ready]
    return mail.send_batch(
        [Mail(f"notice:{row.pk}", one.to, one.subject, text, brand.name(), "") for row, one, text in texts]
    )


def _channels() -> list[str]:
    """Those that are set up here."""
    return [name for name, gate in ((_Channel.MAIL, mail), (_Channel.WECOM, wecom_apps)) if gate.is_set_up()]


def _place(box: NoticeBox, channel: str) -> str:
    """Where they are reached; "" where they are not."""
    return box.wecom if channel == _Channel.WECOM else box.mail


def digest(reader: Access, *, on: date) -> tuple[str, str, str]:
    """Subject, text and address: the figures of that day's page, as somebody with this access reads it. Raises Forbidden."""
    told = boards.board(on=on, store_ids=reader.store_ids(PERMISSION))
    when = str(on - boards.WEEK)
    sales = told.figures.get("sales.paid_cents")
    subject = (
        words.finding("sales.paid_cents", sales.value, sales.before, when=when)
        if sales
        else _("This day was not counted yet")
    )
    lines = [f"{on} · {telling.reach(reader.store_ids(PERMISSION))}", ""]
    for name, figure in told.figures.items():
        if reader.can(sources.SOURCE_OF[name].permission):
            lines.append(telling.line(name, figure, when=when))
    address = f"{settings.PUBLIC_URL}{reverse('console:today')}?day={on}"
    return f"{on} {subject}", "\n".join(lines), address


def _may_read(reader: Access, store_id: int | None) -> bool:
    if not reader.can(PERMISSION):
        return False
    stores = reader.store_ids(PERMISSION)
    return stores is None or store_id is None or store_id in stores


@transaction.atomic
def _claimed(channel: str) -> Sequence[NoticePost]:
    """For the time of the lease they are ours; a crash lets them be claimed again after it."""
    moment = clock.now()
    waiting = NoticePost.objects.select_for_update(skip_locked=True).filter(state=_State.WAITING, due_at__lte=moment)
    rows = list(waiting.filter(channel=channel).order_by("due_at", "pk")[:CHUNK])
    NoticePost.objects.filter(pk__in=[row.pk for row in rows]).update(due_at=moment + LEASE, tries=F("tries") + 1)
    return rows


def _letter(row: NoticePost) -> _Letter | None:
    """None: they no longer want it there, or may no longer read it."""
    box = NoticeBox.objects.select_related("user").filter(user_id=row.user_id).first()
    to = _place(box, row.channel) if box else ""
    reader = access.of_user(box.user) if box and to else Access()
    if not reader.can(PERMISSION):
        return None
    kind, _colon, about = row.key.partition(":")
    if kind == "digest":
        return _Letter(to, *digest(reader, on=date.fromisoformat(about)))
    breach = Breach.objects.select_related("rule").filter(pk=int(about)).first()
    if breach is None or not _may_read(reader, breach.store_id):
        return None
    told = telling.sentence(breach) if kind == "breach" else telling.over(breach)
    return _Letter(to, told, "", f"{settings.PUBLIC_URL}{reverse('console:notices')}")


def _settle(row: NoticePost, outcome: Outcome) -> str:
    mine = NoticePost.objects.filter(pk=row.pk, state=_State.WAITING)
    state = _ENDS.get(outcome.state)
    if state is None and row.tries + 1 < MOST_TRIES:
        mine.update(due_at=clock.now() + FIRST_PAUSE * 2**row.tries, code=outcome.code)
        return "postponed"
    mine.update(state=state or _State.FAILED, code=outcome.code)
    return "sent" if state == _State.SENT else "failed"
