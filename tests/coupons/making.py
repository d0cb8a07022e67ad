"""Templates and coupons for tests. Terms are short: `terms(gives, **conditions)`."""

from datetime import datetime, timedelta
from typing import Any

from apps.core import clock
from apps.coupons import templates
from apps.coupons import terms as grammar
from apps.coupons.models import Coupon, Template
from apps.members.models import Member

AMOUNT = {"kind": "amount", "cents": 3_000}
DAYS_30 = {"kind": "after_claim", "days": 30}


def terms(gives: dict[str, Any] | None = None, *, level: str = "order", **conditions: Any) -> dict[str, Any]:
    """¥30 off an order, for 30 days from the claim on, unless said otherwise."""
    return {"gives": gives or AMOUNT, "level": level, "valid": DAYS_30} | conditions


def template(key: str = "thirty", said: dict[str, Any] | None = None, **fields: Any) -> Template:
    """A running template of these terms; `most`: its stock."""
    made = templates.create(key=key, name=f"券{key}", draft=said or terms(), **fields)
    templates.freeze(template_id=made.pk)
    made.refresh_from_db()
    return made


def coupon(of: Template, member: Member | None, *, at: datetime | None = None, **fields: Any) -> Coupon:
    """A row as issuing leaves it, without issuing it: for tests of what comes after."""
    if of.version is None:
        raise ValueError("publish the template first")
    starts, ends = grammar.validity(of.version.terms, claimed_at=at or clock.now() - timedelta(minutes=1))
    facts = {
        "template": of,
        "version": of.version,
        "member": member,
        "channel": "api",
        "starts_at": starts,
        "ends_at": ends,
    }
    return Coupon.objects.create(**(facts | fields))
