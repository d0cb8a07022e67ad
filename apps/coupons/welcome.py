"""Coupons for those who join: which they are is a brand setting; nobody is welcomed twice, whichever way they come back."""

import re
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import structlog
from django.db import connection, transaction

from apps.core import brand, clock
from apps.coupons import issuing
from apps.coupons.errors import CouponRefused
from apps.coupons.models import Template

SETTING = "coupons.at_registration"
MOST = 10
log = structlog.get_logger("siyu.coupons")


def _check(value: Any) -> None:
    is_list = isinstance(value, list) and len(value) <= MOST
    if not is_list or not all(isinstance(key, str) and re.fullmatch(r"[-\w]{1,40}", key) for key in value):
        raise ValueError(f"a list of at most {MOST} keys of coupon templates is expected")


brand.declare(SETTING, default=[], check=_check)


@transaction.atomic
def greet(*, member_id: int, marks: Sequence[bytes], moment: datetime | None = None) -> list[int]:
    """Issue the coupons for new members, unless somebody with one of these marks (keyed hashes of 32 bytes) had them before. A template
    that is stopped, over or out is left out. Returns coupon ids."""
    keys = brand.read(SETTING)
    if not keys or not _is_first(marks, moment or clock.now()):
        return []
    issued = []
    for template in Template.objects.filter(key__in=keys).order_by("pk"):
        try:
            made = issuing.issue(
                member_id=member_id, template_id=template.pk, source=f"welcome:{template.pk}:{member_id}",
                channel=issuing.Channel.REGISTER, moment=moment,
            )  # fmt: skip
        except CouponRefused as refused:
            log.warning("coupons.no_welcome", template=template.key, code=refused.code)
        else:
            issued.append(made.coupon_id)
    return issued


def _is_first(marks: Sequence[bytes], moment: datetime) -> bool:
    """All marks are kept either way; whoever is known by one of them already was welcomed."""
    wanted = sorted(set(marks))
    with connection.cursor() as cursor:
        cursor.execute(
            "insert into coupons_welcomed (digest, at) select d, %s from unnest(%s::bytea[]) d on conflict do nothing",
            [moment, wanted],
        )
        return cursor.rowcount == len(wanted)
