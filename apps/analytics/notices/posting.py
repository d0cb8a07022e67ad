"""Mails to staff: written down in the transaction of what they tell, sent afterwards, in the house's language.

Who gets one is asked again when it is sent: somebody who may no longer see the figures of a store is not told them.
"""

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Literal

from django.conf import settings
from django.db import transaction
from django.db.models import F
from django.urls import reverse
from django.utils.translation import gettext as _

from apps.analytics.day import board as boards
from apps.analytics.day import sources, words
from apps.analytics.models import Breach, NoticeBox, NoticeMail
from apps.analytics.notices import telling
from apps.core import brand, clock
from apps.core.models import User
from apps.gateways import mail
from apps.gateways.mail import Mail
from apps.gateways.messages import Outcome
from apps.stores import access
from apps.stores.access import Access

KIND, DIGEST = "analytics.post_notices", "analytics.morning_digest"
PERMISSION = "dashboard.view"
CHUNK, MOST_TRIES = 50, 8
LEASE, FIRST_PAUSE = timedelta(minutes=5), timedelta(minutes=1)
Wish = Literal["wants_digest", "wants_alerts"]
_State = NoticeMail.State
_ENDS = {"accepted": _State.SENT, "refused": _State.FAILED, "unknown": _State.UNKNOWN}


def post(key: str, *, wish: Wish, store_id: int | None = None) -> int:
    """To all who want it by e-mail and may see that store (0: the brand as a whole; None: what they may see). Again is a no-op."""
    if not mail.is_set_up():
        return 0
    found = User.objects.filter(pk__in=NoticeBox.objects.filter(**{wish: True}).exclude(mail="").values("user_id"))
    readers = [user for user in found if _may_read(access.of_user(user), store_id)]
    made = NoticeMail.objects.bulk_create([NoticeMail(user=user, key=key) for user in readers], ignore_conflicts=True)
    return len(made)


@transaction.atomic
def post_digest() -> int:
    """Of yesterday, once a person and day."""
    yesterday = clock.local_date(clock.now()) - timedelta(days=1)
    return post(f"digest:{yesterday}", wish="wants_digest")


def drain() -> dict[str, int]:
    """Call it with no transaction open: nothing is locked while the mail server is spoken to."""
    figures = {"mailed": 0, "failed": 0, "postponed": 0}
    while mail.is_set_up() and (rows := _claimed()):
        letters = [(row, _letter(row)) for row in rows]
        ready = [(row, letter) for row, letter in letters if letter is not None]
        outcomes = mail.send_batch([letter for _row, letter in ready])
        answered = list(zip((row for row, _letter_of in ready), outcomes, strict=True))
        answered += [(row, Outcome(row.key, "refused", code="NOBODY")) for row, letter in letters if letter is None]
        for row, outcome in answered:
            figures[_settle(row, outcome)] += 1
        if len(rows) < CHUNK:
            break
    return figures


def digest(reader: Access, *, on: date) -> tuple[str, str]:
    """Subject and text: the figures of that day's page, as somebody with this access reads it. Raises Forbidden."""
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
    return f"{on} {subject}", "\n".join([*lines, "", address])


def _may_read(reader: Access, store_id: int | None) -> bool:
    if not reader.can(PERMISSION):
        return False
    stores = reader.store_ids(PERMISSION)
    return stores is None or store_id is None or store_id in stores


@transaction.atomic
def _claimed() -> Sequence[NoticeMail]:
    """For the time of the lease they are ours; a crash lets them be claimed again after it."""
    moment = clock.now()
    waiting = NoticeMail.objects.select_for_update(skip_locked=True).filter(state=_State.WAITING, due_at__lte=moment)
    rows = list(waiting.order_by("due_at", "pk")[:CHUNK])
    NoticeMail.objects.filter(pk__in=[row.pk for row in rows]).update(due_at=moment + LEASE, tries=F("tries") + 1)
    return rows


def _letter(row: NoticeMail) -> Mail | None:
    """None: they no longer want it, or may no longer read it."""
    box = NoticeBox.objects.select_related("user").filter(user_id=row.user_id).exclude(mail="").first()
    reader = access.of_user(box.user) if box else Access()
    if box is None or not reader.can(PERMISSION):
        return None
    kind, _colon, about = row.key.partition(":")
    if kind == "digest":
        subject, text = digest(reader, on=date.fromisoformat(about))
    else:
        breach = Breach.objects.select_related("rule").filter(pk=int(about)).first()
        if breach is None or not _may_read(reader, breach.store_id):
            return None
        subject = telling.sentence(breach) if kind == "breach" else telling.over(breach)
        text = f"{subject}\n\n{settings.PUBLIC_URL}{reverse('console:notices')}"
    return Mail(f"notice:{row.pk}", box.mail, subject, text, brand.name(), "")


def _settle(row: NoticeMail, outcome: Outcome) -> str:
    mine = NoticeMail.objects.filter(pk=row.pk, state=_State.WAITING)
    state = _ENDS.get(outcome.state)
    if state is None and row.tries + 1 < MOST_TRIES:
        mine.update(due_at=clock.now() + FIRST_PAUSE * 2**row.tries, code=outcome.code)
        return "postponed"
    mine.update(state=state or _State.FAILED, code=outcome.code)
    return "mailed" if state == _State.SENT else "failed"
