"""Journeys that most shops want, ready to be taken over as drafts. None runs before somebody has read and published it.

Names and texts are the brand's own words to its members, in the language of whoever takes them over. What only the brand has (a
coupon, a life track) is filled in from what exists; where there is none, publishing says what is missing.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.utils.functional import Promise
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from apps.care.journeys import editing
from apps.care.models import Journey
from apps.core import audit
from apps.core.errors import NotFound
from apps.coupons.models import Template
from apps.members.models import Tag
from apps.points.models import Currency
from apps.segments.models import Track

Node = dict[str, Any]
BOUGHT = [{"when": {"kind": "order"}, "is_goal": True}]
END: Node = {"key": "end", "kind": "exit"}
HOLDOUT = 10  # percent
TO_CHOOSE = "to-choose"  # no such thing: publishing says so


@dataclass(frozen=True)
class Brand:
    """What of the brand's own the journeys name; TO_CHOOSE where there is none yet. `is_english`: the language of the texts."""

    is_english: bool
    coupon: str
    currency: str
    track: str
    step: str
    tag: str

    def say(self, chinese: str, english: str) -> str:
        return english if self.is_english else chinese

    def message(self, key: str, to: str, chinese: str, english: str, *, channel: str = "inbox", **more: Any) -> Node:
        """Whoever told no name is called by a word for all."""
        nobody = {"policy": "default", "value": self.say("会员", "dear member")}
        return {
            "key": key, "kind": "send", "channel": channel, "template": self.say(chinese, english), "next": to,
            "missing": {"nickname": nobody}, **more,
        }  # fmt: skip


@dataclass(frozen=True)
class Ready:
    """`about`: what it does, for whoever chooses. `build`: the draft."""

    key: str
    title: Promise
    about: Promise
    name: tuple[str, str]  # Chinese, English
    build: Callable[[Brand], dict[str, Any]]
    needs: tuple[str, ...] = ()  # of "coupon", "track", "tag": what the brand must have before it can be published


def rest(key: str, to: str, *, days: int, hour: int = 10) -> Node:
    return {"key": key, "kind": "wait", "for": {"kind": "time", "days": days, "hour": hour}, "next": to}


def coupon(key: str, to: str, otherwise: str, *, of: Brand, most: int) -> Node:
    """One unused coupon at a time, to so many members at most."""
    return {
        "key": key,
        "kind": "coupon",
        "template": of.coupon,
        "most": most,
        "is_only_live": True,
        "next": to,
        "otherwise": otherwise,
    }


def began_by(trigger: str, **params: Any) -> dict[str, Any]:
    return {"kind": "trigger", "trigger": trigger, "params": params}


def _welcome(of: Brand) -> dict[str, Any]:
    return {
        "entry": began_by("registered", days=0, window_days=3),
        "ends": BOUGHT,
        "holdout_percent": HOLDOUT,
        "nodes": [
            of.message(
                "hello",
                "rest",
                "{{ nickname }}，欢迎加入{{ brand }}！出示会员码即可积分，权益已为您开通。",
                "Welcome to {{ brand }}, {{ nickname }}! Show your member code and collect points from now on.",
            ),
            rest("rest", "invite", days=3),
            of.message(
                "invite",
                "end",
                "{{ nickname }}，{{ brand }}有不少新品，得空来店里看看，店员会按您的喜好推荐。",
                "{{ nickname }}, there is much that is new at {{ brand }}. Come and have a look when you have a moment.",
                channel="sms",
            ),
            END,
        ],
    }


def _second(of: Brand) -> dict[str, Any]:
    return {
        "entry": began_by("second_purchase", days=14, window_days=14),
        "ends": BOUGHT,
        "holdout_percent": HOLDOUT,
        "nodes": [
            of.message(
                "ask",
                "rest",
                "{{ nickname }}，上次选的还满意吗？第二次光临{{ brand }}，店员可以按您的口味推荐几样。",
                "{{ nickname }}, are you happy with what you chose? On your second visit to {{ brand }} we can suggest a few things.",
            ),
            rest("rest", "gift", days=10),
            coupon("gift", "tell", "end", of=of, most=2000),
            of.message(
                "tell",
                "end",
                "{{ nickname }}，{{ brand }}送您一张{{ coupon }}，{{ coupon_last_day }}前可用。",
                "{{ nickname }}, a coupon from {{ brand }} is yours: {{ coupon }}, until {{ coupon_last_day }}.",
                channel="sms",
            ),
            END,
        ],
    }


def _birthday(of: Brand) -> dict[str, Any]:
    """On the day by the member's own calendar; a lunar year has 354 to 385 days."""
    return {
        "entry": began_by("birthday", days_before=0, window_days=2),
        "again": {"kind": "after", "days": 300},
        "holdout_percent": HOLDOUT,
        "nodes": [
            of.message(
                "wish",
                "end",
                "{{ nickname }}，生日快乐！{{ brand }}为您备了一份小礼，到店出示会员码即可领取。",
                "Happy birthday, {{ nickname }}! A small present waits for you at {{ brand }}: just show your member code.",
                channel="sms",
                fallback=[
                    {
                        "channel": "inbox",
                        "template": of.say(
                            "{{ nickname }}，生日快乐！{{ brand }}为您备了一份小礼，到店出示会员码即可领取。",
                            "Happy birthday, {{ nickname }}! A small present waits for you at {{ brand }}: just show your member code.",
                        ),
                    }
                ],
            ),
            END,
        ],
    }


def _points(of: Brand) -> dict[str, Any]:
    left = {"field": "points_expiring", "key": of.currency, "op": "gte", "value": 1, "within": {"next_days": 4}}
    return {
        "entry": began_by("points_expiring", days_before=14, window_days=3, currency=of.currency),
        "again": {"kind": "each"},
        "holdout_percent": HOLDOUT,
        "nodes": [
            of.message(
                "early",
                "rest",
                "{{ nickname }}，您有{{ points_expiring }}积分将于{{ points_last_day }}到期，可在{{ brand }}兑换礼品或抵现。",
                "{{ nickname }}, {{ points_expiring }} points run out on {{ points_last_day }}. Spend them at {{ brand }}.",
            ),
            rest("rest", "left", days=11),
            {"key": "left", "kind": "branch", "ways": [{"rule": left, "next": "last"}], "otherwise": "end"},
            of.message(
                "last",
                "end",
                "{{ nickname }}，{{ points_expiring }}积分{{ points_last_day }}到期，别忘了使用。{{ brand }}",
                "{{ nickname }}, {{ points_expiring }} points run out on {{ points_last_day }}. Do not forget them. {{ brand }}",
                channel="sms",
            ),
            END,
        ],
    }


def _coupons(of: Brand) -> dict[str, Any]:
    return {
        "entry": began_by("coupon_expiring", days_before=3, window_days=2),
        "again": {"kind": "each"},
        "holdout_percent": HOLDOUT,
        "nodes": [
            of.message(
                "remind",
                "end",
                "{{ nickname }}，您的{{ coupon }}{{ coupon_last_day }}到期，可在{{ brand }}使用。",
                "{{ nickname }}, your coupon {{ coupon }} runs out on {{ coupon_last_day }}. Use it at {{ brand }} before then.",
            ),
            END,
        ],
    }


def _cart(of: Brand) -> dict[str, Any]:
    return {
        "entry": began_by("cart_left", hours=4, window_days=1),
        "again": {"kind": "after", "days": 7},
        "ends": BOUGHT,
        "holdout_percent": HOLDOUT,
        "nodes": [
            of.message(
                "remind",
                "rest",
                "{{ nickname }}，您选的{{ cart_product }}还在购物车里，{{ brand }}为您留着。",
                "{{ nickname }}, {{ cart_product }} is still in your cart. {{ brand }} keeps it for you.",
            ),
            rest("rest", "again", days=1),
            of.message(
                "again",
                "end",
                "{{ nickname }}，购物车里的{{ cart_product }}还没带走，需要帮忙可回{{ brand }}店里问问。",
                "{{ nickname }}, {{ cart_product }} is still waiting in your cart at {{ brand }}. Any questions? Just ask us.",
                channel="sms",
            ),
            END,
        ],
    }


def _lapsing(of: Brand) -> dict[str, Any]:
    """Reminder, then a coupon within a budget (one unused one at most), then staff; over with any purchase."""
    return {
        "entry": began_by("stage_entered", stage="lapsing", window_days=14),
        "again": {"kind": "after", "days": 60},
        "ends": BOUGHT,
        "holdout_percent": HOLDOUT,
        "nodes": [
            of.message(
                "remind",
                "rest",
                "{{ nickname }}，有些日子没见到您了，{{ brand }}上了不少新品，得空来看看吧。",
                "{{ nickname }}, it has been a while. There is much that is new at {{ brand }}: come and see.",
                channel="sms",
            ),
            rest("rest", "gift", days=7),
            coupon("gift", "tell", "pause", of=of, most=500),
            of.message(
                "tell",
                "pause",
                "{{ nickname }}，{{ brand }}送您一张{{ coupon }}，已放进卡包，{{ coupon_last_day }}前可用。",
                "{{ nickname }}, {{ brand }} has put a coupon into your wallet: {{ coupon }}, until {{ coupon_last_day }}.",
                channel="sms",
            ),
            rest("pause", "staff", days=7),
            {
                "key": "staff",
                "kind": "followup",
                "task": "call",
                "due_hours": 72,
                "next": "end",
                "title": of.say("问候久未到店的会员", "Say hello to a member who has not come for long"),
                "text": of.say(
                    "提醒和优惠券都没有带来到店，请亲自问候。",
                    "Neither a reminder nor a coupon brought them back: a personal word, please.",
                ),
            },
            END,
        ],
    }


def _win_back(of: Brand) -> dict[str, Any]:
    return {
        "entry": began_by("stage_entered", stage="dormant", window_days=14),
        "again": {"kind": "after", "days": 180},
        "ends": BOUGHT,
        "holdout_percent": 20,
        "return_days": 60,
        "nodes": [
            of.message(
                "hello",
                "rest",
                "{{ nickname }}，好久不见。您的{{ brand }}会员权益仍在，期待您回来看看。",
                "{{ nickname }}, we have not met for long. All you have as a member of {{ brand }} is still there.",
                channel="sms",
            ),
            rest("rest", "gift", days=14),
            coupon("gift", "tell", "end", of=of, most=1000),
            of.message(
                "tell",
                "end",
                "{{ nickname }}，{{ brand }}为您备了回归礼{{ coupon }}，{{ coupon_last_day }}前有效。",
                "{{ nickname }}, for your return {{ brand }} has a present: {{ coupon }}, until {{ coupon_last_day }}.",
                channel="sms",
            ),
            END,
        ],
    }


def _again(of: Brand) -> dict[str, Any]:
    return {
        "entry": began_by("replenishment_due", days_before=3, window_days=7),
        "again": {"kind": "after", "days": 14},
        "ends": BOUGHT,
        "holdout_percent": HOLDOUT,
        "nodes": [
            of.message(
                "remind",
                "end",
                "{{ nickname }}，家里的{{ due_product }}快用完了吧？{{ brand }}有货，可到店或线上补上。",
                "{{ nickname }}, are you running out of {{ due_product }}? {{ brand }} has it in stock.",
            ),
            END,
        ],
    }


def _track(of: Brand) -> dict[str, Any]:
    return {
        "entry": began_by("track_step", track=of.track, step=of.step, window_days=7),
        "again": {"kind": "each"},
        "holdout_percent": HOLDOUT,
        "nodes": [
            of.message(
                "tips",
                "rest",
                "{{ nickname }}，新阶段开始了，{{ brand }}整理了这段时间用得上的东西，请查收。",
                "{{ nickname }}, a new time begins. {{ brand }} has put together what helps now.",
            ),
            rest("rest", "visit", days=14),
            of.message(
                "visit",
                "end",
                "{{ nickname }}，这段时间需要什么，{{ brand }}店员随时可以帮您挑选。",
                "{{ nickname }}, whatever you need these weeks, the staff of {{ brand }} will gladly help you choose.",
            ),
            END,
        ],
    }


def _served(of: Brand) -> dict[str, Any]:
    """Three days after a ticket was resolved: a word, and a task for staff where the member opens another one."""
    return {
        "entry": {"kind": "fact", "fact": "ticket.resolved"},
        "again": {"kind": "after", "days": 30},
        "nodes": [
            rest("rest", "ask", days=3),
            of.message(
                "ask",
                "await",
                "{{ nickname }}，之前的问题都解决好了吗？还有需要，随时回复或到{{ brand }}店里找我们。",
                "{{ nickname }}, is everything all right again? {{ brand }} is there for you if anything is left.",
            ),
            {
                "key": "await", "kind": "await", "what": {"kind": "rule", "rule": _ASKS_AGAIN}, "days": 14,
                "met": "staff", "timeout": "end",
            },
            {
                "key": "staff", "kind": "followup", "task": "call", "due_hours": 24, "next": "end",
                "title": of.say("售后回访后又来求助", "Needs help again after a ticket"),
                "text": of.say(
                    "上次的问题刚解决，会员又提了新问题，请亲自问候。",
                    "The last ticket was resolved only days ago, and there is a new one: a personal word, please.",
                ),
            },
            END,
        ],
    }  # fmt: skip


_ASKS_AGAIN = {"field": "tickets_open", "op": "gte", "value": 1}


def _autotag(of: Brand) -> dict[str, Any]:
    return {
        "entry": began_by("group_joined", window_days=3),
        "again": {"kind": "each"},
        "nodes": [{"key": "tag", "kind": "tag", "add": [of.tag], "next": "end"}, END],
    }


READY: tuple[Ready, ...] = (
    Ready(
        "welcome",
        _("Welcome to newcomers"),
        _("Greets who joins; after three days invites who has not bought yet."),
        ("新会员欢迎", "Welcome"),
        _welcome,
    ),
    Ready(
        "second",
        _("First to second purchase"),
        _("Two weeks after the first purchase a word, then a coupon within a budget; over with the second."),
        ("首购转二购", "First to second purchase"),
        _second,
        ("coupon",),
    ),
    Ready(
        "birthday",
        _("Birthday"),
        _("On the day, by the ordinary or the Chinese calendar, once a year."),
        ("生日祝福", "Birthday"),
        _birthday,
    ),
    Ready(
        "points",
        _("Points run out"),
        _("Two weeks before, and again three days before for who has not spent them."),
        ("积分到期提醒", "Points run out"),
        _points,
    ),
    Ready(
        "coupons",
        _("Coupons run out"),
        _("Three days before the last day of an unused coupon."),
        ("优惠券到期提醒", "Coupons run out"),
        _coupons,
    ),
    Ready(
        "cart",
        _("Abandoned cart"),
        _("Four hours after a cart was left, and once more the next day; over with any purchase."),
        ("购物车提醒", "Abandoned cart"),
        _cart,
    ),
    Ready(
        "lapsing",
        _("Care ladder for lapsing members"),
        _("A reminder, a coupon within a budget, at last a task for staff; over with any purchase."),
        ("流失关怀阶梯", "Care for lapsing members"),
        _lapsing,
        ("coupon",),
    ),
    Ready(
        "winback",
        _("Win back"),
        _("For dormant members, with a fifth held out so that the effect can be told."),
        ("沉睡唤醒", "Win back"),
        _win_back,
        ("coupon",),
    ),
    Ready(
        "again",
        _("Needed again"),
        _("Three days before something is probably used up; over with any purchase."),
        ("补货提醒", "Needed again"),
        _again,
    ),
    Ready(
        "served",
        _("After the service"),
        _("Three days after a ticket was resolved a word; staff calls who needs help again."),
        ("售后关怀", "After the service"),
        _served,
    ),
    Ready(
        "track",
        _("Life track"),
        _("Two helpful words in the first weeks of a step."),
        ("生命轨道关怀", "Life track"),
        _track,
        ("track",),
    ),
    Ready(
        "autotag",
        _("Tag by itself"),
        _(
            "Whoever joins a WeCom group gets a tag. Who buys, or searches for a word, or comes in time: change who comes in."
        ),
        ("入群自动打标签", "Tag on joining a group"),
        _autotag,
        ("tag",),
    ),
)
BY_KEY = {ready.key: ready for ready in READY}


def of_brand(*, language: str | None = None) -> Brand:
    """What the brand has by now: its oldest published coupon, its points, the first step of its oldest life track, its oldest tag."""
    template = Template.objects.filter(version__isnull=False, is_pool=False).order_by("pk").first()
    currency = Currency.objects.filter(is_spendable=True).order_by("pk").first()
    track = Track.objects.filter(archived_at=None).order_by("pk").first()
    tag = Tag.objects.order_by("pk").first()
    return Brand(
        is_english=(language or get_language() or "").startswith("en"),
        coupon=template.key if template else TO_CHOOSE,
        currency=currency.key if currency else "",
        track=track.key if track else TO_CHOOSE,
        step=track.steps[0]["key"] if track else TO_CHOOSE,
        tag=tag.name if tag else TO_CHOOSE,
    )


@transaction.atomic
def take_over(*, key: str, language: str | None = None) -> Journey:
    """A draft of its own, "welcome", the next one "welcome-2". Raises NotFound."""
    audit.sign()
    ready = BY_KEY.get(key)
    if ready is None:
        raise NotFound
    brand = of_brand(language=language)
    taken = set(Journey.objects.filter(key__startswith=key).values_list("key", flat=True))
    free = next(name for name in (key, *(f"{key}-{n}" for n in range(2, 1000))) if name not in taken)
    return editing.create(key=free, name=brand.say(*ready.name), draft=ready.build(brand))
