"""A gift that was handed out at a till by mistake: it waits again. Who may do so is as for sales: see `checkout.undo`."""

from datetime import datetime

from django.db import transaction

from apps.core import audit, clock
from apps.core.errors import NotFound
from apps.flows.checkout import UNDO_WITHIN, Desk
from apps.flows.checkout_errors import UndoNeedsManager
from apps.points import mall
from apps.points.mall import Taken
from apps.points.models import Exchange


@transaction.atomic
def undo(
    *, exchange_id: int, handed_at: datetime, desk: Desk, manager_id: int | None = None, moment: datetime | None = None
) -> Taken:
    """Take the hand-over of `handed_at` back. The clerk alone within five minutes of their own, else with `manager_id`.

    Again, or after the next hand-over: a no-op. Raises UndoNeedsManager, PickUpElsewhere, NotFound.
    """
    moment = moment or clock.now()
    at = mall.Counter(store_id=desk.store_id, staff_id=desk.staff_id, guesser=f"device:{desk.device_id}")
    row = Exchange.objects.select_for_update(of=("self",)).filter(pk=exchange_id).first()
    if row is None:
        raise NotFound
    if row.settled_at == handed_at:
        is_own = row.handed_by_id == desk.staff_id and moment - handed_at <= UNDO_WITHIN
        if not is_own and manager_id is None:
            raise UndoNeedsManager
        facts = {"by": desk.staff_id, "agreed_by": None if is_own else manager_id, "device": desk.device_id}
        audit.record("exchange.taken_back", object_type="exchange", object_id=row.pk, after=facts)
    return mall.take_back(exchange_id=exchange_id, handed_at=handed_at, at=at)
