"""The in-app inbox as a channel: delivering is one INSERT, and a key that is already there is accepted again."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import connection
from django.db.models import QuerySet

from apps.core import prepared
from apps.gateways.messages import Outcome
from apps.gateways.models import InboxMessage


@dataclass(frozen=True, slots=True)
class Letter:
    """One inbox message for a member. `key` names it for ever. No phone number in title or body."""

    key: str
    member_id: int
    title: str
    body: str


def deliver_batch(letters: Sequence[Letter], *, moment: datetime) -> list[Outcome]:
    """Put letters into inboxes, in one statement; one `accepted` per letter, in order. May run in a transaction."""
    InboxMessage.objects.bulk_create(
        [
            InboxMessage(member_id=x.member_id, key=x.key, title=x.title, body=x.body, created_at=moment)
            for x in letters
        ],
        ignore_conflicts=True,
    )
    return [Outcome(x.key, "accepted", provider_id=f"inbox:{x.key}", code="OK") for x in letters]


def find_for_member(*, member_id: int) -> QuerySet[InboxMessage]:
    """The member's messages, newest first."""
    return InboxMessage.objects.filter(member_id=member_id).order_by("-id")


@dataclass(frozen=True, slots=True)
class Glance:
    """The newest messages, and how many are unread (`most` means that many or more)."""

    newest: tuple[InboxMessage, ...]
    unread: int


_COLUMNS = [field.attname for field in InboxMessage._meta.concrete_fields]
_GLANCE = f"""
    select (select count(*) from (
               select from gateways_inboxmessage u where u.member_id = %(member)s and u.read_at is null limit %(most)s
           ) unread), {", ".join(_COLUMNS)}
      from gateways_inboxmessage where member_id = %(member)s order by id desc limit %(newest)s
"""


def glance(*, member_id: int, newest: int, most: int) -> Glance:
    """For a first screen, in one statement."""
    rows = prepared.rows(_GLANCE, {"member": member_id, "most": most, "newest": newest})
    letters = tuple(InboxMessage.from_db(connection.alias, _COLUMNS, row[1:]) for row in rows)
    return Glance(newest=letters, unread=rows[0][0] if rows else 0)


def mark_read(*, member_id: int, message_id: int, moment: datetime) -> bool:
    """True when this call made it read; False when it was read before, or is not this member's."""
    unread = InboxMessage.objects.filter(pk=message_id, member_id=member_id, read_at=None)
    return bool(unread.update(read_at=moment))


def mark_all_read(*, member_id: int, moment: datetime) -> int:
    """Returns how many became read."""
    return InboxMessage.objects.filter(member_id=member_id, read_at=None).update(read_at=moment)


def unread(member_id: int) -> int:
    return InboxMessage.objects.filter(member_id=member_id, read_at=None).count()
