"""The coupon centre as one member sees it: what is there to claim, how much is left, and why not."""

from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count, Q, QuerySet

from apps.core import clock
from apps.coupons import terms as grammar
from apps.coupons.basket import Shopper
from apps.coupons.models import Coupon, Template
from apps.coupons.terms import Terms


@dataclass(frozen=True)
class Offer:
    """`left` and `share` (hundredths that are claimed) are None where there is no end of it. `why_not`: "" or a key of
    `errors.REASONS`; only the claim itself decides."""

    template: Template
    terms: Terms
    left: int | None
    share: int | None
    mine: int
    why_not: str

    @property
    def is_coming(self) -> bool:
        return self.why_not == "coupon_not_open"


def offers(*, shopper: Shopper, moment: datetime | None = None) -> list[Offer]:
    """What can be claimed first, flash sales before the others, then what is coming, then the rest. Two queries."""
    moment = moment or clock.now()
    found = list(_open(moment))
    counted = dict(
        Coupon.objects.filter(member_id=shopper.member_id, template__in=found, nth__isnull=False)
        .values_list("template_id")
        .annotate(Count("pk"))
    )
    told = [_offer(row, counted.get(row.pk, 0), shopper, moment) for row in found]
    return sorted(told, key=lambda one: (bool(one.why_not), not one.is_coming, not one.template.is_flash))


def has_any(moment: datetime) -> bool:
    """Does the centre show anything?"""
    return _open(moment).exists()


def shown(template_id: int, moment: datetime) -> Template | None:
    """A template that the centre shows; a claim of anything else is none of its own."""
    return _open(moment).filter(pk=template_id).first()


def _open(moment: datetime) -> QuerySet[Template]:
    rows = Template.objects.filter(Q(closes_at=None) | Q(closes_at__gt=moment), state="running", is_in_centre=True)
    return rows.select_related("version", "stock").order_by("opens_at", "-pk")


def _offer(row: Template, mine: int, shopper: Shopper, moment: datetime) -> Offer:
    assert row.version is not None  # noqa: S101 - a constraint of running templates
    terms = grammar.parse(row.version.terms)
    most, issued = row.stock.most, row.stock.issued
    left = None if most is None else most - issued
    share = None if not most else min(100, 100 * issued // most)
    return Offer(row, terms, left, share, mine, _why_not(row, terms, left, mine, shopper, moment))


def _why_not(row: Template, terms: Terms, left: int | None, mine: int, shopper: Shopper, moment: datetime) -> str:
    if row.per_member is not None and mine >= row.per_member:
        return "coupon_limit_reached"
    if left == 0:
        return "coupon_out_of_stock"
    if terms.tiers and shopper.tier not in terms.tiers:
        return "coupon_wrong_tier"
    if terms.segments and not terms.segments & shopper.segments:
        return "coupon_wrong_segment"
    if terms.groups and not terms.groups & shopper.groups:
        return "coupon_wrong_group"
    if terms.first_order and shopper.orders:
        return "coupon_first_order_only"
    return "coupon_not_open" if row.opens_at is not None and row.opens_at > moment else ""
