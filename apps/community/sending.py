"""Group sends: made at WeCom from what waits, watched, reminded, and called off when nobody confirms them.

The colleague is chosen when the task is made, so what waits goes to whoever has the customer by then, after a hand-over too.
No transaction may be open: each step talks to WeCom between two of its own.
"""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta

import structlog
from django.db import connection, transaction
from django.db.models.functions import Coalesce

from apps.community.models import Follow
from apps.community.send_errors import RemindedEnough, SendSettled, WeComAway
from apps.community.send_models import Send, SendItem
from apps.core import audit, clock
from apps.core.errors import NotFound
from apps.events import services as events
from apps.gateways import limits, wecom
from apps.gateways.wecom_calls import Refused, Unanswered

CREATED, SETTLED, ENDED = "community.send_created", "community.send_settled", "community.messages_ended"
MOST_CUSTOMERS = 1000  # of one task
REMIND_AFTER = timedelta(hours=4)
REMIND_HOURS = range(9, 20)  # shop time
ASK_UNKNOWN_FOR = timedelta(hours=1)
NOT_CONFIRMED, GONE, LOST, UNWANTED = "NOT_CONFIRMED", "NO_FRIEND", "NO_ANSWER", "CALLED_OFF"
_RESULTS = {0: "NOT_SENT", 2: GONE, 3: "OVER_LIMIT"}
# What waits, with the colleague who has the customer now (the newest who may have customers), or whose group it is.
_PICK = """
with waiting as materialized (
    select i.id, i.text, i.until, owner.userid, i.group_id is not null as is_group from community_senditem i
    cross join lateral (
        (select f.userid from community_follow f join community_account s on s.userid = f.userid and s.is_active
        where f.contact_id = i.contact_id and f.left_at is null order by f.since_at desc, f.id desc limit 1)
        union all
        select g.owner from community_group g join community_account s on s.userid = g.owner and s.is_active
        where g.id = i.group_id and g.dismissed_at is null
    ) owner
    where i.state = 'queued' and i.until > %(moment)s and not exists (
        select from community_handoveritem h where h.contact_id = i.contact_id and h.state in ('waiting', 'begun'))
      and not exists (select from community_poolcase p where p.contact_id = i.contact_id and p.state in ('taken', 'moving'))
    order by i.id limit 20000 for update of i skip locked
),
first as (select userid, text, is_group from waiting order by id limit 1)
select w.id, w.userid, w.text, w.until, w.is_group from waiting w join first using (userid, text, is_group) order by w.id limit %(most)s
"""
_TARGET = Coalesce("contact__external_userid", "group__chat_id")
_EXPIRE = """
update community_senditem set state = 'failed', code = 'NOT_CONFIRMED', spent_on = null
where id in (select id from community_senditem where state = 'queued' and until <= %(moment)s limit 5000 for update skip locked)
returning id
"""

log = structlog.get_logger("siyu.community")


def round_of_sends() -> Counter[str]:
    """Make what waits, look at what is open, remind, call off. Returns how many of each."""
    figures: Counter[str] = Counter()
    while make(moment=clock.now()):
        figures["made"] += 1
    for send in Send.objects.filter(settled_at=None).order_by("pk"):
        figures[look(send, moment=clock.now())] += 1
    figures["late"] += _expire(moment=clock.now())
    return +figures


def make(*, moment: datetime) -> bool:
    """One group send out of what waits; False when nothing does, or WeCom does not answer."""
    send = _open(moment)
    if send is None:
        return False
    targets = dict(SendItem.objects.filter(send=send).order_by("pk").values_list(_TARGET, "pk"))
    names = "chats" if send.is_group else "external_userids"
    try:
        made = wecom.create_send(sender=send.userid, text=send.text, **{names: list(targets)})
    except Unanswered as failure:
        if failure.state == "retry":
            _give_back(send)
            return False
        _settle(send, Send.State.UNKNOWN, code=failure.code, items={"": LOST}, moment=moment)
        return True
    except Refused as refused:
        _settle(
            send, Send.State.FAILED, code=f"WECOM_{refused.code}", items={"": f"WECOM_{refused.code}"}, moment=moment
        )
        return True
    with transaction.atomic():
        Send.objects.filter(pk=send.pk).update(state=Send.State.PENDING, msgid=made.msgid)
        _fail([targets[external] for external in made.failed if external in targets], GONE)
        events.publish(CREATED, key=str(send.pk), send_id=send.pk, userid=send.userid)
    return True


def look(send: Send, *, moment: datetime) -> str:
    """Ask WeCom about one: confirmed, reminded, called off, or still waiting."""
    if send.state == Send.State.MAKING:  # whoever made it died between the call and its note
        if moment - send.made_at > ASK_UNKNOWN_FOR:
            _settle(send, Send.State.UNKNOWN, code=LOST, items={"": LOST}, moment=moment)
        return "making"
    try:
        tasks = wecom.send_tasks(send.msgid)
        if any(task["userid"] == send.userid and task["status"] == 2 for task in tasks):
            _take_results(send, moment=moment)
            return "confirmed"
        if moment >= send.until:
            return _call_off(send, code=NOT_CONFIRMED, moment=moment)
        if _is_time_to_remind(send, moment=moment):
            wecom.remind_send(send.msgid)
            Send.objects.filter(pk=send.pk).update(reminded=[*send.reminded, moment])
            return "reminded"
    except (Unanswered, Refused) as trouble:
        log.warning("group send not looked at", send=send.pk, trouble=str(trouble))
        return "trouble"
    return "waiting"


def by_hand(*, send_id: int, do: str, moment: datetime) -> None:
    """`remind` its colleague now, or call it `off`. Raises NotFound, SendSettled, RemindedEnough,
    WeComAway. No transaction may be open."""
    send = Send.objects.filter(pk=send_id).first()
    if send is None or do not in ("remind", "off"):
        raise NotFound
    if send.state != Send.State.PENDING:
        raise SendSettled
    if do == "remind" and not _may_remind(send, moment=moment):
        raise RemindedEnough
    try:
        if any(task["userid"] == send.userid and task["status"] == 2 for task in wecom.send_tasks(send.msgid)):
            _take_results(send, moment=moment)
            raise SendSettled
        if do == "off":
            _call_off(send, code=UNWANTED, moment=moment)
        else:
            wecom.remind_send(send.msgid)
            Send.objects.filter(pk=send.pk).update(reminded=[*send.reminded, moment])
    except (Unanswered, Refused) as trouble:
        raise WeComAway from trouble
    audit.record(f"group_send.{do}", object_type="group_send", object_id=send.pk)


def take_back(userid: str, *, moment: datetime) -> int:
    """Somebody leaves: what they have not confirmed waits again, for whoever has the customer next. Returns how many messages."""
    moved = 0
    for send in Send.objects.filter(userid=userid, state=Send.State.PENDING).order_by("pk"):
        if any(task["status"] == 2 for task in wecom.send_tasks(send.msgid)):
            _take_results(send, moment=moment)
            continue
        wecom.cancel_send(send.msgid)
        with transaction.atomic():
            moved += SendItem.objects.filter(send=send, state=SendItem.State.TASKED).update(
                state=SendItem.State.QUEUED, send=None
            )
            _close(send, Send.State.CANCELLED, code="HANDED_OVER", moment=moment)
    return moved


def call_off_items(keys: Sequence[str], *, moment: datetime) -> None:
    """These are not wanted any more. What a colleague has with others in one task is called off there; the others wait again."""
    with transaction.atomic():
        waiting = SendItem.objects.filter(key__in=keys, state=SendItem.State.QUEUED).select_for_update()
        _fail(list(waiting.values_list("pk", flat=True)), UNWANTED)
    tasked = SendItem.objects.filter(key__in=keys, state=SendItem.State.TASKED, send__state=Send.State.PENDING)
    for send in Send.objects.filter(pk__in=tasked.values("send")).order_by("pk"):
        _end_early(send, keys, moment=moment)


def _end_early(send: Send, keys: Sequence[str], *, moment: datetime) -> None:
    try:
        if any(task["status"] == 2 for task in wecom.send_tasks(send.msgid)):
            _take_results(send, moment=moment)
            return
        wecom.cancel_send(send.msgid)
    except (Unanswered, Refused) as trouble:
        log.warning("group send not called off", send=send.pk, trouble=str(trouble))
        return
    with transaction.atomic():
        open_items = SendItem.objects.filter(send=send, state=SendItem.State.TASKED)
        _fail(list(open_items.filter(key__in=keys).values_list("pk", flat=True)), UNWANTED)
        open_items.exclude(key__in=keys).update(state=SendItem.State.QUEUED, send=None)
        _close(send, Send.State.CANCELLED, code=UNWANTED, moment=moment)


@transaction.atomic
def _open(moment: datetime) -> Send | None:
    with connection.cursor() as cursor:
        cursor.execute(_PICK, {"moment": moment, "most": MOST_CUSTOMERS})
        rows = cursor.fetchall()
    if not rows:
        return None
    _, userid, text, _, is_group = rows[0]
    until = min(row[3] for row in rows)
    send = Send.objects.create(userid=userid, text=text, made_at=moment, until=until, is_group=is_group)
    SendItem.objects.filter(pk__in=[row[0] for row in rows]).update(state=SendItem.State.TASKED, send=send)
    return send


@transaction.atomic
def _give_back(send: Send) -> None:
    SendItem.objects.filter(send=send).update(state=SendItem.State.QUEUED, send=None)
    Send.objects.filter(pk=send.pk).delete()


def _take_results(send: Send, *, moment: datetime) -> None:
    """What became of each customer, all pages, then one transaction."""
    statuses: dict[str, int] = {}
    cursor = ""
    while True:
        page = wecom.send_results(send.msgid, userid=send.userid, cursor=cursor)
        statuses |= {row.get("external_userid") or row["chat_id"]: row["status"] for row in page.rows}
        cursor = page.cursor
        if not cursor:
            break
    codes = {external: _RESULTS.get(status, f"STATUS_{status}") for external, status in statuses.items() if status != 1}
    _settle(
        send,
        Send.State.CONFIRMED,
        code="",
        items=codes,
        delivered={e for e, s in statuses.items() if s == 1},
        moment=moment,
    )


def _call_off(send: Send, *, code: str, moment: datetime) -> str:
    wecom.cancel_send(send.msgid)
    _settle(send, Send.State.CANCELLED, code=code, items={"": code}, moment=moment)
    return "called_off"


@transaction.atomic
def _settle(
    send: Send,
    state: str,
    *,
    code: str,
    items: dict[str, str],
    moment: datetime,
    delivered: set[str] | None = None,
) -> None:
    """End a send; `items`: code per customer who got nothing, "" for all others that are still open."""
    rows = list(SendItem.objects.filter(send=send, state=SendItem.State.TASKED).values_list("pk", _TARGET))
    done = [pk for pk, external in rows if external in (delivered or set())]
    # What was confirmed counts on the day of the confirmation.
    SendItem.objects.filter(pk__in=done).update(
        state=SendItem.State.DELIVERED, spent_on=clock.local_date(moment), text=""
    )
    _tell_ended(done)
    Follow.objects.filter(
        userid=send.userid, contact__in=SendItem.objects.filter(pk__in=done).values("contact")
    ).update(turned_at=moment)
    failed: dict[str, list[int]] = {}
    for pk, external in rows:
        if pk not in set(done):
            failed.setdefault(items.get(external, items.get("", "NOT_SENT")), []).append(pk)
    for why, ids in failed.items():
        _fail(ids, why)
    _close(send, state, code=code, moment=moment)


def _close(send: Send, state: str, *, code: str, moment: datetime) -> None:
    Send.objects.filter(pk=send.pk).update(state=state, code=code[:40], settled_at=moment)
    events.publish(SETTLED, key=str(send.pk), send_id=send.pk, state=state)


def _fail(ids: Sequence[int], code: str) -> None:
    """Who got nothing spent nothing; of a lost answer nobody knows, and it stays spent."""
    if not ids:
        return
    given_back = {} if code == LOST else {"spent_on": None}
    SendItem.objects.filter(pk__in=ids).update(state=SendItem.State.FAILED, code=code[:40], text="", **given_back)
    _tell_ended(ids)


def _tell_ended(ids: Sequence[int]) -> None:
    """A message ends once, so the first of them names the fact."""
    if ids:
        events.publish(ENDED, key=str(min(ids)), item_ids=sorted(ids))


def _is_time_to_remind(send: Send, *, moment: datetime) -> bool:
    """In working hours, some hours after the last word, and never more often than WeCom allows in a day."""
    last = max([send.made_at, *send.reminded])
    return (
        moment - last >= REMIND_AFTER and clock.local(moment).hour in REMIND_HOURS and _may_remind(send, moment=moment)
    )


def _may_remind(send: Send, *, moment: datetime) -> bool:
    recent = [at for at in send.reminded if at > moment - timedelta(hours=24)]
    return len(recent) < limits.current("wecom", "reminders_per_day", clock.local_date(moment))


@transaction.atomic
def _expire(*, moment: datetime) -> int:
    with connection.cursor() as cursor:
        cursor.execute(_EXPIRE, {"moment": moment})
        ids = sorted(row[0] for row in cursor.fetchall())
    _fail(ids, NOT_CONFIRMED)
    return len(ids)
