"""Invented content of the style page, in both languages. Nothing here is read from or written to the database."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from types import SimpleNamespace

from django.utils.translation import gettext as _

from apps.console import charts
from apps.console.charts.base import in_chinese
from apps.console.progress import Progress


def both(zh: str, en: str) -> str:
    """Sample words are content, not interface: they stand here in both languages."""
    return zh if in_chinese() else en


def stage_flow(*, moment: datetime) -> charts.StageFlow:
    return charts.StageFlow(
        key="sample-flow",
        title=both(
            "样例：本周1,284人开始流失，742人自己回来", "Sample: 1,284 members began to lapse this week, 742 came back"
        ),
        as_of=moment,
        link=charts.Link(label=both("按人看", "By member"), href="#tokens"),
        stages=(
            charts.Stage(key="prospect", label=both("潜客", "Prospect"), count=12_408, net=310, href="#tokens"),
            charts.Stage(key="new", label=both("新客", "New"), count=6_494, net=74, href="#tokens"),
            charts.Stage(key="active", label=both("活跃", "Active"), count=82_956, net=596, href="#tokens"),
            charts.Stage(key="lapsing", label=both("将流失", "Lapsing"), count=21_377, net=-361, href="#tokens"),
            charts.Stage(key="dormant", label=both("沉睡", "Dormant"), count=39_502, net=128, href="#tokens"),
            charts.Stage(key="lost", label=both("流失", "Lost"), count=97_407, net=717, href="#tokens"),
            charts.Stage(key="won_back", label=both("赢回", "Won back"), count=1_994, net=94, href="#tokens"),
        ),
        moves=(
            charts.Move(source=charts.JOINED, target="prospect", label=both("入会", "joined"), count=1_120),
            charts.Move(source="prospect", target="new", label=both("首单", "first order"), count=810),
            charts.Move(source="new", target="active", label=both("成为常客", "became regulars"), count=1_046),
            charts.Move(source="new", target="lapsing", label=both("没等到第二单", "no second order"), count=312),
            charts.Move(source="active", target="lapsing", label=both("开始流失", "began to lapse"), count=1_284),
            charts.Move(source="lapsing", target="active", label=both("自己回来", "came back"), count=742),
            charts.Move(source="lapsing", target="dormant", label=both("沉睡", "went dormant"), count=903),
            charts.Move(source="dormant", target="lost", label=both("流失", "were lost"), count=717),
            charts.Move(source="dormant", target="won_back", label=both("请回", "won back"), count=140),
            charts.Move(source="lost", target="won_back", label=both("请回", "won back"), count=46),
            charts.Move(source="won_back", target="active", label=both("稳定下来", "settled in"), count=92),
            charts.Move(source="won_back", target="lapsing", label=both("又要走", "slipping again"), count=0),
        ),
    )


def forest() -> charts.ForestPlot:
    return charts.ForestPlot(
        key="sample-forest",
        title=both("样例：关怀让30天回购率高3.1个百分点", "Sample: care lifts 30-day returns by 3.1 points"),
        note=both("第三条区间含0，还不能下结论。", "The third interval includes 0: no verdict yet."),
        link=charts.Link(label=both("留出组10%", "10% held out"), href="#tokens"),
        comparisons=(
            charts.Comparison(
                label=both("全部政策", "All policies"), treated=0.108, holdout=0.077, diff=0.031, low=0.019, high=0.043,
                treated_members=21_204, holdout_members=2_311, lead=True,
            ),
            charts.Comparison(
                label=both("将流失提醒", "Reminder when lapsing"), treated=0.089, holdout=0.074, diff=0.015, low=0.002,
                high=0.028, treated_members=12_040, holdout_members=1_320, href="#tokens",
            ),
            charts.Comparison(
                label=both("沉睡60天送券", "Coupon after 60 dormant days"), treated=0.152, holdout=0.11, diff=0.042,
                low=-0.009, high=0.093, treated_members=1_960, holdout_members=214, href="#tokens",
            ),
            charts.Comparison(
                label=both("生日月问候", "Birthday month greeting"), treated=0.121, treated_members=88,
                holdout_members=9, href="#tokens",
            ),
        ),
    )  # fmt: skip


def day_bars(*, key: str = "sample-days", scale: int = 1, size: charts.Size = "s") -> charts.DayBars:
    values = ((198, 210), (187, 205), (None, 196), (201, 222), (214, 231), (226, 240), (82, 84))
    names = both("周一 周二 周三 周四 周五 周六 今天", "Mon Tue Wed Thu Fri Sat Today").split()
    return charts.DayBars(
        key=key,
        size=size,
        title=both(
            "样例：进入预警1,108人，比上周同时段少7.5%", "Sample: 1,108 entered warning, 7.5% fewer than last week"
        ),
        unit=both("人", "members"),
        previous_label=both("上周同日", "Same day last week"),
        partial_label=both("今天，到10:32为止", "Today, until 10:32"),
        note=both("周三没有数据", "No data for Wednesday"),
        days=tuple(
            charts.Day(
                label=name,
                value=None if value is None else value * scale,
                previous=before * scale,
                partial=name == names[-1],
                href="#tokens",
            )
            for name, (value, before) in zip(names, values, strict=True)
        ),
    )


def message_states() -> charts.StackBar:
    return charts.StackBar(
        key="sample-states",
        title=both("样例：应发2,310条，送达68%，跳过27%", "Sample: 2,310 due, 68% delivered, 27% skipped"),
        unit=both("条", "messages"),
        parts=(
            charts.Part(label=both("送达", "Delivered"), value=1_562, colour="active", href="#tokens"),
            charts.Part(label=both("待发", "Waiting"), value=84, colour="new", href="#tokens"),
            charts.Part(label=both("失败", "Failed"), value=37, colour="bad", href="#tokens"),
            charts.Part(label=both("跳过", "Skipped"), value=627, colour="mute", href="#tokens"),
        ),
    )


def skip_reasons(*, key: str = "sample-reasons") -> charts.ReasonBars:
    words = (
        ("留出组，不发只比较", "Held out: not sent, only compared", 231),
        ("未同意营销", "No consent to marketing", 148),
        ("7天内已联系", "Contacted within the last 7 days", 112),
        ("没有可用通道", "No channel to reach them", 74),
        ("已经回购", "Bought in the meantime", 41),
        ("免打扰时段", "Quiet hours", 21),
    )
    return charts.ReasonBars(
        key=key,
        title=both("样例：跳过的原因", "Sample: why messages were skipped"),
        unit=both("条", "messages"),
        note=both("跳过即结束，不会补发", "A skip is final: nothing is sent later"),
        reasons=tuple(charts.Reason(label=both(zh, en), value=value, href="#tokens") for zh, en, value in words),
    )


def line(*, moment: datetime) -> charts.Line:
    values: list[int | None] = [11_020 + 47 * day + (60 if day % 5 else -40) for day in range(30)]
    values[12] = values[13] = None
    return charts.Line(
        key="sample-line",
        size="m",
        title=both("样例：可联系的会员近30天多了1,403人", "Sample: 1,403 more reachable members in 30 days"),
        unit=both("人", "members"),
        note=both("缺两天的数据", "Two days are missing"),
        points=tuple(
            charts.Point(label=f"{moment - timedelta(days=29 - day):%m-%d}", value=value)
            for day, value in enumerate(values)
        ),
    )


def sparkline() -> charts.Sparkline:
    return charts.Sparkline(
        label=both("样例：14天发送量", "Sample: 14 days of sending"),
        values=(12, 14, 13, 18, None, 17, 21, 20, 24, 22, 27, 26, 31, 30),
    )


def nothing() -> charts.ReasonBars:
    return charts.ReasonBars(
        key="sample-none",
        title=both("样例：还没有跳过", "Sample: no skips yet"),
        reasons=(charts.Reason(label="-", value=0),),
    )


def huge() -> charts.ReasonBars:
    return charts.ReasonBars(
        key="sample-huge",
        size="m",
        title=both("样例：一个很大的数", "Sample: one huge number"),
        reasons=(
            charts.Reason(label=both("历史导入的订单", "Orders from history imports of three older systems"),
                value=9_876_543),
            charts.Reason(label=both("实时订单", "Live orders"), value=12),
        ),
    )  # fmt: skip


def progress(state: str) -> Progress:
    running = state == "running"
    return Progress(
        state=state,
        state_label=_("Running") if running else _("Paused"),
        done=124_900,
        total=186_420,
        bad=212,
        per_second=2_310 if running else None,
        seconds_left=27 if running else None,
    )


def timeline(*, moment: datetime) -> list[SimpleNamespace]:
    rows = (
        (
            "now",
            0,
            "进入将流失",
            "Began to lapse",
            "52天没来，平时34天来一次",
            "No visit for 52 days, usually every 34",
        ),
        ("ok", 26, "短信已送达", "Text delivered", "将流失提醒，1条", "Reminder when lapsing, 1 part"),
        ("warn", 200, "跳过一条消息", "A message was skipped", "7天内已联系", "Contacted within 7 days"),
        ("bad", 620, "退款¥128.00", "Refund of ¥128.00", "整单退，云栖广场店", "Whole order, Yunqi Plaza"),
        ("", 1250, "订单¥328.00", "Order of ¥328.00", "云栖广场店，3件", "Yunqi Plaza, 3 pieces"),
    )
    return [
        SimpleNamespace(
            tone=tone, moment=moment - timedelta(hours=hours), title=both(zh, en), text=both(text_zh, text_en), href=""
        )
        for tone, hours, zh, en, text_zh, text_en in rows
    ]


class Words:
    """`{{ s.tier }}`: sample words of the portal and counter specimens in the language of the page."""

    TABLE = {
        "brand": ("禾汀", "HETING"),
        "tier": ("松石会员", "Turquoise"),
        "who": ("林*溪", "Xi L*"),
        "since": ("2023年3月入会", "Member since March 2023"),
        "gate": ("会员二维码样例，轻点放大", "Sample member code, tap to enlarge"),
        "left_a": ("收银时出示，", "Show at the till. New code in "),
        "left_b": ("秒后换新码", " s"),
        "bars": ("条形码", "Barcode"),
        "full": ("全屏亮码", "Full screen"),
        "points": ("积分", "Points"),
        "expire_b": ("320分", "320"),
        "expire": ("最早到期", " expire first"),
        "expire_by": ("12月31日前用掉", "Use by 31 Dec"),
        "more_a": ("再消费", "Spend "),
        "more_b": ("，升为金桂会员", " more to reach Osmanthus"),
        "spent": ("已消费¥4,620，满¥5,000升级", "¥4,620 of ¥5,000 spent"),
        "until": ("至2027.3.31", "By 31 Mar 2027"),
        "tier_bar": ("升级进度", "Tier progress"),
        "coupons": ("卡券", "Coupons"),
        "all3": ("全部3张", "All 3"),
        "over400": ("满400可用", "over ¥400"),
        "c1": ("冬日羊绒券", "Winter cashmere"),
        "c1_rule": ("羊绒、大衣可用，全国门店通用", "Cashmere and coats, in every store"),
        "c1_end": ("明晚24:00到期", "Ends tomorrow midnight"),
        "ten": ("9", "10"),
        "ten_unit": ("折", "% off"),
        "nomin": ("不限金额", "no minimum"),
        "c2": ("生日月礼", "Birthday month"),
        "c2_rule": ("每月限用一次，不与满减同用", "Once a month, not with amount coupons"),
        "c2_end": ("12月20日前有效", "Valid to 20 Dec"),
        "inbox": ("消息", "Inbox"),
        "all": ("全部", "All"),
        "m1": ("大衣补扣已寄出", "Your coat button is on its way"),
        "m1_sub": ("售后，今天09:12", "After-sales, today 09:12"),
        "m2": ("羊绒怎么洗，一页说清", "Washing cashmere, on one page"),
        "m2_sub": ("养护，11月18日", "Care, 18 Nov"),
        "n1": ("会员", "Card"),
        "n2": ("卡券", "Coupons"),
        "n3": ("直播", "Live"),
        "n4": ("服务", "Help"),
        "n5": ("我的", "Me"),
        "store": ("云栖广场店", "Yunqi Plaza"),
        "till": ("2号台", "Till 2"),
        "online": ("在线", "Online"),
        "shift": ("本班32笔", "32 this shift"),
        "clerk": ("周宁", "Zhou N."),
        "scan": ("请扫会员码", "Scan the code"),
        "scan_sub": ("扫码枪随时可扫，无需点选", "The scanner works at any time"),
        "due_label": ("本单应收，可先输也可扫码后输", "Amount due, before or after the scan"),
        "delete": ("删除", "Delete"),
        "tail": ("手机尾号", "Phone tail"),
        "new_member": ("新会员", "New member"),
        "redeemed": ("已核销", "Redeemed"),
        "collect": ("请收 ¥488.00", "Collect ¥488.00"),
        "saved": ("省 ¥80.00", "¥80.00 saved"),
        "earned": ("林*溪得积分", "Points for Xi L*"),
        "balance": ("积分余额", "Balance"),
        "undo": ("撤销", "Undo"),
        "undo_sub": ("4:52内可自己撤", "yours to undo for 4:52"),
        "next": ("下一位", "Next"),
        "no": ("不能用", "Not valid"),
        "no_why": ("这张券11月20日已到期，过了2天", "This coupon ended on 20 Nov, 2 days ago"),
        "no_next": ("会员还有1张可用：满200减30", "One more to use: ¥30 off over ¥200"),
        "no_keep": ("不用券，只积分", "No coupon, points only"),
        "no_do": ("改用 满200减30", "Use ¥30 off over ¥200"),
        "st_none": ("现在没有可用的券", "No coupons to use right now"),
        "st_none_sub": ("生日月和到店时会有，到账提醒您。", "They come with visits and your birthday month."),
        "st_none_do": ("用积分换一张", "Trade points for one"),
        "st_off": ("网络断了，这张码仍可用42秒", "You're offline. This code works for 42 s more"),
        "st_off_sub": ("连上后自动换新，也可报手机尾号。", "It renews by itself. Your phone tail works too."),
        "st_off_do": ("再连一次", "Connect again"),
        "st_ok": ("已用券，这一单省了¥80", "Coupon used: ¥80 saved"),
        "st_ok_sub": ("得488积分，现有12,968积分。", "488 points earned, 12,968 now."),
        "st_ok_do": ("看这一单", "See this order"),
    }

    def __getitem__(self, key: str) -> str:
        return both(*self.TABLE[key])

    def __iter__(self) -> Iterator[str]:
        return iter(self.TABLE)
