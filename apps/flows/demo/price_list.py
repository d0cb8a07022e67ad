"""The demo's prices: list prices of what is bought most, as was paid for it, and a few labelled special prices and bundles."""

from datetime import datetime, timedelta

from django.db import connection

from apps.catalog import prices
from apps.catalog.models import Bundle, Price
from apps.catalog.prices import BundleWish, Terms, Who, Wish

PRODUCTS = 300
WHO = Who(source="demo")
LABEL = "演示"
# What a piece costs is the middle of what was paid for one, rounded up to ten 分.
_LISTS = """
insert into catalog_price (kind, product_id, cents, label, audience, store, channel, starts_at, weekdays, hours, week, source, made_at)
select 'list', product_id, ceil(each / 10.0) * 10, '', '', '', '', %(begun)s, '{}', '[]', '{[0,10080)}', 'demo', %(begun)s from (
    select l.product_id, count(*) as times,
           percentile_disc(0.5) within group (order by (l.total_cents + l.discount_cents) / l.quantity) as each
    from orders_line l where l.product_id is not null and l.quantity >= 1 and l.total_cents > 0
    group by l.product_id order by times desc, l.product_id limit %(most)s
) found where each >= 10
on conflict do nothing
"""


def live(*, now: datetime) -> tuple[int, int]:
    """Returns how many list prices and how many special ones there are, bundles among these. Again: a no-op."""
    if not Price.objects.filter(source="demo").exists():
        begun = now - timedelta(weeks=8)
        with connection.cursor() as cursor:
            cursor.execute(_LISTS, {"begun": begun, "most": PRODUCTS})
        _special(
            now, list(Price.objects.filter(source="demo", cents__gte=300).select_related("product").order_by("-pk")[:6])
        )
    found = Price.objects.filter(source="demo")
    return found.filter(kind="list").count(), found.exclude(kind="list").count() + Bundle.objects.count()


def _special(now: datetime, rows: list[Price]) -> None:
    if len(rows) < 6:
        return
    week = now + timedelta(days=7)
    cuts = (
        (10, f"{LABEL} 会员价", Terms("*")),
        (15, f"{LABEL} 周末会员价", Terms("*", weekdays=(6, 7), ends_at=week)),
        (20, f"{LABEL} 限时价", Terms(ends_at=now + timedelta(hours=20))),
        (20, f"{LABEL} 下周价", Terms(starts_at=week, ends_at=week + timedelta(days=7))),
    )
    for row, (off, label, terms) in zip(rows, cuts, strict=False):
        cents = row.cents * (100 - off) // 100
        prices.put(Wish(row.product.sku, cents, False, label, terms), who=WHO, moment=now)
    first, second = rows[4], rows[5]
    pair = ((first.product.sku, 1), (second.product.sku, 1))
    both = (first.cents + second.cents) * 85 // 100
    prices.bundle(BundleWish("set", f"{LABEL} 两件套", pair, "Demo pair", cents=both), who=WHO, moment=now)
    half = BundleWish(
        "nth", f"{LABEL} 第二件半价", ((rows[0].product.sku, 1),), "Demo: second at half", count=2, percent=50
    )
    prices.bundle(half, who=WHO, moment=now)
