"""Three of the ready journeys, walked by half of the members (the other half meets the policies) through the last weeks of the replay.

Looked at every fourth day only, and nothing is too late by then: so the demo is there sooner.
"""

from datetime import datetime
from typing import Any

from apps.care.journeys import editing, ready, stepping
from apps.core import clock
from apps.coupons import templates

COUPON = "care-demo"
KEYS = ("lapsing", "winback", "birthday")
DAYS = 44  # before now
EVERY = 4  # days
PRIORITY = 5  # before the policies, which begin at 10
HALF = {"field": "bucket", "key": "journeys", "op": "lte", "value": 4_999}
_TERMS = {
    "gives": {"kind": "amount", "cents": 2_000}, "level": "order", "valid": {"kind": "after_claim", "days": 30},
    "minimum_cents": 5_000, "text": "演示券，不会真的优惠",
}  # fmt: skip


def begin(*, holdout_percent: int) -> None:
    """Published now, by whatever clock stands. `holdout_percent`: more than a shop would."""
    row = templates.create(key=COUPON, name="关怀券", name_en="Care coupon", draft=_TERMS, per_member=20)
    templates.freeze(template_id=row.pk)
    for key in KEYS:
        made = ready.take_over(key=key, language="zh-hans")
        draft: dict[str, Any] = made.draft | {
            "audience": HALF,
            "holdout_percent": holdout_percent,
            "late_days": EVERY + 1,
        }
        editing.save_draft(journey_id=made.pk, draft=draft, priority=PRIORITY)
        editing.publish(journey_id=made.pk)


def tick(moment: datetime) -> int:
    """Where everybody goes by this moment. Returns how many steps were taken."""
    with clock.frozen(moment):
        return stepping.tick(moment, seconds=600).steps.total()
