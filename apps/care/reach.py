"""Whom of an audience each channel reaches, and what stands in the way of the others."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection

from apps.care import gate
from apps.care.models import Channel
from apps.core import clock
from apps.members import consents, minors
from apps.segments import language, seen

# What must be there beside the yes, as the gate asks for it; a credit of any template will do before one is chosen.
_ADDRESS = {
    Channel.SMS.value: gate.HAS_PHONE,
    Channel.EMAIL.value: f"{gate.HAS_EMAIL} and not {gate.SUPPRESSED}",
    Channel.WECOM.value: gate.HAS_CONTACT,
    Channel.WECHAT.value: f"{gate.HAS_OPENID} and {gate.HAS_GRANT.format(template='g.template_id')}",
}


@dataclass(frozen=True)
class Reached:
    """Of `members`: so many can be reached, have not agreed, or have agreed and no usable address (or credit) is there. They add up.

    `capped`: of the reached, so many have had all that the caps allow; `rests_until`: quiet hours of the channel, None: not now.
    """

    channel: str
    members: int
    reached: int
    not_agreed: int
    no_address: int
    capped: int = 0
    rests_until: datetime | None = None


def of_rule(
    rule: Any, *, moment: datetime, purpose: str = "care", store_ids: Sequence[int] | None = None
) -> list[Reached]:
    """One statement for all channels; holdouts are judged when a message is planned. Raises BadRule.

    `store_ids`: members of these home stores alone.
    """
    read = language.compiled(rule, moment=moment)
    limits = gate.load()
    full = gate.full(limits, day=clock.local_date(moment), purpose=purpose)
    joins = [
        consents.joined("k_whole", purpose="%(purpose)s", channel="'any'"),
        f"left join ({full}) k_full on k_full.member_id = m.id",
    ]
    counts = ["count(*)"]
    for channel in Channel.values:
        alias = f"k_of_{channel}"
        joins.append(consents.joined(alias, purpose="%(purpose)s", channel=f"'{channel}'"))
        said_yes = gate.NOT_REFUSED if channel == Channel.WECHAT else gate.CONSENTED
        agreed = f"({said_yes.replace('k1.', f'{alias}.').replace('k2.', 'k_whole.')}) and not {minors.UNGUARDED}"
        address = f"({_ADDRESS.get(channel, 'true')})"
        counts += [
            f"count(*) filter (where {agreed} and {address})",
            f"count(*) filter (where {agreed} and not {address})",
            f"count(*) filter (where {agreed} and {address} and '{channel}' = any(k_full.channels))",
        ]
    with connection.cursor() as cursor:
        cursor.execute(
            f"select {', '.join(counts)} from members_member m {read.joins} {' '.join(joins)}"
            f" where {read.base} and {read.condition} and {seen.WITHIN}",
            read.params | {"purpose": purpose, **seen.reach(store_ids)},
        )
        members, *each = cursor.fetchone()
    three = zip(Channel.values, each[::3], each[1::3], each[2::3], strict=True)
    return [
        Reached(channel, members, good, members - good - lost, lost, had, _rests(limits.on(channel), moment))
        for channel, good, lost, had in three
    ]


def _rests(limits: gate.Gate, moment: datetime) -> datetime | None:
    return limits.next_allowed(moment) if limits.is_quiet(moment) else None
