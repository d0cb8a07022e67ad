"""What the figures of a shop day are called, what each counts, and the sentence that says it."""

from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy

from apps.analytics.day import sources
from apps.core import money


@dataclass(frozen=True)
class Words:
    label: str | Promise
    counts: str | Promise  # the definition, in a sentence


WORDS: dict[str, Words] = {
    "sales.paid_cents": Words(
        gettext_lazy("Sales"), gettext_lazy("What members paid that day, before anything was given back.")
    ),
    "orders.paid": Words(
        gettext_lazy("Orders"), gettext_lazy("Orders paid that day, by the store they were placed in.")
    ),
    "orders.again": Words(
        gettext_lazy("Orders of members who had bought before"),
        gettext_lazy("Of these orders, those whose member had paid for an earlier one."),
    ),
    "sales.refunded_cents": Words(
        gettext_lazy("Given back"), gettext_lazy("Refunds made that day, whenever the order was placed.")
    ),
    "members.joined": Words(
        gettext_lazy("Members joined"), gettext_lazy("New members whose home store it is; joined records count once.")
    ),
    "coupons.used": Words(
        gettext_lazy("Coupons redeemed"), gettext_lazy("Redeemed that day and not taken back since.")
    ),
    "coupons.saved_cents": Words(
        gettext_lazy("Saved with coupons"), gettext_lazy("What these coupons took off the baskets.")
    ),
    "points.given": Words(
        gettext_lazy("Points given"), gettext_lazy("Earned or granted by hand, before anything was taken back.")
    ),
    "points.spent": Words(
        gettext_lazy("Points spent"), gettext_lazy("Spent on orders and rewards, before anything was given back.")
    ),
    "bookings.due": Words(
        gettext_lazy("Bookings whose time came"), gettext_lazy("Places taken, without those that were cancelled.")
    ),
    "bookings.arrived": Words(gettext_lazy("Of them, came"), gettext_lazy("Those whom somebody ticked as here.")),
    "tickets.opened": Words(
        pgettext_lazy("day", "Tickets opened"),
        gettext_lazy("New tickets of the service desk that are this store's now."),
    ),
    "tickets.ended": Words(
        pgettext_lazy("day", "Tickets ended"), gettext_lazy("Tickets that were resolved, closed or withdrawn that day.")
    ),
    "messages.sent": Words(
        gettext_lazy("Messages sent"),
        gettext_lazy("Messages decided on that day that went out, to members of this home store."),
    ),
}
# What a person of the staff is looked at by.
OF_PEOPLE = ("sales.paid_cents", "orders.paid", "coupons.used", "points.given", "bookings.arrived", "tickets.ended")


def shown(name: str, value: int) -> str:
    """As pages show it."""
    return money.show(value) if sources.FIGURES[name].unit == "cents" else number(value)


def plain(name: str, value: int) -> str:
    """As files hold it: yuan with its fen, or a whole number."""
    return money.yuan(value) if sources.FIGURES[name].unit == "cents" else str(value)


def change(value: float | None) -> str:
    """0.12 → +12%; "" where there is nothing to compare with."""
    if value is None:
        return ""
    return ("+" if value > 0 else "−" if value < 0 else "") + percent(abs(value))


def finding(name: str, value: int, before: int | None, *, when: str) -> str:
    """A sentence: "Sales ¥1,234, 12% more than last Monday". `when`: "last Monday until 10:32"."""
    facts = {"label": WORDS[name].label, "value": shown(name, value), "when": when}
    if not before:
        return _("%(label)s %(value)s") % facts
    share = (value - before) / before
    facts["share"] = percent(abs(share))
    if abs(share) < 0.0005:
        return _("%(label)s %(value)s, as on %(when)s") % facts
    if share < 0:
        return _("%(label)s %(value)s, %(share)s less than on %(when)s") % facts
    return _("%(label)s %(value)s, %(share)s more than on %(when)s") % facts


def number(value: int) -> str:
    """1234567 → 1,234,567; a true minus sign."""
    return f"{value:,}".replace("-", "−")


def percent(rate: float) -> str:
    """0.1083 → 10.8%."""
    return f"{rate * 100:.1f}%"
