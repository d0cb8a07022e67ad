"""The figures of a month that a target may be set for, and how they follow from those of its days."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from django.utils.translation import gettext_lazy, pgettext_lazy

from apps.analytics.day import sources, words
from apps.analytics.day.sources import NET, PAID, REFUNDED
from apps.core import money

Unit = Literal["count", "cents", "points", "share"]
COSTS = "costs.cents"  # of the brand; from the costs themselves, which are entered for days long past
ENGAGED = ("engaged.members", "engaged.all")  # as they stood on the last day counted; no sum of days
HUNDREDTHS = 10_000  # a share is told in hundredths of a percent


@dataclass(frozen=True, kw_only=True)
class Goal:
    """`plus` less `minus`, or `plus` by `of`, a share or an amount for each: names of `DailyFigure`.

    `of_brand`: nothing of it belongs to a store. `is_low`: the less the better, and nothing is not known rather than 0. `asks`: what it
    takes to see it, where its rows are of no source.
    """

    name: str
    unit: Unit
    plus: str
    minus: str = ""
    of: str = ""
    of_people: bool = False
    has_channels: bool = False
    of_brand: bool = False
    is_low: bool = False
    asks: str = ""

    @property
    def needs(self) -> tuple[str, ...]:
        return tuple(filter(None, (self.plus, self.minus, self.of)))

    @property
    def permission(self) -> str:
        return self.asks or sources.SOURCE_OF[self.plus].permission

    def value(self, sums: Mapping[str, int]) -> int | None:
        """None: a share of nothing."""
        if self.of:
            whole = sums.get(self.of, 0)
            if not whole or (self.is_low and not sums.get(self.plus)):
                return None
            return round(sums.get(self.plus, 0) * (HUNDREDTHS if self.unit == "share" else 1) / whole)
        return sums.get(self.plus, 0) - (sums.get(self.minus, 0) if self.minus else 0)

    @property
    def rows(self) -> str:
        """The figure whose rows stand behind it; of a share: those that count."""
        return self.name if self.name in sources.LISTED else self.plus


GOALS: dict[str, Goal] = {
    goal.name: goal
    for goal in (
        Goal(name=NET, unit="cents", plus=PAID, minus=REFUNDED, of_people=True, has_channels=True),
        Goal(name="orders.paid", unit="count", plus="orders.paid", of_people=True, has_channels=True),
        Goal(name="orders.again", unit="count", plus="orders.again", of_people=True, has_channels=True),
        Goal(name="rate.again", unit="share", plus="orders.again", of="orders.paid", has_channels=True),
        Goal(name="members.joined", unit="count", plus="members.joined"),
        Goal(
            name="rate.joining",
            unit="cents",
            plus=COSTS,
            of="members.joined",
            of_brand=True,
            is_low=True,
            asks="costs.view",
        ),
        Goal(name="rate.engaged", unit="share", plus=ENGAGED[0], of=ENGAGED[1], asks="members.view"),
        Goal(name="coupons.used", unit="count", plus="coupons.used", of_people=True),
        Goal(name="bookings.arrived", unit="count", plus="bookings.arrived", of_people=True),
        Goal(name="rate.arrived", unit="share", plus="bookings.arrived", of="bookings.due"),
        Goal(name="tickets.ended", unit="count", plus="tickets.ended", of_people=True),
    )
}
OF_PEOPLE = tuple(name for name, goal in GOALS.items() if goal.of_people)
_MORE: dict[str, words.Words] = {
    NET: words.Words(
        gettext_lazy("Sales kept"), gettext_lazy("What members paid, less what was given back in the same days.")
    ),
    "rate.again": words.Words(
        gettext_lazy("Share of orders by members who had bought before"),
        gettext_lazy("Of all orders paid, those whose member had paid for an earlier one."),
    ),
    "rate.joining": words.Words(
        gettext_lazy("Cost of a new member"),
        gettext_lazy(
            "All marketing costs entered for the month, by the members who joined in it. The less the better."
        ),
    ),
    "rate.engaged": words.Words(
        gettext_lazy("Share of members who are active"),
        gettext_lazy(
            "Of the members of 28 days or more, those who opened a page, used the mini-program or read a message in 28 days."
        ),
    ),
    "rate.arrived": words.Words(
        gettext_lazy("Share of bookings that came"), gettext_lazy("Of all places taken, those ticked as here.")
    ),
    "orders.guided": words.Words(
        gettext_lazy("Orders with a guide"), gettext_lazy("Orders paid at which somebody of the staff is named.")
    ),
    "members.bought": words.Words(
        gettext_lazy("Joined and bought"), gettext_lazy("Of the members who joined, those with a first order by now.")
    ),
    "worth.net_cents": words.Words(
        gettext_lazy("Bought so far"), gettext_lazy("What the active members of these stores kept buying, ever.")
    ),
    "worth.members": words.Words(
        pgettext_lazy("figure", "Active members"), gettext_lazy("By home store; joined records count once.")
    ),
}


def worded(name: str) -> words.Words:
    return _MORE.get(name) or words.WORDS[name]


def unit(name: str) -> Unit:
    return GOALS[name].unit if name in GOALS else sources.LISTED[name][1].unit


def shown(name: str, value: int | None) -> str:
    """As pages show it; a share of nothing is a dash."""
    if value is None:
        return "–"
    match unit(name):
        case "cents":
            return money.show(value)
        case "share":
            return f"{value / 100:.1f}%".replace("-", "−")
    return words.number(value)


def plain(name: str, value: int | None) -> str:
    """As files hold it: yuan, percent, or a whole number."""
    if value is None:
        return ""
    match unit(name):
        case "cents":
            return money.yuan(value)
        case "share":
            return f"{value / 100:.2f}"
    return str(value)


def read(name: str, text: str) -> int:
    """The other way round, from a form or a file. Raises ValueError for what is no target of this figure."""
    kind = unit(name)
    cleaned = text.strip().removesuffix("%").strip()
    value = money.cents(cleaned) if kind in {"cents", "share"} else int(cleaned.replace(",", ""))
    most = HUNDREDTHS if kind == "share" else 10**13
    if not 0 < value <= most:
        raise ValueError(f"no target: {text[:40]!r}")
    return value
