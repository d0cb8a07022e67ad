"""Tracked codes and short links: made by staff, opened by people, counted once per tap, named in what a member came by."""

import re
import secrets
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

from django.conf import settings
from django.db import IntegrityError, connection, transaction
from prometheus_client import Counter

from apps.activity import robots, targets, traps
from apps.activity.errors import CodeMalformed, CodeStopped, CodeTaken
from apps.activity.models import Code, Visitor
from apps.activity.robots import Look
from apps.activity.services import TOUCH_KEPT
from apps.core import audit, clock
from apps.core.errors import NotFound

LETTERS = "23456789ABCDEFGHJKMNPQRSTUVWXYZabcdefghijkmnpqrstuvwxyz"  # without 0 O 1 I l: people type codes off a poster
LENGTH = 7  # 55^7: 1.5 million million
SAME_TAP = timedelta(seconds=10)
_SLUG = re.compile(r"[0-9A-Za-z]{4,12}").fullmatch
_ANONYMOUS = re.compile(r"[A-Za-z0-9_-]{8,64}").fullmatch
OPENED = Counter("siyu_code_opens_total", "Openings of tracked codes, by why they count or not", ["outcome"])


@dataclass(frozen=True)
class Followed:
    """`address` is where to go; `anonymous_id` what the browser is called from now on, "" for a robot; `why_not` "" when counted.

    `bait`: what the hidden link beside this answer says, "" where nothing was counted (see `traps.py`).
    """

    address: str
    target: str  # as the code says it
    anonymous_id: str
    why_not: str
    bait: str = ""

    @property
    def is_counted(self) -> bool:
        return not self.why_not


@transaction.atomic
def create(
    *,
    name: str,
    target: str,
    channel: str = Code.Channel.POSTER,
    campaign: str = "",
    poster: str = "",
    store_id: int | None = None,
    staff_id: int | None = None,
    slug: str = "",
    user_id: int | None = None,
) -> Code:
    """Make a code; without a `slug` it gets a random one. Raises TargetRefused, CodeMalformed, CodeTaken; nothing is written then."""
    if slug and not _SLUG(slug):
        raise CodeMalformed(slug=slug[:12])
    fields = {
        "name": name.strip()[:60],
        "target": targets.checked(target),
        "channel": Code.Channel(channel),
        "campaign": campaign.strip()[:60],
        "poster": poster.strip()[:60],
        "store_id": store_id,
        "staff_id": staff_id,
        "created_by_id": user_id,
    }
    audit.sign()
    while True:
        made = Code(slug=slug or "".join(secrets.choice(LETTERS) for _ in range(LENGTH)), **fields)
        try:
            with transaction.atomic():
                made.save(force_insert=True)
        except IntegrityError as refusal:
            if "slug" not in str(refusal):
                raise
            if slug:
                raise CodeTaken(slug=slug) from None
        else:
            return made


@transaction.atomic
def stop(*, code_id: int) -> None:
    """From now on the code says that it is over. Its figures stay. Repeatable."""
    audit.sign()
    Code.objects.filter(pk=code_id, stopped_at__isnull=True).update(stopped_at=clock.now())


@transaction.atomic
def resume(*, code_id: int) -> None:
    audit.sign()
    Code.objects.filter(pk=code_id, stopped_at__isnull=False).update(stopped_at=None)


def follow(*, slug: str, anonymous_id: str, look: Look) -> Followed:
    """Somebody opened the code: count it when it was a person, remember first and last touch, say where it leads.

    Robots are led on and counted apart; the same browser within ten seconds is the same tap. Raises NotFound, CodeStopped.
    """
    code = Code.objects.filter(slug=slug).select_related("store").first() if _SLUG(slug) else None
    if code is None:
        raise NotFound
    if code.stopped_at is not None:
        raise CodeStopped
    address = targets.address(code.target, is_in_wechat=look.is_in_wechat)
    why_not = robots.why_not_a_person(look, slug=slug) or ("trapped" if traps.is_known(look) else "")
    browser, bait = anonymous_id if _ANONYMOUS(anonymous_id) else str(uuid4()), ""
    if why_not:
        _count_robot(code)
    elif event_id := _count(code, anonymous_id=browser):
        bait = traps.bait(code_id=code.pk, event_id=event_id, anonymous_id=browser)
    else:
        why_not = "same_tap"
    OPENED.labels(why_not or "counted").inc()
    named = browser if why_not in {"", "same_tap"} else ""
    return Followed(address=address, target=code.target, anonymous_id=named, why_not=why_not, bait=bait)


def link(slug: str, *, base: str) -> str:
    """What is printed or sent. Behind a name of its own the site says it by PUBLIC_URL; `base` is the address the reader uses."""
    return f"{settings.PUBLIC_URL or base.rstrip('/')}/s/{slug}"


def source_of(anonymous_id: str, *, otherwise: str) -> str:
    """What to name as the source of who registers now: the code they opened last, within 30 days, or `otherwise`."""
    if not _ANONYMOUS(anonymous_id):
        return otherwise
    slug = (
        Visitor.objects.filter(anonymous_id=anonymous_id, last_touch_at__gt=clock.now() - TOUCH_KEPT)
        .values_list("last_code__slug", flat=True)
        .first()
    )
    return f"code:{slug}" if slug else otherwise


def _count(code: Code, *, anonymous_id: str) -> UUID | None:
    """The id of the event, in one statement; None when it was the same tap again."""
    moment, event_id = clock.now(), uuid4()
    values: dict[str, Any] = {
        "anonymous": anonymous_id,
        "code": code.pk,
        "now": moment,
        "on": clock.local_date(moment),
        "tap": SAME_TAP,
        "event": event_id,
        "slug": code.slug,
        "channel": code.channel,
        "campaign": code.campaign,
        "store": code.store.code if code.store else "",
    }
    with connection.cursor() as cursor:
        cursor.execute(_COUNT, values)
        return event_id if cursor.fetchone() == (1,) else None


def _count_robot(code: Code) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            """insert into activity_codeday as d (code_id, "on", scans, people, bots) values (%s, %s, 0, 0, 1)
               on conflict (code_id, "on") do update set bots = d.bots + 1""",
            [code.pk, clock.local_date(clock.now())],
        )


_COUNT = """
with visitor as (
    insert into activity_visitor as v
        (anonymous_id, first_seen_at, seen_at, first_code_id, first_touch_at, last_code_id, last_touch_at)
    values (%(anonymous)s, %(now)s, %(now)s, %(code)s, %(now)s, %(code)s, %(now)s)
    on conflict (anonymous_id) do update set
        seen_at = greatest(v.seen_at, excluded.seen_at),
        first_code_id = coalesce(v.first_code_id, excluded.first_code_id),
        first_touch_at = coalesce(v.first_touch_at, excluded.first_touch_at),
        last_code_id = excluded.last_code_id,
        last_touch_at = excluded.last_touch_at
    returning id
), person as (
    insert into activity_codevisitor as p (code_id, visitor_id, first_at, last_at, opens)
    select %(code)s, id, %(now)s, %(now)s, 1 from visitor
    on conflict (code_id, visitor_id) do update set last_at = excluded.last_at, opens = p.opens + 1
        where p.last_at <= excluded.last_at - %(tap)s
    returning opens
), day as (
    insert into activity_codeday as d (code_id, "on", scans, people, bots)
    select %(code)s, %(on)s, 1, (opens = 1)::int, 0 from person
    on conflict (code_id, "on") do update set scans = d.scans + 1, people = d.people + excluded.people
), event as (
    insert into activity_event
        (occurred_at, received_at, event_id, name, member_id, anonymous_id, source, properties, is_late, is_stitched)
    select %(now)s, %(now)s, %(event)s, 'code_opened', null, %(anonymous)s, 'short-link',
        jsonb_strip_nulls(jsonb_build_object('code', %(slug)s::text, 'channel', %(channel)s::text,
            'campaign', nullif(%(campaign)s::text, ''), 'store', nullif(%(store)s::text, ''))), false, false
    from person
)
select count(*) from person
"""
