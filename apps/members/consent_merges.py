"""What two people's statements come to when they are found to be one person.

The statements themselves are append-only and stay with the record that made them. Which one counts is decided per purpose and
channel: the newer of two that agree; of two that differ the withdrawal, unless the consent is newer *and* the member's own word.
An import or a member of staff never overrules a withdrawal by way of a merge.
"""

import json
from typing import Any, NamedTuple

from django.db import connection

from apps.core import clock

# Sources by which members speak for themselves: "portal", "api" (with their own token), "mini-program", "sms:R".
OWN_WORDS = ("portal", "api", "mini-program", "h5", "app", "sms", "wecom")

_NEWEST_SOURCE = """(select split_part(c.source, ':', 1) from members_consent c
    where c.member_id = {row}.member_id and c.purpose = {row}.purpose and c.channel = {row}.channel
    order by c.at desc, c.id desc limit 1) = any(%(own)s)"""
_MINE_OWN, _THEIRS_OWN = _NEWEST_SOURCE.format(row="m"), _NEWEST_SOURCE.format(row="t")
# The loser's lines (t) that count beside, or in place of, the survivor's (m).
COUNTING = f"""
    select t.* from members_consentnow t
    left join members_consentnow m on m.member_id = %(survivor)s and m.purpose = t.purpose and m.channel = t.channel
    where t.member_id = %(loser)s and (
        m.id is null
        or t.is_granted = m.is_granted and t.at > m.at
        or not t.is_granted and m.is_granted and not (m.at > t.at and {_MINE_OWN})
        or t.is_granted and not m.is_granted and t.at > m.at and {_THEIRS_OWN}
    )
"""
# Rows travel as JSON, so that a column added to the table travels too.
_TAKE = f"""
with counting as materialized ({COUNTING}), gone as (
    delete from members_consentnow m using counting t
    where m.member_id = %(survivor)s and m.purpose = t.purpose and m.channel = t.channel returning m.*
)
select (select coalesce(jsonb_agg(to_jsonb(g)), '[]') from gone g),
       (select coalesce(jsonb_agg(to_jsonb(t) || jsonb_build_object('member_id', %(survivor)s, 'id',
           nextval(pg_get_serial_sequence('members_consentnow', 'id')))), '[]') from counting t)
"""
_PUT = "insert into members_consentnow select * from jsonb_populate_recordset(null::members_consentnow, %s)"
# What the merge put there and no later statement has replaced.
_UNTOUCHED = """
with untouched as (
    delete from members_consentnow m using jsonb_to_recordset(%(after)s) a (id bigint, is_granted bool, at timestamptz)
    where m.id = a.id and m.is_granted = a.is_granted and m.at = a.at returning m.purpose, m.channel
)
insert into members_consentnow
select b.* from jsonb_populate_recordset(null::members_consentnow, %(before)s) b join untouched using (purpose, channel)
"""


def join(*, survivor_id: int, loser_id: int) -> dict[str, Any]:
    """Let the loser's statements count for the survivor where the rule says so. Returns the images that `part` needs."""
    with connection.cursor() as cursor:
        cursor.execute(_TAKE, _parameters(survivor_id, loser_id))
        before, after = (json.loads(part) if isinstance(part, str) else part for part in cursor.fetchone())
        cursor.execute(_PUT, [json.dumps(after)])
    return {"before": before, "after": after}


def part(images: dict[str, Any]) -> None:
    """Undo `join`; a statement made since then stays."""
    with connection.cursor() as cursor:
        cursor.execute(_UNTOUCHED, {name: json.dumps(images[name]) for name in ("before", "after")})


class Word(NamedTuple):
    """What a line says; `has_ended`: a yes that counts no more."""

    is_granted: bool
    has_ended: bool


def foresee(*, survivor_id: int, loser_id: int) -> dict[tuple[str, str], Word]:
    """The loser's lines that would count, by purpose and channel."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"select purpose, channel, is_granted, is_granted and coalesce(valid_until <= %(moment)s, false)"
            f" from ({COUNTING}) c order by 1, 2",
            _parameters(survivor_id, loser_id) | {"moment": clock.now()},
        )
        return {(purpose, channel): Word(*word) for purpose, channel, *word in cursor.fetchall()}


def _parameters(survivor_id: int, loser_id: int) -> dict[str, Any]:
    return {"survivor": survivor_id, "loser": loser_id, "own": list(OWN_WORDS)}
