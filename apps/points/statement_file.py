"""A member's whole statement as rows of a file, for themselves and for staff."""

from collections.abc import Iterator

from django.utils.translation import gettext as _

from apps.core import clock
from apps.points import telling

AT_ONCE = 1_000  # lines to a query


def headers(*, for_staff: bool) -> list[str]:
    own = [_("Time"), _("What happened"), _("About"), _("Note"), _("Change"), _("Balance")]
    return [*own, _("Staff number")] if for_staff else own


def rows(*, member_id: int, currency: str, language: str, for_staff: bool) -> Iterator[list[object]]:
    """Newest first, in shop time. Who of the staff acted is said to staff alone."""
    before: int | None = None
    while True:
        found, before = telling.statement(member_id=member_id, currency=currency, before=before, limit=AT_ONCE)
        for told in telling.tell(found, language=language):
            line = told.entry
            row: list[object] = [f"{clock.local(line.at):%Y-%m-%d %H:%M:%S}", told.title, told.about]
            row += ["; ".join(text for text in (line.note, told.extra) if text), line.amount, line.balance_after]
            yield [*row, line.staff.code if line.staff else ""] if for_staff else row
        if before is None:
            return
