"""Which cards a member sees in a place, and how often they are opened."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from django.db import connection
from django.db.models import Q
from django.utils.translation import get_language

from apps.activity.models import Event
from apps.care.models import Card
from apps.core import clock, ids
from apps.segments import language

SHOWN = 3  # at once in a place
OPENED_IN = timedelta(days=30)
ID = "crd"


def shown_to(*, member_id: int, slot: str, moment: datetime, most: int = SHOWN) -> list[Card]:
    """The first cards of the place whose rule is true of the member now; what goes by their purchases is not shown to who objects."""
    today = clock.local_date(moment)
    rows = Card.objects.filter(slot=slot, state=Card.State.ON).filter(
        Q(starts_on=None) | Q(starts_on__lte=today), Q(ends_on=None) | Q(ends_on__gte=today)
    )
    found: list[Card] = []
    known = language.Known()
    for row in rows.order_by("priority", "pk"):
        if len(found) == most:
            break
        if row.audience == {} or _fits(row, member_id=member_id, moment=moment, known=known):
            found.append(row)
    return found


def one_for(*, card_id: int, member_id: int, moment: datetime) -> Card | None:
    """A card that this member may open; None: it is not theirs, or not shown any more."""
    row = Card.objects.filter(pk=card_id, state=Card.State.ON).first()
    fits = row and _fits(row, member_id=member_id, moment=moment, known=language.Known())
    return row if fits else None


def in_words(row: Card) -> tuple[str, str]:
    """Title and text in the reader's language; Chinese where there is no English."""
    is_english = get_language() == "en"
    return (is_english and row.title_en) or row.title, (is_english and row.text_en) or row.text


def opened(rows: Sequence[Card], *, moment: datetime) -> dict[int, int]:
    """How many members opened each in the last 30 days."""
    names = {ids.encode(ID, row.pk): row.pk for row in rows}
    found = Event.objects.filter(
        name="content_viewed", occurred_at__gt=moment - OPENED_IN, properties__id__in=list(names), member__isnull=False
    )
    counted: dict[int, set[int]] = {row.pk: set() for row in rows}
    for name, member_id in found.values_list("properties__id", "member_id").distinct():
        counted[names[name]].add(member_id)
    return {key: len(members) for key, members in counted.items()}


def _fits(row: Card, *, member_id: int, moment: datetime, known: language.Known) -> bool:
    rule = language.compiled(row.audience, moment=moment, only=f"select {member_id:d}", known=known)
    with connection.cursor() as cursor:
        cursor.execute(rule.members("1", f"and m.id = {member_id:d}"), rule.params)
        return cursor.fetchone() is not None
