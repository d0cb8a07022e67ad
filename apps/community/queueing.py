"""Handing messages to the community: each is judged against the quota and the staff at hand, and waits for its group send."""

import json
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from django.db import connection, transaction

from apps.community import quotas, words
from apps.community.group_models import Group
from apps.community.send_models import SendItem
from apps.core import clock
from apps.gateways.messages import Outcome

NO_STAFF, QUOTA = "WECOM_NO_STAFF", "WECOM_QUOTA"
FOR = timedelta(hours=48)  # after it a message is worth nothing any more
_LOCK = "select id from community_contact where external_userid = any(%s) order by id for update"
_QUEUE = """
with asked as materialized (
    select a.*, c.id as contact_id from jsonb_to_recordset(%(rows)s::jsonb) a(key text, external text, words text)
    left join community_contact c on c.external_userid = a.external
),
judged as materialized (
    select a.*, i.id is not null as is_known,
        exists (select from community_follow f join community_account s on s.userid = f.userid and s.is_active
            where f.contact_id = a.contact_id and f.left_at is null) as has_staff,
        (select count(*) from community_senditem n where n.contact_id = a.contact_id and n.spent_on between %(first)s and %(last)s)
            + row_number() over (partition by a.contact_id, i.id is null order by a.key) as place
    from asked a left join community_senditem i on i.key = a.key
),
queued as (
    insert into community_senditem (key, contact_id, text, state, code, queued_at, until, spent_on)
    select key, contact_id, words, 'queued', '', %(moment)s, %(until)s, %(day)s from judged
    where not is_known and has_staff and place <= %(most)s order by contact_id, key
    on conflict (key) do nothing
)
select key, case when is_known then '' when not has_staff then %(no_staff)s when place > %(most)s then %(quota)s else '' end from judged
"""


class Note(NamedTuple):
    """One message, ready to wait for its group send. Equal texts to customers of one colleague become one task."""

    key: str
    external_userid: str
    text: str


@transaction.atomic
def queue(notes: Sequence[Note], *, moment: datetime) -> list[Outcome]:
    """Take messages over, each key once. accepted: it waits for staff. refused: nobody has the customer, the quota is used
    up, or it has a word in it that the house does not say."""
    day = clock.local_date(moment)
    limit = quotas.window(day)
    stopped = {text for text in {note.text for note in notes} if words.found_in(text)}
    rows = [
        {"key": note.key, "external": note.external_userid, "words": note.text}
        for note in notes
        if note.text not in stopped
    ]
    with connection.cursor() as cursor:
        cursor.execute(_LOCK, [[note.external_userid for note in notes]])  # two drains must not both see room
        cursor.execute(
            _QUEUE,
            {"rows": json.dumps(rows, ensure_ascii=False), "first": limit.first, "last": limit.last, "most": limit.most,
             "moment": moment, "until": moment + FOR, "day": day, "no_staff": NO_STAFF, "quota": QUOTA},
        )  # fmt: skip
        codes = dict(cursor.fetchall()) | {note.key: words.STOPPED for note in notes if note.text in stopped}
    return [
        Outcome(note.key, "refused", code=codes[note.key])
        if codes[note.key]
        else Outcome(note.key, "accepted", code="OK")
        for note in notes
    ]


class GroupNote(NamedTuple):
    """One message into one group."""

    key: str
    group_id: int
    text: str


@transaction.atomic
def queue_group(note: GroupNote, *, until: datetime, moment: datetime) -> bool:
    """It waits for a group send of the group's owner, the key once. False: the group's quota is used up."""
    day = clock.local_date(moment)
    limit = quotas.window(day)
    Group.objects.select_for_update().get(pk=note.group_id)  # two must not both see room
    if SendItem.objects.filter(key=note.key).exists():
        return True
    spent = SendItem.objects.filter(group_id=note.group_id, spent_on__range=(limit.first, limit.last))
    if spent.count() >= limit.most:
        return False
    SendItem.objects.create(
        key=note.key, group_id=note.group_id, text=note.text, queued_at=moment, until=until, spent_on=day
    )
    return True


def known(keys: Sequence[str]) -> dict[str, Outcome]:
    """Which keys were taken over. Absent: it never came here."""
    found = SendItem.objects.filter(key__in=keys).values_list("key", flat=True)
    return {key: Outcome(key, "accepted", code="OK") for key in found}
