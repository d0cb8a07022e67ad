"""The house's months in words: how a figure stands against its target, what a measure says, what a line of pay is for."""

from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext, pgettext_lazy

from apps.analytics.day import words
from apps.analytics.house import figures
from apps.analytics.house.months import Standing
from apps.analytics.house.returns import Return
from apps.analytics.house.score import Measure
from apps.analytics.models import Incentive, Target
from apps.core import brand, money

COLUMNS = (
    gettext_lazy("So far"), gettext_lazy("Target"), gettext_lazy("Due by now"), gettext_lazy("Deviation"),
    gettext_lazy("Deviation, %"), gettext_lazy("At this pace"),
)  # fmt: skip
DIMENSIONS: dict[str, Promise] = {
    "worth": pgettext_lazy("scorecard", "Members"),
    "business": pgettext_lazy("scorecard", "Business"),
    "use": pgettext_lazy("scorecard", "The house at work"),
}
# The measure, and what is divided by what.
MEASURES: dict[str, tuple[Promise, Promise]] = {
    "worth": (
        gettext_lazy("Bought so far, each"),
        gettext_lazy("What active members kept buying since they joined, by their number."),
    ),
    "engaged": (
        gettext_lazy("Share of members who are active"),
        gettext_lazy(
            "Of the members of 28 days or more, those who opened a page, used the mini-program or read a message in 28 days."
        ),
    ),
    "again": (gettext_lazy("Share of orders by members who had bought before"), gettext_lazy("Of all orders paid.")),
    "bought": (
        gettext_lazy("From joining to buying"),
        gettext_lazy("Of the members who joined in the month, those with a first order by now."),
    ),
    "joining": (
        gettext_lazy("Cost of a new member"),
        gettext_lazy("All marketing costs entered for the month, by the members who joined in it."),
    ),
    "returned": (
        gettext_lazy("Sales for each yuan of marketing"),
        gettext_lazy(
            "Orders of the month by the last message, coupon or other contact of a campaign, journey or policy before them, after "
            "refunds, by what these cost: entered and by the message. It says what went before an order, not what caused it."
        ),
    ),
    "guided": (gettext_lazy("Orders with a guide"), gettext_lazy("Of all orders paid, those that name one.")),
    "people": (
        gettext_lazy("Staff who work with it"),
        gettext_lazy("Of the active staff of these stores, those with a sale, coupon, visit or ticket in the month."),
    ),
    "stores": (
        gettext_lazy("Stores that work with it"),
        gettext_lazy("Of the open stores, those with an order, coupon, visit or ticket in the month."),
    ),
}


def finding(told: Standing) -> str:
    """ "Sales kept ¥12,340.00, 8.2% behind where they should be"."""
    name = told.goal.name
    facts = {"label": figures.worded(name).label, "value": figures.shown(name, told.value)}
    if told.off is None:
        return _("%(label)s %(value)s, no target set") % facts
    facts["share"] = words.percent(abs(told.off))
    if abs(told.off) < 0.0005:
        return _("%(label)s %(value)s, just where it should be") % facts
    if told.off < 0:
        return _("%(label)s %(value)s, %(share)s behind where it should be") % facts
    return _("%(label)s %(value)s, %(share)s ahead of where it should be") % facts


def off(told: Standing) -> str:
    """+8.2%; of a share in points: −2.1 pp."""
    if told.off is None:
        return ""
    if told.goal.unit == "share":
        sign = "+" if told.off > 0 else "−" if told.off < 0 else ""
        return pgettext("share", "%(n)s points") % {"n": f"{sign}{abs(told.off) * 100:.1f}"}
    return words.change(told.off)


def cells(told: Standing) -> list[object]:
    """A line of a file, as `COLUMNS`."""
    name = told.goal.name
    share = "" if told.off is None or told.goal.unit == "share" else f"{told.off * 100:.1f}"
    return [
        figures.plain(name, told.value), figures.plain(name, told.target), figures.plain(name, told.due),
        figures.plain(name, told.deviation), share, figures.plain(name, told.foreseen),
    ]  # fmt: skip


def measured(one: Measure) -> dict[str, Any]:
    label, counts = MEASURES[one.key]
    value = {"cents": money.show(round(one.value)), "share": words.percent(one.value), "times": f"¥{one.value:,.2f}"}
    return {
        "label": label,
        "counts": counts,
        "value": value[one.unit],
        "part": words.number(one.part) if one.unit == "share" else money.show(one.part),
        "whole": money.show(one.whole) if one.unit == "times" else words.number(one.whole),
    }


def gain(one: Return) -> str:
    """The return on cost: +150.0%."""
    return "–" if one.gain is None else words.change(one.gain)


def journey(one: Return, names: dict[int, str]) -> str:
    return names.get(one.journey_id, "?") if one.journey_id else _("Policies outside journeys")


def plain_return(name: str, one: Return) -> list[object]:
    """A line of a file, as `RETURNS`; the return as a number, 1.5 for +150 %."""
    gain = "" if one.gain is None else f"{one.gain:.4f}"
    return [name, money.yuan(one.entered), money.yuan(one.messages), money.yuan(one.brought), gain]


RETURNS = (
    gettext_lazy("Campaign or journey"), gettext_lazy("Costs entered"), gettext_lazy("Messages"), gettext_lazy("Brought"),
    gettext_lazy("Return on cost"),
)  # fmt: skip


def plain(one: Measure) -> list[object]:
    """A line of the scorecard's file."""
    value = {"cents": money.yuan(round(one.value)), "share": f"{one.value * 100:.2f}", "times": f"{one.value:.2f}"}
    part = one.part if one.unit == "share" else money.yuan(one.part)
    whole = money.yuan(one.whole) if one.unit == "times" else one.whole
    return [str(DIMENSIONS[one.dimension]), str(MEASURES[one.key][0]), value[one.unit], part, whole]


def place(row: Target) -> str:
    """Whom a target is for."""
    name = str(row.staff or row.store or row.region or brand.name())
    return f"{name} · {row.channel}" if row.channel else name


def rule(row: Incentive) -> str:
    """A line of pay as a sentence."""
    facts = {
        "figure": figures.worded(row.figure).label,
        "share": figures.shown("rate.again", row.rate) if row.rate % 10 == 0 else f"{row.rate / 100:.2f}%",
        "amount": money.show(row.rate),
        "percent": row.percent,
    }
    match row.kind:
        case Incentive.Kind.SHARE:
            return _("%(share)s of sales kept") % facts
        case Incentive.Kind.EACH:
            return _("%(amount)s for each: %(figure)s") % facts
    return _("%(amount)s once %(percent)s%% of the goal is reached: %(figure)s") % facts
