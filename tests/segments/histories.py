"""Orders in the database and in the reference at once, with the notes that the orders app would leave."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count

from apps.catalog.models import Category, Product
from apps.members.models import Member
from apps.orders.models import Change, Line, Order, Refund
from apps.segments.models import MemberStats
from apps.stores.models import Store
from tests.segments.reference import Purchase

T0 = datetime(2026, 1, 1, 4, tzinfo=UTC)  # noon, shop time
_numbers = count(1)


def day(n: float) -> datetime:
    """n days after T0; day(30) lies exactly 30 × 24 h later."""
    return T0 + timedelta(days=n)


@dataclass
class Life:
    """One member and what they bought, as the reference sees it."""

    member: Member
    purchases: dict[int, Purchase] = field(default_factory=dict)

    @property
    def stats(self) -> MemberStats:
        return MemberStats.objects.get(member=self.member)


def life(*days: float, joined: float = -1) -> Life:
    """A member with an order of 100 yuan on each of these days."""
    number = next(_numbers)
    one = Life(Member.objects.create(member_no=f"M{number:06d}", joined_at=day(joined)))
    for n in days:
        buy(one, day(n))
    return one


def buy(
    one: Life,
    at: datetime,
    *,
    total: int = 10_000,
    store: Store | None = None,
    channel: str = "",
    products: tuple[Product, ...] = (),
    note: bool = True,
) -> Purchase:
    order = Order.objects.create(
        source="test", order_no=str(next(_numbers)), member=one.member, status=Order.Status.PAID, total_cents=total,
        paid_at=at, store=store, channel=channel,
    )  # fmt: skip
    for line_no, product in enumerate(products, 1):
        Line.objects.create(order=order, line_no=line_no, product=product, total_cents=total // len(products))
    if note:
        Change.objects.create(member=one.member, due_at=at)
    made = Purchase(
        id=order.pk, paid_at=at, total=total, store=store.pk if store else None, channel=channel,
        categories=tuple(product.category_id for product in products if product.category_id),
    )  # fmt: skip
    one.purchases[order.pk] = made
    return made


def refund(one: Life, purchase: Purchase, at: datetime, amount: int | None = None) -> None:
    """All that is left of the order, or `amount` 分."""
    amount = amount or purchase.total - sum(given for _, given in purchase.refunds)
    purchase.refunds.append((at, amount))
    Refund.objects.create(order_id=purchase.id, amount_cents=amount, source=str(next(_numbers)), refunded_at=at)
    Order.objects.filter(pk=purchase.id).update(refunded_cents=sum(given for _, given in purchase.refunds))
    Change.objects.create(member=one.member, due_at=at)


def cancel(one: Life, purchase: Purchase, at: datetime) -> None:
    purchase.is_cancelled = True
    Order.objects.filter(pk=purchase.id).update(status=Order.Status.CANCELLED)
    Change.objects.create(member=one.member, due_at=at)


def shops(n: int = 3) -> list[Store]:
    return [Store.objects.create(code=f"S{i}", name=f"Shop {i}") for i in range(n)]


def goods(n: int = 4) -> list[Product]:
    """n products in as many categories, and one in none."""
    made = [
        Product.objects.create(sku=f"P{i}", name=f"Tea {i}", category=Category.objects.create(name=f"Kind {i}"))
        for i in range(n)
    ]
    return [*made, Product.objects.create(sku="loose", name="Loose")]
