"""Writing prices. Rows stay: a new price ends the one before it, a stop moves an end, and the undoing of a stop is a new row.

A repeat of what counts already writes nothing. Locks: the product, so that the ends of its rows fit each other; races that slip past
are stopped by the exclusion constraint.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from typing import Any, TypeVar

from django.db import IntegrityError, transaction
from django.db.models import Q

from apps.catalog import pricing
from apps.catalog.errors import (
    BundleInvalid,
    PriceForAllNeedsEnd,
    PriceIsOver,
    PriceNotBelowList,
    PriceOverlaps,
    PriceWrongTimes,
    ProductUnknown,
)
from apps.catalog.models import EVERYONE, Bundle, BundleItem, Price, Product
from apps.core import audit, clock
from apps.core.errors import NotFound
from apps.core.models import User

MOST_ITEMS = 200  # products of a bundle


@dataclass(frozen=True)
class Terms:
    """For whom, where and when. `starts_at` None: from now on. `hours`: pairs of "HH:MM", from and until."""

    audience: str = ""
    store: str = ""
    channel: str = ""
    starts_at: datetime | None = None
    ends_at: datetime | None = None
    weekdays: tuple[int, ...] = ()
    hours: tuple[tuple[str, str], ...] = ()

    @property
    def week(self) -> tuple[tuple[int, int], ...]:
        return pricing.week_of(self.weekdays, [(_minutes(a), _minutes(b)) for a, b in self.hours])

    def columns(self, starts_at: datetime) -> dict[str, Any]:
        kept = asdict(self) | {"starts_at": starts_at, "weekdays": list(self.weekdays), "week": self.week}
        return kept | {"hours": [list(pair) for pair in self.hours]}


@dataclass(frozen=True)
class Wish:
    """A price as it shall be. `is_list`: the list price, which has no audience and no end."""

    sku: str
    cents: int
    is_list: bool = False
    label: str = ""
    terms: Terms = field(default_factory=Terms)


@dataclass(frozen=True)
class BundleWish:
    """`items`: SKU and how many (a set), 1 each else."""

    kind: str
    name: str
    items: tuple[tuple[str, int], ...]
    name_en: str = ""
    count: int | None = None
    cents: int | None = None
    percent: int | None = None
    terms: Terms = field(default_factory=Terms)


AnyWish = TypeVar("AnyWish", Wish, BundleWish)


@dataclass(frozen=True)
class Who:
    """`source`: the door. `agreed_by`: the second person, where one was asked."""

    by: User | None = None
    agreed_by: User | None = None
    source: str = ""

    @property
    def columns(self) -> dict[str, Any]:
        return {"by": self.by, "agreed_by": self.agreed_by, "source": self.source}


@transaction.atomic
def put(wish: Wish, *, who: Who, moment: datetime | None = None, takes_over: bool = False) -> tuple[Price, bool]:
    """The row that counts, and whether it is new.

    A list price takes the place of the one before from its start on. A special price that meets another one of the same audience, store
    and channel is refused (PriceOverlaps), or `takes_over`: then one that runs ends when this begins. Raises ProductUnknown,
    PriceNotBelowList, PriceWrongTimes, PriceForAllNeedsEnd.
    """
    audit.sign()
    moment = moment or clock.now()
    product = Product.objects.select_for_update(no_key=True).filter(sku=wish.sku).first()
    if product is None:
        raise ProductUnknown(sku=wish.sku)
    starts = wish.terms.starts_at or moment
    if starts < moment or (wish.terms.ends_at is not None and wish.terms.ends_at <= starts):
        raise PriceWrongTimes
    if wish.is_list:
        return _put_list(product, wish, starts, who)
    return _put_special(product, wish, starts, who, takes_over=takes_over)


def _put_list(product: Product, wish: Wish, starts: datetime, who: Who) -> tuple[Price, bool]:
    rows = Price.objects.filter(product=product, kind=Price.Kind.LIST)
    now = rows.filter(Q(ends_at=None) | Q(ends_at__gt=starts), starts_at__lte=starts).first()
    later = rows.filter(starts_at__gt=starts).exclude(ends_at=starts).order_by("starts_at").first()
    while later is not None and later.ends_at == later.starts_at:  # taken back before it began
        later = rows.filter(starts_at__gt=later.starts_at).order_by("starts_at").first()
    if now is not None and now.cents == wish.cents:
        return now, False
    if now is not None:
        now.ends_at = starts
        now.save(update_fields=["ends_at"])
    made = Price.objects.create(
        product=product, kind=Price.Kind.LIST, cents=wish.cents, starts_at=starts,
        ends_at=later.starts_at if later else None, **who.columns,
    )  # fmt: skip
    return made, True


def _put_special(product: Product, wish: Wish, starts: datetime, who: Who, *, takes_over: bool) -> tuple[Price, bool]:
    terms = wish.terms
    if terms.audience == EVERYONE and terms.ends_at is None:
        raise PriceForAllNeedsEnd
    listed = Price.objects.filter(
        Q(ends_at=None) | Q(ends_at__gt=starts), kind="list", product=product, starts_at__lte=starts
    )
    cents = listed.values_list("cents", flat=True).first()
    if cents is None or wish.cents >= cents:
        raise PriceNotBelowList(sku=wish.sku)
    columns = terms.columns(starts) | {"product": product, "kind": Price.Kind.SPECIAL}
    mine = Price.objects.filter(
        product=product, kind="special", audience=terms.audience, store=terms.store, channel=terms.channel
    )
    for row in mine.filter(Q(ends_at=None) | Q(ends_at__gt=starts), starts_at__lte=starts):
        if (row.cents, row.label, row.ends_at, row.week) == (wish.cents, wish.label, terms.ends_at, terms.week):
            return row, False
        if takes_over and _meet(row.week, terms.week):
            row.ends_at = starts
            row.save(update_fields=["ends_at"])
    try:
        with transaction.atomic():
            return Price.objects.create(cents=wish.cents, label=wish.label, **columns, **who.columns), True
    except IntegrityError:
        raise PriceOverlaps(sku=wish.sku) from None


@transaction.atomic
def bundle(wish: BundleWish, *, who: Who, moment: datetime | None = None) -> Bundle:
    """Raises BundleInvalid, PriceWrongTimes, ProductUnknown."""
    audit.sign()
    moment = moment or clock.now()
    starts = wish.terms.starts_at or moment
    if starts < moment or (wish.terms.ends_at is not None and wish.terms.ends_at <= starts):
        raise PriceWrongTimes
    known = dict(Product.objects.filter(sku__in=[sku for sku, _n in wish.items]).values_list("sku", "pk"))
    for sku, _n in wish.items:
        if sku not in known:
            raise ProductUnknown(sku=sku)
    if not _is_whole(wish):
        raise BundleInvalid
    made = Bundle.objects.create(
        kind=wish.kind, name=wish.name, name_en=wish.name_en, count=wish.count, cents=wish.cents, percent=wish.percent,
        **wish.terms.columns(starts), **who.columns,
    )  # fmt: skip
    BundleItem.objects.bulk_create(BundleItem(bundle=made, product_id=known[sku], count=n) for sku, n in wish.items)
    return made


def _is_whole(wish: BundleWish) -> bool:
    skus, kind = [sku for sku, _n in wish.items], wish.kind
    if not 1 <= len(skus) <= MOST_ITEMS or len(set(skus)) != len(skus) or kind not in Bundle.Kind.values:
        return False
    counts = [n for _sku, n in wish.items]
    if kind == Bundle.Kind.SET:
        return wish.count is None and wish.percent is None and wish.cents is not None and 2 <= sum(counts) <= 20
    if set(counts) != {1} or wish.count is None or not 2 <= wish.count <= 20:
        return False
    return (wish.cents is None) != (wish.percent is None) and (wish.percent is not None) == (kind == Bundle.Kind.NTH)


@transaction.atomic
def stop(*, row: Price | Bundle, by: User | None, moment: datetime | None = None) -> None:
    """Counts no more from now on; one that has not begun never does. Of one that is over: a no-op. A list price is replaced instead."""
    audit.sign()
    moment = moment or clock.now()
    held = _locked(row)
    if held is None or (isinstance(held, Price) and held.kind == Price.Kind.LIST):
        raise NotFound
    if held.ends_at is not None and held.ends_at <= max(moment, held.starts_at):
        return
    held.was_until, held.stopped_at, held.stopped_by = held.ends_at, moment, by
    held.ends_at = max(moment, held.starts_at)
    held.save(update_fields=["ends_at", "stopped_at", "stopped_by", "was_until"])


def _locked(row: Price | Bundle) -> Price | Bundle | None:
    if isinstance(row, Price):
        return Price.objects.select_for_update(of=("self",)).filter(pk=row.pk).first()
    return Bundle.objects.select_for_update(of=("self",)).filter(pk=row.pk).first()


@transaction.atomic
def undo_stop(*, row: Price | Bundle, who: Who, moment: datetime | None = None) -> Price | Bundle:
    """The same terms again from now to the end they had, as a new row: the time in between stays as it was. Raises PriceIsOver,
    PriceOverlaps."""
    audit.sign()
    moment = moment or clock.now()
    if row.stopped_at is None or (row.was_until is not None and row.was_until <= moment):
        raise PriceIsOver
    starts = None if row.starts_at <= moment else row.starts_at
    pairs = tuple((a, b) for a, b in row.hours)
    terms = Terms(row.audience, row.store, row.channel, starts, row.was_until, tuple(row.weekdays), pairs)
    who = replace(who, agreed_by=who.agreed_by or row.agreed_by)
    if isinstance(row, Price):
        return put(Wish(row.product.sku, row.cents, False, row.label, terms), who=who, moment=moment)[0]
    items = tuple((item.product.sku, item.count) for item in row.items.select_related("product").order_by("pk"))
    wish = BundleWish(row.kind, row.name, items, row.name_en, row.count, row.cents, row.percent, terms)
    if _same_running(row, moment):
        raise PriceOverlaps(sku=items[0][0])
    return bundle(wish, who=who, moment=moment)


def _same_running(row: Bundle, moment: datetime) -> bool:
    again = Bundle.objects.filter(name=row.name, kind=row.kind, audience=row.audience, made_at__gt=row.stopped_at)
    return again.filter(Q(ends_at=None) | Q(ends_at__gt=moment)).exists()


def put_all(wishes: Sequence[Wish], *, who: Who, moment: datetime | None = None, takes_over: bool = False) -> int:
    """All or none, list prices first. Returns how many were new."""
    moment = moment or clock.now()
    ordered = sorted(wishes, key=lambda one: (one.sku, not one.is_list))
    with transaction.atomic():
        return sum(put(wish, who=who, moment=moment, takes_over=takes_over)[1] for wish in ordered)


def begun(wish: AnyWish, moment: datetime) -> AnyWish:
    """The same, from now on where it should have begun already."""
    if wish.terms.starts_at is None or wish.terms.starts_at > moment:
        return wish
    return replace(wish, terms=replace(wish.terms, starts_at=None))


def _meet(one: tuple[tuple[int, int], ...], other: tuple[tuple[int, int], ...]) -> bool:
    return any(a < d and c < b for a, b in one for c, d in other)


def _minutes(text: str) -> int:
    hour, minute = text.split(":")
    return int(hour) * 60 + int(minute)
