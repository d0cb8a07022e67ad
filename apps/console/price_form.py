"""Prices and bundles as plain fields, and what they would do: on a phone, and in a basket of one, two and more."""

from dataclasses import dataclass, replace
from datetime import datetime, time
from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext, pgettext_lazy

from apps.catalog import deciding, pricing, selectors, words
from apps.catalog.models import MEMBERS, Bundle, Product, whole_week
from apps.catalog.prices import BundleWish, Terms, Wish
from apps.catalog.pricing import Buyer, Offer, Special, Wanted, When
from apps.console.policy_form import Yuan
from apps.console.rule_form import Words
from apps.console.rule_rows import Day, Time
from apps.console.rule_words import WEEKDAYS
from apps.core import clock
from apps.coupons.words import CHANNELS
from apps.stores.models import Store


class DatedForm(forms.Form):
    """For whom, where and when."""

    audience = forms.ChoiceField(label=gettext_lazy("For whom"), required=False, initial=MEMBERS)
    store = forms.ChoiceField(label=gettext_lazy("Store"), required=False)
    channel = forms.ChoiceField(label=pgettext_lazy("coupon", "Channels"), required=False)
    from_day = forms.DateField(
        label=gettext_lazy("From the day"), widget=Day, required=False, help_text=gettext_lazy("Empty: now.")
    )
    from_time = forms.TimeField(label=gettext_lazy("Time of the first day"), widget=Time, required=False)
    to_day = forms.DateField(label=gettext_lazy("To the day, which counts"), widget=Day, required=False)
    to_time = forms.TimeField(label=gettext_lazy("Before this time of the last day"), widget=Time, required=False)
    weekdays = forms.MultipleChoiceField(
        label=gettext_lazy("Days of the week"), required=False, widget=forms.CheckboxSelectMultiple,
        choices=[(str(n), word) for n, word in enumerate(WEEKDAYS, start=1)],
    )  # fmt: skip
    hours_from = forms.TimeField(label=gettext_lazy("Each day from"), widget=Time, required=False)
    hours_until = forms.TimeField(label=gettext_lazy("Each day before"), widget=Time, required=False)
    reason = forms.CharField(label=gettext_lazy("Reason, for the second person"), max_length=200, required=False)

    def __init__(self, *args: Any, tiers: dict[str, str], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        everyone, members = pgettext("price audience", "Everyone"), pgettext("price audience", "Every member")
        listed = Store.objects.order_by("code").values_list("code", "name")
        self.fields["audience"].choices = [(MEMBERS, members), *tiers.items(), ("", everyone)]  # type: ignore[attr-defined]
        self.fields["store"].choices = [("", _("All stores")), *listed]  # type: ignore[attr-defined]
        self.fields["channel"].choices = [("", _("All channels")), *CHANNELS.items()]  # type: ignore[attr-defined]

    def clean(self) -> dict[str, Any]:
        said = super().clean() or {}
        if bool(said.get("hours_from")) != bool(said.get("hours_until")):
            self.add_error("hours_until", _("Both ends of the hours are needed."))
        return said

    def terms(self) -> Terms:
        """Of valid fields."""
        said = self.cleaned_data
        first, last = said["from_day"], said["to_day"]
        ends = None
        if last:
            ends = _at(last, said["to_time"]) if said["to_time"] else clock.day_end(last)
        hours = ((f"{said['hours_from']:%H:%M}", f"{said['hours_until']:%H:%M}"),) if said["hours_from"] else ()
        return Terms(
            audience=said["audience"], store=said["store"], channel=said["channel"],
            starts_at=_at(first, said["from_time"]) if first else None, ends_at=ends,
            weekdays=tuple(sorted(int(day) for day in said["weekdays"])), hours=hours,
        )  # fmt: skip


class PriceForm(DatedForm):
    is_list = forms.ChoiceField(
        label=gettext_lazy("Kind of price"),
        choices=[("", pgettext_lazy("price", "Special price")), ("1", pgettext_lazy("price", "List price"))],
        required=False,
    )
    sku = forms.CharField(label=gettext_lazy("SKU"), max_length=60)
    cents = Yuan(label=gettext_lazy("Yuan apiece"))
    label = forms.CharField(label=gettext_lazy("Name of the offer"), max_length=60, required=False)

    def clean_sku(self) -> str:
        sku = str(self.cleaned_data["sku"]).strip()
        if not Product.objects.filter(sku=sku).exists():
            raise forms.ValidationError(_("The catalogue does not know %(sku)s.") % {"sku": sku})
        return sku

    def wish(self) -> Wish:
        said, terms = self.cleaned_data, self.terms()
        if said["is_list"]:
            return Wish(said["sku"], said["cents"], True, terms=Terms(starts_at=terms.starts_at))
        return Wish(said["sku"], said["cents"], False, said["label"], terms)


class BundleForm(DatedForm):
    kind = forms.ChoiceField(label=gettext_lazy("Kind of bundle"), choices=Bundle.Kind.choices)
    name = forms.CharField(label=gettext_lazy("Name"), max_length=60)
    name_en = forms.CharField(label=gettext_lazy("English name"), max_length=60, required=False)
    goods = Words(
        label=gettext_lazy("SKUs"), help_text=gettext_lazy("Between commas; of a set with how many: A-1*2, B-7.")
    )
    count = forms.IntegerField(
        label=gettext_lazy("Of every so many pieces"), min_value=2, max_value=20, required=False, 
        help_text=gettext_lazy("Not for a set."),
    )  # fmt: skip
    cents = Yuan(label=gettext_lazy("Yuan for all together"), required=False)
    percent = forms.IntegerField(
        label=gettext_lazy("The cheapest costs so many percent"), min_value=0, max_value=99, required=False,
        help_text=gettext_lazy("0: it is free."),
    )  # fmt: skip

    def clean_goods(self) -> tuple[tuple[str, int], ...]:
        found = []
        for word in self.cleaned_data["goods"]:
            sku, _star, count = word.partition("*")
            if _star and not (count.strip().isascii() and count.strip().isdigit()):
                raise forms.ValidationError(_("A whole number is expected after the star: %(word)s.") % {"word": word})
            found.append((sku.strip(), int(count or 1)))
        known = set(Product.objects.filter(sku__in=[sku for sku, _n in found]).values_list("sku", flat=True))
        for sku, _n in found:
            if sku not in known:
                raise forms.ValidationError(_("The catalogue does not know %(sku)s.") % {"sku": sku})
        return tuple(found)

    def wish(self) -> BundleWish:
        said = self.cleaned_data
        is_nth, is_set = said["kind"] == Bundle.Kind.NTH, said["kind"] == Bundle.Kind.SET
        return BundleWish(
            kind=said["kind"], name=said["name"], name_en=said["name_en"], items=said["goods"],
            count=None if is_set else said["count"], cents=None if is_nth else said["cents"],
            percent=said["percent"] if is_nth else None, terms=self.terms(),
        )  # fmt: skip


@dataclass(frozen=True)
class Tried:
    """A basket with the wish in force. `rows`: how many pieces, by the list, to pay. `depth`: hundredths below the list at most."""

    name: str
    listed: int
    cents: int
    rule: str
    rows: tuple[tuple[str, int, int], ...]
    depth: int


def tried(wish: Wish | BundleWish, *, moment: datetime) -> Tried | None:
    """None where the catalogue has no list price of it yet."""
    at = max(wish.terms.starts_at or moment, moment)
    skus = [wish.sku] if isinstance(wish, Wish) else [sku for sku, _n in wish.items]
    sheet = selectors.sheet(skus, moment=moment)
    when = When(wish.terms.audience, wish.terms.store, wish.terms.channel, at, wish.terms.ends_at, whole_week())
    if isinstance(wish, Wish):
        if wish.is_list:
            sheet = replace(sheet, lists=dict(sheet.lists) | {wish.sku: wish.cents})
        else:
            mine = [*sheet.specials.get(wish.sku, ()), Special(0, wish.cents, when, wish.label)]
            sheet = replace(sheet, specials=dict(sheet.specials) | {wish.sku: mine})
        depth = deciding.depth(wish, selectors.list_cents(skus, moment=moment))
    else:
        offer = Offer(
            0, wish.kind, wish.name, dict(wish.items), when, wish.count or 0, wish.cents or 0, wish.percent or 0
        )
        sheet = replace(sheet, bundles=[offer])
        depth = deciding.bundle_depth(wish, sheet.lists)
    if any(sku not in sheet.lists for sku in skus):
        return None
    audience = wish.terms.audience
    buyer = Buyer(at, bool(audience), "" if audience == MEMBERS else audience, wish.terms.store, wish.terms.channel)
    return _tried(wish, sheet, buyer, depth)


def _tried(wish: Wish | BundleWish, sheet: pricing.Sheet, buyer: Buyer, depth: int) -> Tried:
    rows = []
    sku = wish.sku if isinstance(wish, Wish) else wish.items[0][0]
    for count in (1, 2, 3, 4) if isinstance(wish, Wish) or wish.kind != Bundle.Kind.SET else (1, 2):
        items = wish.items if isinstance(wish, BundleWish) and wish.kind == Bundle.Kind.SET else ((sku, 1),)
        wanted = [Wanted(n, one, many * count) for n, (one, many) in enumerate(items, start=1)]
        way = pricing.price(wanted, sheet, buyer).ways[0]
        said = _("%(n)s sets") % {"n": count} if len(items) > 1 else _("%(n)s pieces") % {"n": count}
        rows.append((said, sum(line.list_cents for line in way), sum(line.cents for line in way)))
    cents, rule = pricing.lowest(sku, sheet, buyer)
    name = Product.objects.values_list("name", flat=True).get(sku=sku)
    return Tried(name, sheet.lists[sku], cents, words.rule(rule), tuple(rows), depth)


def _at(day: Any, at: time | None) -> datetime:
    return datetime.combine(day, at or time(0), tzinfo=clock.SHOP_ZONE)
