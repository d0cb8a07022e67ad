"""The days of staff and their groups, read from WeCom; who answers too slowly; the week as one report.

WeCom tells a day when it is over, for a hundred and eighty days back, thirty at a time: what was missed is read later.
"""

from datetime import date, datetime, timedelta
from typing import Any

from django.db.models import Max

from apps.community.models import Account, StaffDay
from apps.community.selectors import rows
from apps.community.settings import REPLIES
from apps.core import brand, clock
from apps.gateways import wecom
from apps.gateways.wecom_calls import Refused, Unanswered

FIRST_LOOK, MOST_DAYS = 14, 30
AT_ONCE = 500  # colleagues in one look; the next hour goes on
KEPT = timedelta(days=400)
# A colleague's week. Time and share are weighted by the chats of each day that has them.
_WEEK = """
select a.userid, a.staff_id, coalesce(s.name, a.userid) as name, o.name as store,
    coalesce(sum(d.chats), 0)::int as chats, coalesce(sum(d.messages), 0)::int as messages,
    coalesce(sum(d.new_customers), 0)::int as new_customers, coalesce(sum(d.lost), 0)::int as lost,
    round(sum(d.replied_permille * d.chats) filter (where d.replied_permille is not null)::numeric
        / nullif(sum(d.chats) filter (where d.replied_permille is not null), 0))::int as replied_permille,
    round(sum(d.reply_minutes * d.chats) filter (where d.reply_minutes is not null)::numeric
        / nullif(sum(d.chats) filter (where d.reply_minutes is not null), 0))::int as reply_minutes,
    count(*) filter (where d.reply_minutes > %(minutes)s or d.replied_permille < %(permille)s)::int as slow_days,
    coalesce(max(d.groups), 0)::int as groups, coalesce(sum(d.group_messages), 0)::int as group_messages,
    coalesce(sum(d.group_people), 0)::int as group_people
from community_account a left join stores_staff s on s.id = a.staff_id left join stores_store o on o.id = s.store_id
left join community_staffday d on d.userid = a.userid and d.day between %(first)s and %(last)s
where a.is_active or d.id is not null
group by a.userid, a.staff_id, s.name, o.name
order by slow_days desc, reply_minutes desc nulls last, chats desc, a.userid
"""
_SLOW = """
select d.day, coalesce(s.name, d.userid) as name, d.reply_minutes, d.replied_permille, d.chats
from community_staffday d left join community_account a on a.userid = d.userid left join stores_staff s on s.id = a.staff_id
where d.day = %(day)s and (d.reply_minutes > %(minutes)s or d.replied_permille < %(permille)s)
order by d.reply_minutes desc nulls last, d.userid limit 50
"""
_STOPPED = """
select count(*) as n from community_windowmessage where code = 'SENSITIVE_WORD' and at >= %(since)s and at < %(until)s
"""
_GROUP = """
select d.day, d.groups, d.groups_talking, d.group_messages, d.group_people from community_staffday d
join community_group g on g.owner = d.userid where g.id = %(id)s order by d.day desc limit %(days)s
"""
_SUMS = ("chats", "messages", "new_customers", "lost", "groups", "group_messages", "group_people")


def read_days(*, moment: datetime) -> int:
    """Every hour: of each colleague the days that are over and not known yet. Returns how many days were written. Repeatable."""
    yesterday = clock.local_date(moment) - timedelta(days=1)
    known = dict(StaffDay.objects.values("userid").annotate(last=Max("day")).values_list("userid", "last"))
    behind = [
        userid
        for userid in Account.objects.filter(is_active=True).order_by("userid").values_list("userid", flat=True)
        if known.get(userid, date.min) < yesterday
    ]
    written = 0
    for userid in behind[:AT_ONCE]:
        first = max(known.get(userid, yesterday - timedelta(days=FIRST_LOOK)) + timedelta(days=1),
                    yesterday - timedelta(days=MOST_DAYS - 1))  # fmt: skip
        try:
            written += _read(userid, first, yesterday)
        except Refused:  # of somebody whom WeCom does not count (any more)
            continue
        except Unanswered:
            break
    StaffDay.objects.filter(day__lt=yesterday - KEPT).delete()
    return written


def week(*, first: date) -> dict[str, Any]:
    """The seven days from `first` on: a row for each colleague, who was slow on most days first, and the sums."""
    since, until = clock.day_start(first), clock.day_start(first + timedelta(days=7))
    found = rows(_WEEK, first=first, last=first + timedelta(days=6), **_target())
    sums = {name: sum(row[name] for row in found) for name in _SUMS}
    return {"rows": found, "sums": sums, "stopped": rows(_STOPPED, since=since, until=until)[0]["n"]}


def slow_yesterday(*, moment: datetime) -> list[dict[str, Any]]:
    """Who answered later, or less often, than the house asks for."""
    return rows(_SLOW, day=clock.local_date(moment) - timedelta(days=1), **_target())


def talk_of(group_id: int, *, days: int = 30) -> list[dict[str, Any]]:
    """Messages and people in the groups of a group's owner, the newest day first."""
    return rows(_GROUP, id=group_id, days=days)


def _target() -> dict[str, int]:
    wanted = brand.read(REPLIES)
    return {"minutes": wanted["minutes"], "permille": wanted["percent"] * 10}


def _read(userid: str, first: date, last: date) -> int:
    span = {"since": clock.day_start(first), "until": clock.day_start(last)}
    days = {_day(row): _personal(row) for row in wecom.behaviour(userid, **span)}
    for row in wecom.group_figures(userid, **span):
        days.setdefault(_day(row), {}).update(_of_groups(row["data"]))
    fresh = [StaffDay(userid=userid, day=day, **figures) for day, figures in sorted(days.items())]
    StaffDay.objects.bulk_create(fresh, ignore_conflicts=True)
    return len(fresh)


def _day(row: dict[str, Any]) -> date:
    return clock.local_date(datetime.fromtimestamp(row["stat_time"], clock.SHOP_ZONE))


def _personal(row: dict[str, Any]) -> dict[str, Any]:
    share = row.get("reply_percentage")
    return {
        "chats": row.get("chat_cnt", 0), "messages": row.get("message_cnt", 0),
        "new_customers": row.get("new_contact_cnt", 0), "lost": row.get("negative_feedback_cnt", 0),
        "replied_permille": None if share is None else min(1000, round(float(share) * 10)),
        "reply_minutes": row.get("avg_reply_time"),
    }  # fmt: skip


def _of_groups(data: dict[str, Any]) -> dict[str, Any]:
    return {
        "groups": data.get("chat_total", 0), "groups_talking": data.get("chat_has_msg", 0),
        "group_messages": data.get("msg_total", 0), "group_people": data.get("member_has_msg", 0),
    }  # fmt: skip
