"""WeCom of the demo: guides with customers and groups who stand in the simulator as well, so that everything can be played on.

The simulator is told of them first, told to nobody; then the house reads it in full, by the same calls as any company's WeCom.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import connection, transaction

from apps.community import codes, deeds, group_codes, plans, pool, quality, queueing, sending, syncing, words
from apps.community.models import Contact, Follow, Group, GroupMember, GroupTodo, LiveCode, TaskDeed
from apps.community.settings import POOL, POOL_DEFAULT, WELCOME
from apps.core import brand, clock
from apps.flows.demo.log_ins import FIRST_NUMBER, FIRST_PHONE, NUMBER_PREFIX, log_in_phones
from apps.gateways.simulator.client import Client
from apps.gateways.simulator.wechat_rules import unionid
from apps.members.models import Member, Tag
from apps.stores.models import Role, Staff

SHOPS, GUIDES = 5, 2  # who of the staff is in WeCom
MOST, STRANGERS = 420, 20
NEAR_FULL = 186  # people of the one group that fills up
DAYS = 14  # that WeCom tells of
ALWAYS = [{"days": [1, 2, 3, 4, 5, 6, 7], "from": "09:00", "until": "22:00"}]
GREETING = "您好，我是您的专属导购，有问题随时找我。（演示）"
_GONE = """
insert into community_groupmember (group_id, who, contact_id, is_staff, way, invited_by, joined_at, left_at)
select g.id, c.external_userid, c.id, false, 3, '', %(now)s - make_interval(days => 40),
    %(now)s - make_interval(days => 1 + (c.id %% 12)::int)
from community_group g cross join lateral (
    select * from community_contact c where not exists (
        select from community_groupmember m where m.group_id = g.id and m.who = c.external_userid)
    order by c.id + g.id * 7 limit 6
) c
"""
# What the days looked like, out of who is there and who went; today's row stands already.
_DAYS = """
insert into community_groupday (group_id, day, joined, "left", customers)
select g.id, d.day::date, count(m.id) filter (where timezone('Asia/Shanghai', m.joined_at)::date = d.day),
    count(m.id) filter (where timezone('Asia/Shanghai', m.left_at)::date = d.day),
    count(m.id) filter (where timezone('Asia/Shanghai', m.joined_at)::date <= d.day
        and (m.left_at is null or timezone('Asia/Shanghai', m.left_at)::date > d.day))
from community_group g cross join generate_series(%(first)s::date, %(today)s::date, interval '1 day') d (day)
join community_groupmember m on m.group_id = g.id and not m.is_staff
group by g.id, d.day
on conflict (group_id, day) do update set joined = excluded.joined, "left" = excluded."left", customers = excluded.customers
"""
_CAME_BY = """
update community_groupmember set code_id = %(code)s where way = 3 and not is_staff and left_at is null and id %% 2 = 0
"""
# Nearly everybody was turned to lately; a few are about to go into the pool, a few lie in it.
_TURNED = """
update community_follow set since_at = case when id %% 40 < 2 then least(since_at, %(now)s - interval '60 days') else since_at end,
    turned_at = case id %% 40 when 0 then null when 1 then %(now)s - interval '44 days'
        else greatest(since_at, %(now)s - make_interval(days => (id %% 20)::int)) end
"""


@dataclass(frozen=True)
class Club:
    """What later parts of the demo go on with."""

    customers: int
    group_keys: list[str]
    live_code_id: int | None


def open_up(*, now: datetime) -> Club:
    """Needs the simulator at `settings.SIMULATOR_URL`. Without members or staff: nothing."""
    staff = _staff()
    people = _people(staff, now=now)
    if not people:
        return Club(0, [], None)
    simulator = Client(settings.SIMULATOR_URL)
    others = {key: {"works": False} for key in _there(simulator)}  # the simulator's own three play elsewhere
    simulator.wecom("fill", docs={"staff": others | {one.code: {"works": True} for one in staff}})
    syncing.take_staff([one.code for one in staff], moment=now)
    brand.write(WELCOME, GREETING)
    counter, live = _codes(staff)
    chats = _chats(people, staff, now=now)
    simulator.wecom("fill", docs=_persons(people, [counter, live]) | {"chat": chats} | _figures(staff, now=now))
    syncing.read_all()
    _history(now=now, groups=list(Group.objects.order_by("pk")))
    _sends(simulator, now=now)
    _plans(now=now)
    _tasks(now=now)
    _pool(now=now)
    words.save(rule_id=None, name="私下收款", words=["转我个人", "私下转账", "加我私人微信"], is_blocking=True)
    words.refresh()
    quality.read_days(moment=now)
    return Club(Contact.objects.count(), list(Group.objects.order_by("pk").values_list("key", flat=True)), live.pk)


def _there(simulator: Client) -> list[str]:
    return [row["userid"] for row in simulator.wecom_told("staff")["staff"]]


def _staff() -> list[Staff]:
    """Some guides of some shops, and the two with a log-in whose store is the first."""
    guides = Staff.objects.filter(role=Role.CLERK, store__isnull=False, user=None).order_by("store_id", "code")
    found: dict[int | None, list[Staff]] = {}
    for one in guides:
        found.setdefault(one.store_id, []).append(one)
    ours = [one for shop in list(found.values())[:SHOPS] for one in shop[:GUIDES]]
    return ours + list(Staff.objects.filter(code__in=["DEMO-clerk", "DEMO-manager"]).order_by("code"))


def _people(staff: Sequence[Staff], *, now: datetime) -> list[dict[str, Any]]:
    """Customers: who they are in WeCom, their phone, who has them since when. Whoever can log in comes first."""
    by_store: dict[int | None, list[Staff]] = {}
    for one in staff:
        by_store.setdefault(one.store_id, []).append(one)
    known = {f"{NUMBER_PREFIX}{FIRST_NUMBER + int(phone) - FIRST_PHONE}" for phone in log_in_phones()}
    ours = Member.objects.filter(status=Member.Status.ACTIVE, member_no__startswith=NUMBER_PREFIX)
    rows = list(ours.filter(home_store__in=list(by_store)).order_by("pk")[:MOST])
    rows = [*ours.filter(member_no__in=known).order_by("pk"), *(row for row in rows if row.member_no not in known)]
    first = next(iter(by_store), None)
    people = []
    for number, row in enumerate(rows if first else []):
        team = by_store.get(row.home_store_id) or by_store[first]
        phone = str(FIRST_PHONE + int(row.member_no.removeprefix(NUMBER_PREFIX)) - FIRST_NUMBER)
        people.append({
            "id": f"wmdemo{row.member_no}", "name": row.nickname, "phone": phone, "userid": team[number % len(team)].code,
            "at": now - timedelta(days=number * 37 % 330, hours=1 + number % 9), "code": number % 3,
        })  # fmt: skip
    return people


def _codes(staff: Sequence[Staff]) -> tuple[LiveCode, LiveCode]:
    team = [one.code for one in staff]
    tag = Tag.objects.order_by("pk").first()
    counter = codes.create(
        name="收银台活码", shifts=[{**row, "users": team[:6]} for row in ALWAYS], spare=team[6:7], daily_limit=30,
        welcome="欢迎加入禾汀会员，出示会员码即可积分。（演示）", tag_id=tag.pk if tag else None,
    )  # fmt: skip
    live = codes.create(
        name="直播间活码", shifts=[{**row, "users": team[-4:]} for row in ALWAYS],
        welcome="感谢来自直播间的您，群里有专属券。（演示）",
    )  # fmt: skip
    return counter, live


def _persons(people: Sequence[dict[str, Any]], made: Sequence[LiveCode]) -> dict[str, dict[str, Any]]:
    states = ["", *(code.state for code in made)]
    strangers = [
        {"id": f"wmdemo-new{n}", "name": f"新朋友{n + 1}", "phone": "", "userid": people[n % len(people)]["userid"],
         "at": people[n % len(people)]["at"], "code": 1}
        for n in range(min(STRANGERS, len(people)))
    ]  # fmt: skip
    persons, follows = {}, {}
    for one in [*people, *strangers]:
        persons[one["id"]] = {
            "external_userid": one["id"], "name": one["name"], "avatar": "", "type": 1, "gender": 0,
            "unionid": unionid(one["id"]), "followers": [one["userid"]],
        }  # fmt: skip
        follows[f"{one['userid']}|{one['id']}"] = {
            "userid": one["userid"], "external_userid": one["id"], "remark": "", "description": "",
            "createtime": int(one["at"].timestamp()), "tags": [], "remark_mobiles": [one["phone"]] if one["phone"] else [],
            "state": states[one["code"]], "add_way": 1,
        }  # fmt: skip
    return {"person": persons, "follow": follows}


def _chats(people: Sequence[dict[str, Any]], staff: Sequence[Staff], *, now: datetime) -> dict[str, Any]:
    """A group of each shop's guide, and one of everybody that fills up."""
    owners = {one.store_id: one for one in reversed(staff)}
    chats = {}
    for number, owner in enumerate(list(owners.values())[:4]):
        mine = [one for one in people if one["userid"][:4] == owner.code[:4]][:40] or list(people[:40])
        name = f"{owner.store.name if owner.store else ''}会员群"
        chats[f"wrdemo{number}"] = _chat(name, owner.code, mine, now=now, days=160 - number * 30)
    chats["wrdemo9"] = _chat("新品体验群", staff[0].code, people[: NEAR_FULL - 1], now=now, days=3)
    return chats


def _chat(name: str, owner: str, people: Sequence[dict[str, Any]], *, now: datetime, days: int) -> dict[str, Any]:
    made = now - timedelta(days=days)
    roster: list[dict[str, Any]] = [
        {"userid": owner, "type": 1, "join_time": int(made.timestamp()), "join_scene": 1, "name": owner, "group_nickname": ""}
    ]  # fmt: skip
    for number, one in enumerate(people):
        at = made + (now - made) * (number % 29 + 1) / 31
        scene = number % 3 + 1
        entry = {
            "userid": one["id"], "type": 2, "unionid": unionid(one["id"]), "join_time": int(at.timestamp()), "join_scene": scene,
            "name": one["name"], "group_nickname": "",
        }  # fmt: skip
        roster.append(entry | ({"invitor": {"userid": owner}} if scene == 1 else {}))
    at_ms = int(made.timestamp() * 1000)
    states = [{"from": at_ms, "version": len(roster), "members": roster}]
    return {"name": name, "owner": owner, "at": at_ms, "is_gone": False, "states": states}


def _figures(staff: Sequence[Staff], *, now: datetime) -> dict[str, dict[str, Any]]:
    """What WeCom counted of each colleague in the last two weeks; one of them answers slowly."""
    behaved, talked = {}, {}
    for number, one in enumerate(staff):
        for back in range(1, DAYS + 1):
            key = f"{one.code}|{clock.local_date(now) - timedelta(days=back):%Y-%m-%d}"
            chats = 4 + (number * 7 + back * 5) % 13
            slow = 48 if number == 2 and back % 3 else 0
            behaved[key] = {
                "chat_cnt": chats, "message_cnt": chats * 4 + back % 5, "new_contact_cnt": (number + back) % 3,
                "negative_feedback_cnt": int((number + back) % 11 == 0), "reply_percentage": 96.5 - (number + back) % 9,
                "avg_reply_time": slow or 5 + (number * 3 + back) % 16,
            }  # fmt: skip
            talked[key] = {
                "chat_has_msg": 1, "member_has_msg": 3 + (number + back) % 9, "msg_total": 12 + (number * 11 + back * 7) % 40,
                "new_member_cnt": back % 3,
            }  # fmt: skip
    return {"behaved": behaved, "talked": talked}


def _history(*, now: datetime, groups: Sequence[Group]) -> None:
    """A code into the groups, who came by it, who has left, and how each day was."""
    chats = [group.chat_id for group in groups if group.people < NEAR_FULL][:4] or [group.chat_id for group in groups]
    code = group_codes.create(name="会员群码", base_name="禾汀会员群", chats=chats)
    group_codes.set_finding(code_id=code.pk, store_id=None, word="会员群", is_shown=True)
    today = clock.local_date(now)
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(_CAME_BY, {"code": code.pk})
        cursor.execute(_GONE, {"now": now})
        cursor.execute(_DAYS, {"first": today - timedelta(days=29), "today": today})
    LiveCode.objects.filter(name="直播间活码").update(group_code=code)


def _sends(simulator: Client, *, now: datetime) -> None:
    """One group send that a guide confirmed some days ago, and one that waits for its colleague."""
    owners = list(
        Follow.objects.filter(left_at=None).order_by("userid").values_list("userid", flat=True).distinct()[:2]
    )
    for place, (userid, text) in enumerate(
        zip(owners, ("周末到店礼已为您留好。（演示）", "新一季羊绒到店，欢迎来试。（演示）"), strict=False)
    ):
        rows = Contact.objects.filter(follows__userid=userid, follows__left_at=None).order_by("pk")[:24]
        moment = now - timedelta(days=3) if place == 0 else now
        notes = [queueing.Note(f"demo:{place}:{row.pk}", row.external_userid, text) for row in rows]
        with clock.frozen(moment):
            queueing.queue(notes, moment=moment)
            sending.make(moment=moment)
            if place == 0:
                simulator.wecom("confirm", at=(now - timedelta(days=3)).isoformat())
                sending.round_of_sends()


def _plans(*, now: datetime) -> None:
    """Welcome in new groups, and something by hand each day; the last days are done but for one."""
    today = clock.local_date(now)
    with clock.frozen(now - timedelta(days=20)):
        plans.create(
            name="新群三天", kind="new_group", starts_on=today - timedelta(days=20), ends_on=None, every_days=None, group_ids=[],
            steps=[
                {"day": 0, "from": "10:00", "until": "20:00", "kind": "send", "text": "欢迎新朋友，群规和福利都在公告里。（演示）"},
                {"day": 1, "from": "10:00", "until": "12:00", "kind": "by_hand", "text": "认识新朋友，问问大家想看什么"},
            ],
        )  # fmt: skip
        daily = plans.create(
            name="每日互动", kind="cycle", starts_on=today - timedelta(days=20), ends_on=None, every_days=1, group_ids=[],
            steps=[{"day": 0, "from": "00:00", "until": "24:00", "kind": "by_hand", "text": "回复昨天的提问，晒一张到店搭配"}],
        )  # fmt: skip
    todos = [
        GroupTodo(
            plan=daily, group=group, step=0, day=(day := today - timedelta(days=back)), kind="by_hand",
            text=daily.steps[0]["text"], from_at=clock.day_start(day), until_at=clock.day_end(day),
            state="missed" if (missed := (group.pk + back) % 9 == 0) else "done", code="NOT_DONE" if missed else "",
            settled_at=clock.day_end(day) - timedelta(hours=0 if missed else 5),
        )
        for group in Group.objects.order_by("pk") for back in range(1, 8)
        if clock.local_date(group.made_at) <= today - timedelta(days=back)
    ]  # fmt: skip
    GroupTodo.objects.bulk_create(todos)
    plans.sweep(moment=now)


def _tasks(*, now: datetime) -> None:
    """Check-ins that go on, with three members who are there already; things handed in; a task that is over."""
    today = clock.local_date(now)
    members = list(
        Contact.objects.filter(member__isnull=False, pk__in=GroupMember.objects.filter(left_at=None).values("contact"))
        .order_by("pk")
        .values_list("member_id", flat=True)[:30]
    )
    with clock.frozen(now - timedelta(days=6)):
        common: dict[str, Any] = {"group_ids": [], "coupon_key": "", "is_in_a_row": False}
        check_in = deeds.create(
            name="到店打卡三次", text="每天在群里打一次卡，满三次送积分。（演示）", kind="check_in", needed=3,
            first_on=today - timedelta(days=6), last_on=today + timedelta(days=8), points=30, **common,
        )  # fmt: skip
        shown = deeds.create(
            name="晒出你的搭配", text="写一句你今天的搭配。（演示）", kind="hand_in", needed=1,
            first_on=today - timedelta(days=6), last_on=today + timedelta(days=8), points=20, **common,
        )  # fmt: skip
    with clock.frozen(now - timedelta(days=30)):
        past = deeds.create(
            name="秋日签到", text="签到一次送积分。（演示）", kind="check_in", needed=1,
            first_on=today - timedelta(days=30), last_on=today - timedelta(days=16), points=10, **common,
        )  # fmt: skip
    for number, member_id in enumerate(members[:3]):
        deeds.do(task_id=past.pk, member_id=member_id, moment=now - timedelta(days=20 + number))
        for back in (4, 3, 2):
            deeds.do(task_id=check_in.pk, member_id=member_id, moment=now - timedelta(days=back))
    rows = [
        TaskDeed(task=check_in, member_id=member_id, day=today - timedelta(days=back), state="counted", at=now - timedelta(days=back))
        for number, member_id in enumerate(members[3:]) for back in range(1, 2 + number % 2)
    ]  # fmt: skip
    notes = ("米色大衣配围巾，暖和又好看", "新买的针织衫第一次穿", "全家都是禾汀")
    rows += [
        TaskDeed(task=shown, member_id=member_id, day=today, state="waiting", note=note, at=now - timedelta(minutes=number))
        for number, (member_id, note) in enumerate(zip(members[3:], notes, strict=False))
    ]  # fmt: skip
    TaskDeed.objects.bulk_create(rows)


def _pool(*, now: datetime) -> None:
    brand.write(POOL, POOL_DEFAULT | {"is_on": True, "follow_days": 45})
    with connection.cursor() as cursor:
        cursor.execute(_TURNED, {"now": now})
    for moment in (now - timedelta(days=4), now):
        pool.recycle(moment=moment)
