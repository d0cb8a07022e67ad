"""The dry run of rules as fields: an order that exists, or a made-up basket; and what `rules.dry_run` said, as rows."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from apps.catalog.models import Category
from apps.console import rule_rows, rule_words
from apps.console.policy_form import Yuan
from apps.console.rule_words import Names
from apps.core import clock
from apps.members import selectors as members
from apps.members.models import Member
from apps.orders.models import Order
from apps.points import reasons
from apps.points.reckoning import Outcome
from apps.points.rules import Basket, BasketLine
from apps.stores.models import Store

_SOURCES = [("order", gettext_lazy("An order that exists")), ("basket", gettext_lazy("A made-up basket"))]
LINES = 20


class KnownMember(forms.Form):
    """A member by number, or somebody made up. `stores` limits whom one may name; None: all."""

    member_no = forms.CharField(
        label=gettext_lazy("Member number"), max_length=40, required=False,
        help_text=gettext_lazy("Empty: somebody made up, of the tier beside it."),
    )  # fmt: skip

    def __init__(self, *args: Any, stores: Sequence[int] | None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.stores = stores
        self.member: Member | None = None

    def clean(self) -> dict[str, Any]:
        said = super().clean() or {}
        number = said.get("member_no", "").strip()
        if number and self.asks_member(said):
            self.member = members.within(Member.objects.all(), self.stores).filter(member_no=number).first()
            if self.member is None:
                self.add_error("member_no", _("No member has this number."))
        return said

    def asks_member(self, said: dict[str, Any]) -> bool:
        return True


class TrialForm(KnownMember):
    """An order that exists, or a basket."""

    source = forms.ChoiceField(
        label=gettext_lazy("What is tried"), choices=_SOURCES, widget=forms.RadioSelect, initial="order"
    )
    order_no = forms.CharField(label=gettext_lazy("Order number"), max_length=64, required=False)
    tier = forms.ChoiceField(label=gettext_lazy("Tier"), required=False)
    store = forms.ChoiceField(label=gettext_lazy("Store"), required=False)
    channel = forms.CharField(label=gettext_lazy("Channel"), max_length=40, required=False)
    day = forms.DateField(
        label=gettext_lazy("Paid on"), widget=rule_rows.Day, required=False, help_text=gettext_lazy("Empty: now.")
    )
    at = forms.TimeField(label=gettext_lazy("Time"), widget=rule_rows.Time, required=False)
    total_cents = Yuan(
        label=gettext_lazy("Total in yuan"), help_text=gettext_lazy("Empty: the sum of the lines."), required=False
    )
    is_first = forms.BooleanField(label=gettext_lazy("It is the member's first order"), required=False)
    drafts = forms.BooleanField(
        label=gettext_lazy("Drafts count in place of what is published"), required=False, initial=True
    )

    def __init__(self, *args: Any, known: Names, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.order: Order | None = None
        self.fields["tier"].choices = list(known.tiers.items())  # type: ignore[attr-defined]
        listed = Store.objects.order_by("code").values_list("code", "name")
        self.fields["store"].choices = [("", _("None")), *listed]  # type: ignore[attr-defined]

    def clean(self) -> dict[str, Any]:
        said = super().clean() or {}
        if said.get("source") == "order":
            self._find_order(said.get("order_no", "").strip())
        return said

    def asks_member(self, said: dict[str, Any]) -> bool:
        return said.get("source") != "order"

    def _find_order(self, number: str) -> None:
        found = Order.objects.filter(order_no=number).order_by("-pk")
        if self.stores is not None:
            found = found.filter(store__in=self.stores)
        self.order = found.first() if number else None
        if self.order is None:
            self.add_error("order_no", _("No order has this number."))

    def basket(self, lines: Any) -> Basket:
        """Of valid fields and valid `lines`."""
        said = self.cleaned_data
        rows = [row.cleaned_data for row in lines.forms if row.cleaned_data.get("cents") is not None]
        return Basket(
            member_id=self.member.pk if self.member else None,
            lines=tuple(BasketLine(row["sku"].strip(), row["cents"], row["category"]) for row in rows),
            tier=said["tier"],
            total_cents=said["total_cents"],
            store=said["store"],
            channel=said["channel"].strip(),
            is_first=said["is_first"],
            at=moment(said),
        )


class LineForm(forms.Form):
    sku = forms.CharField(label=gettext_lazy("SKU"), max_length=60, required=False)
    category = forms.ChoiceField(label=gettext_lazy("Category, where the SKU is not known"), required=False)
    cents = Yuan(label=gettext_lazy("Paid in yuan"), required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        listed = Category.objects.order_by("name").values_list("name", "name")
        self.fields["category"].choices = [("", _("None")), *listed]  # type: ignore[attr-defined]

    def clean_cents(self) -> int | None:
        amount: int | None = self.cleaned_data["cents"]
        if amount is not None and amount < 0:
            raise forms.ValidationError(_("Enter an amount such as 12.50."))
        return amount


LineSet = forms.formset_factory(LineForm, extra=2, max_num=LINES, absolute_max=LINES)


@dataclass(frozen=True)
class Row:
    """What one rule gave. `shares` are (line number, points, why), where lines say more than the rule."""

    key: str
    name: str
    is_draft: bool
    points: int
    currency: str
    why: str
    usable: str  # when, where that is not at once
    shares: tuple[tuple[int, int, str], ...]


def rows(outcomes: Sequence[Outcome], known: Names, rules: dict[int, Any], drafts: Sequence[int]) -> list[Row]:
    """In the order of the run. `rules`: by id the rule and its name in the reader's language."""
    return [
        Row(
            key=one.rule.key,
            name=rules[one.rule.id],
            is_draft=one.rule.id in drafts,
            points=one.points,
            currency=known.currencies[one.rule.currency_id],
            why=reasons.text(one.reason),
            usable=rule_words.usable(one.rule.definition) if one.points else "",
            shares=()
            if _is_plain(one)
            else tuple(
                (share.line_no, share.points, reasons.text(share.reason)) for share in one.shares if share.line_no
            ),
        )
        for one in outcomes
    ]


def sums(found: Iterable[tuple[str, int]]) -> list[tuple[str, int]]:
    """Points in all, by what they are called."""
    given: dict[str, int] = {}
    for currency, points in found:
        given[currency] = given.get(currency, 0) + points
    return list(given.items())


def _is_plain(one: Outcome) -> bool:
    """Its lines say no more than the rule itself."""
    return not one.points and all(share.reason == one.reason for share in one.shares)


def moment(said: dict[str, Any]) -> datetime | None:
    if said["day"] is None:
        return None
    return datetime.combine(said["day"], said["at"], clock.SHOP_ZONE) if said["at"] else clock.day_start(said["day"])
