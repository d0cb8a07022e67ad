"""Lines of the books in plain words, for members and staff alike: what happened, and which order, rule, gift or person it is about."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from django.db.models import QuerySet, Subquery
from django.db.models.expressions import RawSQL
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy

from apps.orders.models import Order, Refund
from apps.points.models import Account, Entry, Hold

_ABOUT = re.compile(r"^(order|refund|received):(\d+)\b").match
_TITLES = {
    Entry.Kind.EARN: pgettext_lazy("statement", "Earned"),
    Entry.Kind.ACTIVATE: pgettext_lazy("statement", "Now usable"),
    Entry.Kind.LAPSE: pgettext_lazy("statement", "Lapsed before it became usable"),
    Entry.Kind.SPEND: pgettext_lazy("statement", "Spent"),
    Entry.Kind.RETURN: pgettext_lazy("statement", "Given back"),
    Entry.Kind.REVERSE: pgettext_lazy("statement", "Taken back"),
    Entry.Kind.EXPIRE: pgettext_lazy("statement", "Expired"),
    Entry.Kind.HOLD: pgettext_lazy("statement", "Set aside"),
    Entry.Kind.CAPTURE: pgettext_lazy("statement", "Spent from what was set aside"),
    Entry.Kind.RELEASE: pgettext_lazy("statement", "No longer set aside"),
    Entry.Kind.TRANSFER_OUT: pgettext_lazy("statement", "Given to a friend"),
    Entry.Kind.TRANSFER_IN: pgettext_lazy("statement", "Received from a friend"),
    Entry.Kind.ADJUST: pgettext_lazy("statement", "Corrected by our staff"),
    Entry.Kind.OPENING: pgettext_lazy("statement", "Brought along from the earlier system"),
    Entry.Kind.MERGE_OUT: pgettext_lazy("statement", "Moved to the joined record"),
    Entry.Kind.MERGE_IN: pgettext_lazy("statement", "Came from the joined record"),
}
_SOURCES = {
    "sign_in": gettext_lazy("Daily sign-in"),
    "birthday": gettext_lazy("Birthday points"),
    "exchange": gettext_lazy("Rewards mall"),
    "achievement": gettext_lazy("Achievement"),
    "task": gettext_lazy("Task done"),
    "registration": gettext_lazy("Registration"),
    "make_up": gettext_lazy("Made-up sign-in"),
    "referral": gettext_lazy("Invited friend"),
}


@dataclass(frozen=True)
class Told:
    """One line for people. `title` says what happened, `about` to what ("order 4411"), `order_id` where that can be opened.

    `amount` of the balance; `extra` says what the balance does not show: still pending, paid a debt, became a debt.
    """

    entry: Entry
    title: str
    about: str
    extra: str
    order_id: int | None = None


def lines_of(*, member_id: int, currency: str | None = None) -> QuerySet[Entry]:
    """A member's lines, newest first; of one currency, or of all."""
    if not currency:
        return Entry.objects.filter(account__member_id=member_id).order_by("-pk")
    # one account, asked for by itself: a page is then the end of an index, however long the statement is
    account = Account.objects.filter(member_id=member_id, currency__key=currency).values("pk")[:1]
    return Entry.objects.filter(account_id=Subquery(account)).order_by("-pk")


# Of all kinds of points at once: the end of the index of each account, however long the statement is.
_NEWEST = """
select e.id from points_account a cross join lateral (
    select id from points_entry where account_id = a.id and id > %s and id < coalesce(%s, 9223372036854775807)
    order by id desc limit %s) e
where a.member_id = %s
"""


def statement(
    *, member_id: int, currency: str | None = None, before: int | None = None, after: int = 0, limit: int = 20
) -> tuple[list[Entry], int | None]:
    """A page of lines for `tell`, and what to pass as `before` for the next; None at the end. One query. `after`: only newer ones."""
    lines = lines_of(member_id=member_id, currency=currency)
    if currency:
        lines = lines.filter(pk__gt=after) if after else lines
        lines = lines.filter(pk__lt=before) if before else lines
    else:
        lines = lines.filter(pk__in=RawSQL(_NEWEST, [after, before, limit + 1, member_id]))  # noqa: S611 - a constant
    lines = lines.select_related("account__currency", "version__rule", "store", "staff")
    found = list(lines[: limit + 1])
    return found[:limit], found[limit - 1].pk if len(found) > limit else None


def is_hold_of(*, entry_id: int, source_prefix: str) -> bool:
    """Whether the line set points aside under such a source."""
    return Hold.objects.filter(entry_id=entry_id, entry__source__startswith=source_prefix).exists()


def tell(entries: Sequence[Entry], *, language: str = "") -> list[Told]:
    """In the order given; a fixed number of queries. Entries should come with `version__rule` and `store` at hand."""
    orders = _orders(entries)
    return [_one(entry, orders, language=language) for entry in entries]


def _one(entry: Entry, orders: dict[str, tuple[int, str]], *, language: str) -> Told:
    order_id, number = orders.get(_key(entry.source), (None, ""))
    about = [_("order %(number)s") % {"number": number}] if number else []
    if entry.version_id:
        rule = entry.version.rule  # type: ignore[union-attr]
        about.insert(0, rule.name_en if language.startswith("en") else rule.name)
    elif not number and (word := _SOURCES.get(entry.source.split(":", 1)[0])):
        about.append(str(word))
    if entry.store is not None:
        about.append(entry.store.name)
    return Told(
        entry=entry,
        title=str(_TITLES[Entry.Kind(entry.kind)]),
        about=" · ".join(about),
        extra=_extra(entry),
        order_id=order_id,
    )


def _extra(entry: Entry) -> str:
    if entry.pending > 0:
        return _("%(points)s not yet usable") % {"points": entry.pending}
    if entry.kind == Entry.Kind.REVERSE and entry.pending < 0:
        return _("%(points)s that were not yet usable") % {"points": -entry.pending}
    if entry.debt > 0:
        return _("%(points)s more are owed") % {"points": entry.debt}
    if entry.debt < 0:
        return _("%(points)s paid off what was owed") % {"points": -entry.debt}
    return ""


def _orders(entries: Iterable[Entry]) -> dict[str, tuple[int, str]]:
    """Source key → order id and number, two queries at most."""
    found = [match for entry in entries if (match := _ABOUT(entry.source))]
    by_refund = {int(match[2]) for match in found if match[1] == "refund"}
    refunded = dict(Refund.objects.filter(pk__in=by_refund).values_list("pk", "order_id")) if by_refund else {}
    wanted = {int(match[2]) for match in found if match[1] != "refund"} | set(refunded.values())
    numbers = dict(Order.objects.filter(pk__in=wanted).values_list("pk", "order_no")) if wanted else {}
    told: dict[str, tuple[int, str]] = {}
    for match in found:
        order_id = refunded.get(int(match[2])) if match[1] == "refund" else int(match[2])
        if order_id in numbers:
            told[match[0]] = (order_id, numbers[order_id])
    return told


def _key(source: str) -> str:
    match = _ABOUT(source)
    return match[0] if match else ""
