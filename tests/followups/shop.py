"""Two stores with their people, and members of the first: what tasks are about."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from apps.core.models import User
from apps.followups.assigning import Assigned, NewTask, assign_many
from apps.followups.models import Entry, Task
from apps.followups.services import By
from apps.members import services as members
from apps.orders import services as orders
from apps.stores.models import Staff, Store
from tests import ready

NOON = datetime(2026, 11, 22, 4, 0, tzinfo=UTC)
DUE = NOON + timedelta(days=2)


@dataclass
class Shop:
    here: Store
    there: Store
    guide: Staff
    colleague: Staff
    manager: Staff
    stranger: Staff
    member: int


@ready.once
def build() -> Shop:
    here, there = (Store.objects.create(code=code, name=code) for code in ("HERE", "THERE"))
    return Shop(
        here=here, there=there, guide=staff("guide", here), colleague=staff("colleague", here),
        manager=staff("manager", here, role="manager"), stranger=staff("stranger", there), member=member(1, here),
    )  # fmt: skip


def staff(code: str, store: Store | None, *, role: str = "clerk", has_login: bool = True) -> Staff:
    user = User.objects.create_user(username=code) if has_login else None
    return Staff.objects.create(user=user, code=code, name=code, role=role, store=store)


def member(number: int, store: Store | None) -> int:
    return members.register(
        source="test", nickname=f"林{number}", phone=f"1990001{number:04d}", home_store_id=store.pk if store else None
    )


def bought(member_id: int, *, store: Store, guide: Staff | None, number: str, days: int = 3) -> None:
    at = NOON - timedelta(days=days)
    order = orders.record(
        source="pos", order_no=number, member_id=member_id, total_cents=100, store_id=store.pk,
        lines=[orders.NewLine(product_id=None, total_cents=100)], created_at=at,
        guide_id=guide.pk if guide else None,
    )  # fmt: skip
    orders.mark_paid(order_id=order.pk, paid_at=at)


def new(source: str, member_id: int | None = None, **more: object) -> NewTask:
    return NewTask(**{"source": source, "kind": "call", "title": "问候", "due_at": DUE, "member_id": member_id} | more)  # type: ignore[arg-type]


def give(*rows: NewTask, by: Staff | None = None) -> Assigned:
    return assign_many(rows, by_staff_id=by.pk if by else None)


def one(source: str) -> Task:
    return Task.objects.get(source=source)


def life(source: str) -> list[str]:
    return list(Entry.objects.filter(task__source=source).order_by("pk").values_list("kind", flat=True))


def by(person: Staff) -> By:
    return By(staff_id=person.pk, may_manage=person.role == "manager")
