"""A made-up basket held against coupons: what is tried, and what `coupons.quote` said of it, as rows."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from django import forms
from django.utils.functional import cached_property
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy

from apps.catalog import words as price_words
from apps.console import coupon_form, coupon_words, rule_rows, rule_trial
from apps.console.policy_form import Yuan
from apps.console.rule_trial import KnownMember
from apps.core import clock
from apps.coupons import quote, words
from apps.coupons import terms as grammar
from apps.coupons.basket import Held, Line, Shopper
from apps.coupons.errors import REASONS
from apps.coupons.models import Template
from apps.flows import put_lines, shopper
from apps.flows.shopper import Asked
from apps.stores.models import Store

LINES = 20
MOST = 300  # templates that are tried at once
_WHICH = [
    ("running", gettext_lazy("Every running coupon")),
    ("drafts", gettext_lazy("Running ones and drafts, a draft in place of what is published")),
    ("wallet", gettext_lazy("What the member has")),
]


class TrialForm(KnownMember):
    """`stores` limits whose members may be named; None: all."""

    which = forms.ChoiceField(
        label=gettext_lazy("Which coupons"), choices=_WHICH, widget=forms.RadioSelect, initial="drafts"
    )
    tier = forms.ChoiceField(label=gettext_lazy("Tier"), required=False)
    store = forms.ChoiceField(label=gettext_lazy("Store"), required=False)
    channel = forms.ChoiceField(label=pgettext_lazy("coupon", "Channels"), required=False)
    day = forms.DateField(
        label=gettext_lazy("Day"), widget=rule_rows.Day, required=False, help_text=gettext_lazy("Empty: now.")
    )
    at = forms.TimeField(label=gettext_lazy("Time"), widget=rule_rows.Time, required=False)
    shipping_cents = Yuan(label=gettext_lazy("Freight, yuan"), required=False)
    is_first = forms.BooleanField(label=gettext_lazy("It is the member's first order"), required=False)

    def __init__(self, *args: Any, tiers: dict[str, str], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        listed = Store.objects.order_by("code").values_list("code", "name")
        self.fields["tier"].choices = [("", _("None")), *tiers.items()]  # type: ignore[attr-defined]
        self.fields["store"].choices = [("", _("None")), *listed]  # type: ignore[attr-defined]
        self.fields["channel"].choices = [("", _("None")), *words.CHANNELS.items()]  # type: ignore[attr-defined]

    def clean(self) -> dict[str, Any]:
        said = super().clean() or {}
        if said.get("which") == "wallet" and self.member is None and "member_no" not in self.errors:
            self.add_error("member_no", _("Say whose coupons."))
        return said

    @cached_property
    def moment(self) -> datetime:
        """Of valid fields; asked once."""
        return rule_trial.moment(self.cleaned_data) or clock.now()


class LineForm(rule_trial.LineForm):
    quantity = forms.IntegerField(label=gettext_lazy("Pieces"), min_value=1, max_value=999, required=False)
    cents = Yuan(label=gettext_lazy("Yuan apiece; empty: the catalogue's price"), required=False)
    field_order = ("sku", "category", "quantity", "cents")


LineSet = forms.formset_factory(LineForm, extra=2, max_num=LINES, absolute_max=LINES)


@dataclass(frozen=True)
class Row:
    """One coupon: `saves` in the best combination, `alone` without any other, `why` it does not count."""

    name: str
    public_id: str
    said: str
    saves: int = 0
    alone: int = 0
    worth: int = 0
    why: str = ""
    is_best: bool = False
    lines: tuple[tuple[int, int], ...] = ()


@dataclass(frozen=True)
class Tried:
    """`before` and `after`: of the basket in 分, with freight. `prices`: the lines whose price the catalogue said, number, SKU, what it
    costs by the list, before coupons, and why."""

    rows: tuple[Row, ...]
    before: int
    saved: int
    prices: tuple[tuple[int, str, int, int, str], ...] = ()

    @property
    def after(self) -> int:
        return self.before - self.saved


def tried(form: TrialForm, lines: Any, *, public_id: Any) -> Tried:
    """Of valid fields. Nothing is written, whatever is tried. Raises PriceUnknown."""
    who = _shopper(form)
    put = _put(form, lines, who)
    helds = _wallet(form) if form.cleaned_data["which"] == "wallet" else _templates(form, who)
    found = quote.quote(helds, who, put.basket)
    known = coupon_words.known_parsed([held.terms for held in helds])
    rows = tuple(_row(offer, known, public_id(offer.held.template_id)) for offer in found.offers)
    prices = tuple(_price(told, line) for told, line in zip(put_lines.of(found, put), found.lines, strict=True))
    shown = tuple(one for one in prices if one is not None)
    return Tried(rows, found.goods_cents + put.basket.shipping_cents, found.saved_cents, shown)


def _price(told: put_lines.Told, line: Line) -> tuple[int, str, int, int, str] | None:
    if all(rule.kind == "given" for rule in told.rules):
        return None
    why = [price_words.rule(rule) for rule in told.rules] + [price_words.hint(hint) for hint in told.hints]
    return told.number, line.sku, told.list_cents, told.cents, " · ".join(dict.fromkeys(why))


def _row(offer: quote.Offer, known: words.Names, public_id: str) -> Row:
    terms, best = offer.held.terms, offer.best
    return Row(
        name=offer.held.name,
        public_id=public_id,
        said=f"{words.value(terms)} · {words.condition(terms)}",
        saves=best.cents if best else 0,
        alone=offer.alone,
        worth=offer.worth_cents,
        why=str(REASONS[offer.reason.code]) % offer.reason.facts if offer.reason else "",
        is_best=best is not None,
        lines=tuple(best.lines.items()) if best and len(best.lines) > 1 else (),
    )


def _put(form: TrialForm, lines: Any, who: Shopper) -> shopper.Put:
    """A line that says no price has the catalogue's, for this shopper at this moment."""
    said = form.cleaned_data
    rows = [row.cleaned_data for row in lines.forms if row.cleaned_data.get("cents") is not None or _sku(row)]
    put = shopper.basket_of(
        [Asked(row["cents"], row["quantity"] or 1, row["sku"].strip()) for row in rows],
        moment=form.moment,
        shopper=who,
        store=said["store"],
        channel=said["channel"],
        shipping_cents=said["shipping_cents"] or 0,
    )
    first, *ways = (
        tuple(_named(line, rows[line.number - 1]) for line in way) for way in (put.basket.lines, *put.basket.ways)
    )
    return replace(put, basket=replace(put.basket, lines=first, ways=tuple(ways)))


def _sku(row: Any) -> str:
    return str(row.cleaned_data.get("sku", "")).strip()


def _named(line: Line, row: dict[str, Any]) -> Line:
    """A category stands for goods that the catalogue does not know. Without SKU and category it is an amount of unknown goods."""
    if line.category or not row["category"]:
        return line
    return replace(line, sku=line.sku or f"line-{line.number}", category=row["category"])


def _shopper(form: TrialForm) -> Shopper:
    said = form.cleaned_data
    if form.member is not None:
        return shopper.shopper_of(form.member.pk, moment=form.moment)
    return Shopper(member_id=0, tier=said["tier"], orders=0 if said["is_first"] else 1)


def _wallet(form: TrialForm) -> Sequence[Held]:
    return shopper.wallet_of(form.member.pk, moment=form.moment) if form.member else []


def _templates(form: TrialForm, who: Shopper) -> list[Held]:
    """As if the member had claimed one of each this moment."""
    with_drafts = form.cleaned_data["which"] == "drafts"
    rows = Template.objects.select_related("version").exclude(state=Template.State.STOPPED).order_by("-pk")[:MOST]
    found = []
    for row in rows:
        said = coupon_words.whole(coupon_form.edited(row) if with_drafts else row.version and row.version.terms)
        if said is None and with_drafts and row.version is not None:
            said = row.version.terms
        if said is not None:
            starts, ends = grammar.validity(said, claimed_at=form.moment)
            name = coupon_words.name_of(row)
            found.append(Held(row.pk, row.pk, name, grammar.parse(said), "ready", starts, ends))
    return found
