"""Three of the ready journeys, walked by half of the members (the other half meets the policies), and a campaign, through the last
weeks of the replay.

Looked at every fourth day only, and nothing is too late by then: so the demo is there sooner.
"""

from datetime import datetime
from typing import Any

from apps.care.campaigns import running
from apps.care.journeys import editing, ready, stepping
from apps.core import clock
from apps.core.models import User
from apps.coupons import templates
from apps.flows.demo.log_ins import username
from apps.stores.models import Role

COUPON = "care-demo"
KEYS = ("lapsing", "winback", "birthday")
DAYS = 44  # before now
EVERY = 4  # days
PRIORITY = 5  # before the policies, which begin at 10
HALF = {"field": "bucket", "key": "journeys", "op": "lte", "value": 4_999}
FIFTH = {"field": "bucket", "key": "campaign", "op": "lte", "value": 1_999}
_TERMS = {
    "gives": {"kind": "amount", "cents": 2_000}, "level": "order", "valid": {"kind": "after_claim", "days": 30},
    "minimum_cents": 5_000, "text": "演示券，不会真的优惠",
}  # fmt: skip


def _campaign() -> None:
    """Two texts to a fifth of the members, with some held out: begun at once, so that there is a result to look at by now."""
    texts = ("{{ nickname }}，秋日上新已到店，欢迎来看看。", "{{ nickname }}，为您留了几款秋日新品，到店可先试。")
    missing = {"nickname": {"policy": "default", "value": "会员"}}
    plan = {
        "audience": FIFTH, "purpose": "care", "holdout_percent": 20, "return_days": 30,
        "variants": [{"channel": "inbox", "template": text, "missing": missing} for text in texts],
    }  # fmt: skip
    marketer = User.objects.get(username=username(Role.MARKETER))
    running.start(campaign_id=running.create(name="秋日上新", plan=plan).pk, user_id=marketer.pk)


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
    _campaign()


def tick(moment: datetime) -> int:
    """Where everybody goes by this moment. Returns how many steps were taken."""
    with clock.frozen(moment):
        return stepping.tick(moment, seconds=600).steps.total()
