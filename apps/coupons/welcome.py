"""Coupons for those who join: which they are is a brand setting; nobody is welcomed twice, whichever way they come back."""

import re
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import structlog
from django.db import connection, transaction
from django.utils.translation import gettext_lazy as _

from apps.core import audit, brand, clock
from apps.core.errors import DomainError
from apps.coupons import issuing, keeping
from apps.coupons.errors import CouponRefused
from apps.coupons.models import Coupon, Entry, Template

SETTING = "coupons.at_registration"
MOST = 10
log = structlog.get_logger("siyu.coupons")


def _check(value: Any) -> None:
    is_list = isinstance(value, list) and len(value) <= MOST
    if not is_list or not all(isinstance(key, str) and re.fullmatch(r"[-\w]{1,40}", key) for key in value):
        raise ValueError(f"a list of at most {MOST} keys of coupon templates is expected")


brand.declare(SETTING, default=[], check=_check)


class WelcomeFull(DomainError):
    """`most` in the facts."""

    code = "coupon_welcome_full"
    title = _("New members get %(most)s kinds of coupons already. Take one of them out first.")


def is_given(key: str) -> bool:
    """Does everybody who registers get a coupon of the template with this key?"""
    return key in brand.read(SETTING)


@transaction.atomic
def give(*, key: str, is_on: bool) -> None:
    """From now on it is, or is not, given to who registers. Again: a no-op. Raises WelcomeFull."""
    audit.sign()
    with connection.cursor() as cursor:
        cursor.execute("select pg_advisory_xact_lock(hashtextextended(%s, 0))", [SETTING])
    keys = [one for one in brand.read(SETTING) if one != key]
    if is_on and len(keys) >= MOST:
        raise WelcomeFull(most=MOST)
    brand.write(SETTING, [*keys, key] if is_on else keys)


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


@transaction.atomic
def keep_one(*, member_id: int, note: str) -> int:
    """One person, one welcome: of what several records were welcomed with, the welcome counts of which something was used or given
    away, else the earliest; what is unused of the others is recalled with `note`. Returns how many coupons. Repeatable."""
    welcomes: dict[str, list[Coupon]] = {}
    rows = Coupon.objects.select_for_update().filter(member_id=member_id, source__startswith="welcome:").order_by("pk")
    for row in rows:
        welcomes.setdefault(str(row.source).rpartition(":")[2], []).append(row)
    if len(welcomes) < 2:
        return 0
    _is_used, _first, kept = min(
        (not any(_is_spent(one) for one in its), its[0].pk, whose) for whose, its in welcomes.items()
    )
    others = [row.pk for whose, its in welcomes.items() if whose != kept for row in its]
    return keeping.recall_where("id = any(%(ids)s)", note=note, ids=others)


@transaction.atomic
def take_apart(*, note: str) -> int:
    """The records are two people after all: what `keep_one` recalled with this note counts again. Returns how many."""
    recalled = Entry.objects.filter(kind=Entry.Kind.RECALLED, note=note, by=None).values_list("coupon_id", flat=True)
    rows = Coupon.objects.filter(pk__in=list(recalled), state=Coupon.State.RECALLED).order_by("pk")
    return sum(keeping.restore_source(source=str(row.source)) for row in rows)


def _is_spent(row: Coupon) -> bool:
    return row.state in {Coupon.State.USED, Coupon.State.RESERVED, Coupon.State.GIVEN}


def _is_first(marks: Sequence[bytes], moment: datetime) -> bool:
    """All marks are kept either way; whoever is known by one of them already was welcomed."""
    wanted = sorted(set(marks))
    with connection.cursor() as cursor:
        cursor.execute(
            "insert into coupons_welcomed (digest, at) select d, %s from unnest(%s::bytea[]) d on conflict do nothing",
            [moment, wanted],
        )
        return cursor.rowcount == len(wanted)
