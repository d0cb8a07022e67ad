"""What may have become of the cause since the decision: asked once more at the moment of sending, in the claim.

SQL over the touch `t` (member_id, decided_at, occurrence), its version `v` (params), member `m` and their stats `s`.
"""

from typing import NamedTuple

from apps.care import reasons
from apps.care.models import Version


class Check(NamedTuple):
    """`condition` true: nothing is sent, for `reason`. `asks_who_bought`: it names `bought.since`."""

    reason: str
    condition: str
    asks_who_bought: bool = False


# A kept order since the touch was decided.
BOUGHT_SINCE_DECISION = """exists (
                    select from orders_order o
                    where o.member_id = t.member_id and o.paid_at > t.decided_at and o.paid_at <= %(moment)s
                      and o.status <> 'cancelled' and o.total_cents > o.refunded_cents
                )"""
_BOUGHT = Check(reasons.BOUGHT, "bought.since", asks_who_bought=True)

CHECKS: dict[str, Check] = {
    Version.Trigger.STAGE_ENTERED: Check(
        reasons.STAGE_LEFT,
        "coalesce(s.stage, 'prospect') <> v.params ->> 'stage'"
        " or v.params ->> 'stage' in ('lapsing', 'dormant', 'lost') and bought.since",
        asks_who_bought=True,
    ),
    Version.Trigger.DAYS_SINCE_ORDER: _BOUGHT,
    Version.Trigger.SECOND_PURCHASE: _BOUGHT,
    Version.Trigger.JOURNEY: Check(
        reasons.BOUGHT, "(v.params ->> 'ends_on_order')::boolean and bought.since", asks_who_bought=True
    ),
}
