"""Live codes: who is on duty stands behind the code, nobody gets more customers a day than the plan says, and no code is ever dead."""

import secrets
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime, time, timedelta
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from apps.community import words
from apps.community.models import Account, Follow, LiveCode
from apps.core import audit, clock
from apps.core.errors import ValidationFailed
from apps.gateways import wecom
from apps.gateways.wecom_calls import Refused, Unanswered

MOST_USERS = 100
MOST_SHIFTS = 14


def on_duty(code: LiveCode, *, moment: datetime, added: Mapping[str, int]) -> list[str]:
    """Who should stand behind the code: those of the shift who have room today, else the spare staff, else the whole shift.

    `added`: customers of today by userid. Spare staff have no limit: a code that leads to nobody loses the customer.
    """
    local = clock.local(moment)
    shift = [
        userid
        for row in code.shifts
        if local.isoweekday() in row["days"] and _within(local.time(), row["from"], row["until"])
        for userid in row["users"]
    ]
    free = [userid for userid in shift if not code.daily_limit or added.get(userid, 0) < code.daily_limit]
    everybody = [userid for row in code.shifts for userid in row["users"]]
    return list(dict.fromkeys(free or code.spare or shift or everybody))[:MOST_USERS]


def added_today(code_id: int, *, moment: datetime) -> dict[str, int]:
    """Customers who came by the code on the shop day of `moment`, by userid; those who left again count too."""
    start = clock.day_start(clock.local_date(moment))
    rows = Follow.objects.filter(code_id=code_id, since_at__gte=start, since_at__lt=start + timedelta(days=1))
    return dict(Counter(rows.values_list("userid", flat=True)))


def create(
    *,
    name: str,
    shifts: Sequence[dict[str, Any]],
    spare: Sequence[str] = (),
    daily_limit: int = 0,
    welcome: str = "",
    tag_id: int | None = None,
    group_code_id: int | None = None,
) -> LiveCode:
    """Keep the plan, then ask WeCom for the code; a trouble there stands in `trouble`, and the next refresh tries again.

    Raises ValidationFailed. Call it with no transaction open.
    """
    _check(name, shifts, spare, welcome)
    with transaction.atomic():
        code = LiveCode.objects.create(
            name=name.strip(),
            state=f"lc-{secrets.token_hex(6)}",
            shifts=list(shifts),
            spare=list(spare),
            daily_limit=daily_limit,
            welcome=welcome,
            tag_id=tag_id,
            group_code_id=group_code_id,
        )
        audit.record("live_code.created", object_type="live_code", object_id=code.pk, after={"name": code.name})
    return tell(code, moment=clock.now())


def change(
    *,
    code_id: int,
    name: str,
    shifts: Sequence[dict[str, Any]],
    spare: Sequence[str],
    daily_limit: int,
    welcome: str,
    tag_id: int | None,
    group_code_id: int | None = None,
) -> LiveCode:
    """The new plan holds at once. Raises ValidationFailed."""
    _check(name, shifts, spare, welcome)
    with transaction.atomic():
        code = LiveCode.objects.select_for_update().get(pk=code_id)
        code.name, code.shifts, code.spare = name.strip(), list(shifts), list(spare)
        code.daily_limit, code.welcome, code.tag_id, code.group_code_id = daily_limit, welcome, tag_id, group_code_id
        code.save()
        audit.record("live_code.changed", object_type="live_code", object_id=code.pk, after={"name": code.name})
    return tell(code, moment=clock.now())


def tell(code: LiveCode, *, moment: datetime) -> LiveCode:
    """Let WeCom know who is behind the code now, if it does not know yet."""
    wanted = on_duty(code, moment=moment, added=added_today(code.pk, moment=moment))
    if code.config_id and wanted == code.users and not code.trouble:
        return code
    try:
        if code.config_id:
            wecom.change_way(code.config_id, users=wanted)
        else:
            code.config_id, code.qr_url = wecom.add_way(users=wanted, state=code.state, remark=code.name)
        code.users, code.trouble = wanted, ""
    except Unanswered as failure:
        code.trouble = failure.code[:40]
    except Refused as refused:
        code.trouble = f"WECOM_{refused.code}"
    code.save(update_fields=["config_id", "qr_url", "users", "trouble"])
    return code


def refresh() -> int:
    """Every active code as its plan has it now. Returns how many changed."""
    moment, changed = clock.now(), 0
    for code in LiveCode.objects.filter(is_active=True).order_by("pk"):
        before = (code.users, code.trouble)
        tell(code, moment=moment)
        changed += (code.users, code.trouble) != before
    return changed


def _within(at: time, start: str, end: str) -> bool:
    """A shift over midnight ends on the next day; its days are those on which it is asked for."""
    first, last = time.fromisoformat(start), time.fromisoformat(end)
    return first <= at < last if first < last else at >= first or at < last


def _check(name: str, shifts: Sequence[dict[str, Any]], spare: Sequence[str], welcome: str) -> None:
    errors = []
    if word := words.found_in(welcome):
        said = _("“%(word)s” is a word that the house does not say.") % {"word": word}
        errors.append({"pointer": "/welcome", "code": "stopped_word", "message": said})
    if not 0 < len(name.strip()) <= 30:
        errors.append({"pointer": "/name", "code": "invalid", "message": _("Give it a name of at most 30 characters.")})
    people = [userid for row in shifts for userid in row["users"]]
    if not people or len(shifts) > MOST_SHIFTS:
        errors.append({"pointer": "/shifts", "code": "invalid", "message": _("Say who is there, and when.")})
    known = set(Account.objects.filter(userid__in=[*people, *spare], is_active=True).values_list("userid", flat=True))
    if missing := sorted({*people, *spare} - known):
        sentence = _("These do not work in WeCom: %(names)s.") % {"names": ", ".join(missing)}
        errors.append({"pointer": "/users", "code": "unknown", "message": sentence})
    if errors:
        raise ValidationFailed(errors=errors)
