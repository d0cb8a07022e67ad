"""Orders and rules of the tests of points, made in one line."""

from datetime import UTC, datetime
from typing import Any

from apps.core import approvals
from apps.core.models import User
from apps.members.models import Member
from apps.orders import services as orders
from apps.orders.models import Order
from apps.orders.services import NewLine
from apps.points import publishing, rules
from apps.points.models import Account, Rule, RuleVersion

NOON = datetime(2026, 11, 30, 4, 0, tzinfo=UTC)  # Monday, noon in the shop
_PER_YUAN = {"kind": "per_amount", "points": 1, "per_cents": 100}


def rule(
    key: str, give: dict[str, Any] | None = None, *, trigger: str = "order", currency: str = "points", **more: Any
) -> Rule:
    """A published rule; by default a point for each yuan."""
    made = rules.create(
        key=key, name=key, name_en=key, currency=currency, trigger=trigger, draft={"give": give or _PER_YUAN, **more}
    )
    publish(made.pk)
    made.refresh_from_db()
    return made


def paid(
    member: Member, no: str, *lines: int, total: int | None = None, at: datetime = NOON, products: Any = (), **more: Any
) -> Order:
    """A paid order, not yet rewarded. `lines` in 分."""
    products = [*products, *[None] * len(lines)]
    made = orders.record(
        source="test",
        order_no=no,
        member_id=member.pk,
        lines=[NewLine(product_id=product, total_cents=cents) for product, cents in zip(products, lines, strict=False)],
        total_cents=sum(lines) if total is None else total,
        **more,
    )
    return orders.mark_paid(order_id=made.pk, paid_at=at)


def totals(member: Member, currency: str = "points") -> tuple[int, int, int]:
    """Balance, pending, debt."""
    account = Account.objects.filter(member=member, currency__key=currency).first()
    return (account.balance, account.pending, account.debt) if account else (0, 0, 0)


def publish(rule_id: int) -> RuleVersion:
    """The draft as the next version, by two people where it takes two."""
    maker, checker = (User.objects.get_or_create(username=name)[0] for name in ("maker", "checker"))
    done = publishing.publish(rule_id=rule_id, by=maker)
    if done.approval_id is not None:
        approvals.decide(approval_id=done.approval_id, user_id=checker.pk, is_agreed=True)
    version = Rule.objects.get(pk=rule_id).current
    assert version is not None
    return version
