"""Tickets of the demo, out of its own orders: some of each kind in various states, told by the services of the desk."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from django.db import transaction

from apps.core.errors import DomainError
from apps.orders.models import Line, Order
from apps.stores.models import Role, Staff
from apps.tickets import life, macros, votes
from apps.tickets import services as tickets
from apps.tickets.models import Macro, Ticket
from apps.tickets.services import Actor, NewTicket

MOST = 36
MEMBER = Actor(life.MEMBER)
# kind, title, what the member says, what is answered, the moves that follow (side: move)
_Story = tuple[str, str, str, str, tuple[tuple[str, str], ...]]
STORIES: tuple[_Story, ...] = (
    ("return", "尺码大了一号", "毛衣穿着偏大，想退掉，吊牌还在。", "您好，已为您登记，请把商品寄回。", ((life.AGENT, "accept"),)),
    ("question", "会员日有什么活动", "请问这个月的会员日是哪天？", "每月 18 日，到店积分双倍。", ((life.AGENT, "resolve"),)),
    ("repair", "杯盖合不上", "马克杯的盖子用了两次就合不紧了。", "", ()),
    ("complaint", "收银排队太久", "周六下午等了半个小时才结账。", "非常抱歉，我们已加派人手。", ((life.AGENT, "offer"),)),
    ("refund", "少发了一包花茶", "订单里两包茉莉花茶只收到一包。", "请发一张照片给我们核对。", ((life.AGENT, "ask"),)),
    ("exchange", "想换一个颜色", "米色想换成藏青，可以吗？", "可以的，寄回后为您换发。",
     ((life.AGENT, "accept"), (life.WAREHOUSE, "receive"))),
    ("question", "积分什么时候到账", "上周买的，积分还没看到。", "", ()),
    ("complaint", "包装破损", "礼盒边角压坏了，送人不好看。", "给您补发一个新礼盒，您看可以吗？",
     ((life.AGENT, "offer"), (life.MEMBER, "agree"))),
    ("return", "面料和想的不一样", "想退，谢谢。", "", ((life.AGENT, "take_up"),)),
)  # fmt: skip
MACROS = (
    ("请稍候", [{"kind": "reply", "text": "{{ nickname }}您好，已收到，正在为您查看，请稍候。"}]),
    ("请补充照片", [{"kind": "reply", "text": "请发一张照片，我们核对后马上处理。"}, {"kind": "move", "move": "ask"}]),
)


@transaction.atomic
def live(*, now: datetime) -> int:
    """Returns how many tickets were made. Again: a no-op."""
    agents = list(Staff.objects.filter(role=Role.AGENT, is_active=True, user__isnull=False).order_by("pk"))
    if not agents or Ticket.objects.filter(source__startswith="demo:").exists():
        return 0
    for name, actions in MACROS:
        if not Macro.objects.filter(name=name).exists():
            macros.save(macro_id=None, name=name, kinds=[], actions=actions)
    made = 0
    for number, line in enumerate(_lines(now)):
        made += _lived(STORIES[number % len(STORIES)], line, number=number, agents=agents, now=now)
    return made


def _lines(now: datetime) -> list[Line]:
    """Of the newest orders that came in the last week, one line each, of different members."""
    came = Order.objects.filter(received_at__gt=now - timedelta(days=6), member__status="active", refunded_cents=0)
    found: dict[int, Line] = {}
    for line in Line.objects.filter(order__in=came.order_by("-received_at")[: 3 * MOST]).select_related("order"):
        found.setdefault(line.order.member_id or 0, line)
    return list(found.values())[:MOST]


def _lived(story: _Story, line: Line, *, number: int, agents: Sequence[Staff], now: datetime) -> int:
    kind, title, text, answer, moves = story
    hours = 1 + number * 5 % 40  # since it was opened; the newest are still fresh
    at = max(now - timedelta(hours=hours), line.order.received_at or now)
    agent = Actor(life.AGENT, agents[number % len(agents)].pk)
    wanted = NewTicket(
        source=f"demo:{number}", member_id=line.order.member_id or 0, kind=kind, title=title, text=text,
        line_ids=[line.pk] if kind in life.ABOUT_LINES else (), store_id=line.order.store_id,
    )  # fmt: skip
    try:
        row = tickets.open_ticket(wanted, by=MEMBER, moment=at)
        if answer:
            at += min(timedelta(minutes=20 + number % 50), (now - at) / 3)
            tickets.change(ticket_id=row.pk, values={"assignee_id": agent.staff_id}, by=agent, moment=at)
            tickets.say(ticket_id=row.pk, by=agent, text=answer, source=f"demo:{number}:answer", moment=at)
        for side, move in moves:
            at += (now - at) / 3
            by = agent if side == life.AGENT else Actor(side)
            tickets.move(ticket_id=row.pk, move=move, by=by, moment=at)
    except DomainError:  # a window that is over: this order has no ticket
        return 0
    _vote(row, number)
    return 1


def _vote(row: Ticket, number: int) -> None:
    row.refresh_from_db()
    if row.state == life.RESOLVED:
        votes.cast(ticket=row, score=(5, 4, 5, 3)[number % 4])
