"""Writing cards, showing and taking them down."""

import re
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from apps.care.models import Card
from apps.core import audit, clock
from apps.core.errors import NotFound, ValidationFailed
from apps.segments import language

MOST_SHOWN = 12  # in one slot: each is asked of every member who looks
FIELDS = ("slot", "name", "title", "title_en", "text", "text_en", "link", "priority", "starts_on", "ends_on")
SLOT = re.compile(r"[a-z][a-z0-9_-]{0,23}")
_LINK = re.compile(r"(/(?!/)|https://)[!-~]{0,290}")


@transaction.atomic
def save(*, card_id: int | None, audience: Any = None, **fields: Any) -> Card:
    """A new draft, or what a card says from now on; one that is shown changes at once. Raises ValidationFailed, NotFound."""
    audit.sign()
    row = Card() if card_id is None else _locked(card_id)
    for name, value in fields.items():
        setattr(row, name, value)
    if audience is not None:
        row.audience = audience
    _check(row)
    row.changed_at = clock.now()
    row.save()
    return row


@transaction.atomic
def show(*, card_id: int) -> Card:
    """From now on members see it. Raises ValidationFailed when it has no title or its place is full; NotFound."""
    audit.sign()
    row = _locked(card_id)
    if row.state != Card.State.ON:
        list(
            Card.objects.select_for_update().filter(slot=row.slot, state=Card.State.ON)
        )  # two at once are counted one by one
        if Card.objects.filter(slot=row.slot, state=Card.State.ON).count() >= MOST_SHOWN:
            raise _wrong(
                "slot", _("This place shows %(most)s cards already. Take one down first.") % {"most": MOST_SHOWN}
            )
    row.state = Card.State.ON
    _check(row)
    row.save(update_fields=["state"])
    return row


@transaction.atomic
def take_down(*, card_id: int) -> Card:
    """Nobody sees it any more. Again is a no-op. Raises NotFound."""
    audit.sign()
    row = _locked(card_id)
    row.state = Card.State.OFF
    row.save(update_fields=["state"])
    return row


def _locked(card_id: int) -> Card:
    row = Card.objects.select_for_update().filter(pk=card_id).first()
    if row is None:
        raise NotFound
    return row


def _check(row: Card) -> None:
    if not SLOT.fullmatch(row.slot):
        raise _wrong("slot", _("A place is a word of small letters such as home or shop."))
    if row.link and not _LINK.fullmatch(row.link):
        raise _wrong("link", _("A link begins with / (a page of ours) or https://."))
    if row.starts_on and row.ends_on and row.ends_on < row.starts_on:
        raise _wrong("ends_on", _("The last day cannot lie before the first."))
    if row.state == Card.State.ON and not row.title:
        raise _wrong("title", _("Give it a title before members see it."))
    try:
        language.compiled(row.audience, moment=clock.now())
    except language.BadRule as wrong:
        raise _wrong("audience", str(wrong.text)) from wrong


def _wrong(field: str, message: str) -> ValidationFailed:
    return ValidationFailed(errors=[{"pointer": f"/{field}", "code": "invalid", "message": message}])
