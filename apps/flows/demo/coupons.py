"""The demo's coupons: templates that say what they are, issued over the last weeks, and redeemed on orders of the replayed days.

Issued through the service, a day and a template at a time; used in one statement for each template, as if the tills had done it: an
order takes one coupon at most, a third of the coupons that could be used stay in the wallets.
"""

from datetime import datetime, timedelta
from typing import Any

from django.db import connection, transaction

from apps.core import clock
from apps.coupons import ceilings, issuing, keeping, templates
from apps.coupons.models import Coupon, Spent, Template
from apps.members.models import Member

NOTE, NOTE_EN = "演示券，不会真的优惠", "A demo coupon: nothing is really cheaper"
WEEKS = 6  # that issues are spread over
DAYS_30 = {"kind": "after_claim", "days": 30}
# key, name, English name, gives, level, conditions, fields of the template, stock, channel, members in a hundred
_Made = tuple[str, str, str, dict[str, Any], str, dict[str, Any], dict[str, Any], int | None, str, int]
MADE: tuple[_Made, ...] = (
    ("demo-welcome", "入会礼", "Welcome gift", {"kind": "amount", "cents": 3_000}, "order", {"minimum_cents": 9_900},
     {}, None, "register", 60),
    ("demo-birthday", "生日月礼", "Birthday month", {"kind": "percent", "off": 10, "at_most_cents": 20_000}, "order",
     {"without": ["order"]}, {"per_member": 2}, None, "care", 25),
    ("demo-cashmere", "冬日羊绒券", "Winter cashmere", {"kind": "amount", "cents": 8_000}, "order",
     {"minimum_cents": 40_000, "without": ["order"]}, {"is_in_centre": True}, 5_000, "centre", 30),
    ("demo-tea", "茉莉花茶一罐", "A tin of jasmine tea",
     {"kind": "exchange", "what": "茉莉花茶一罐", "what_en": "a tin of jasmine tea", "worth_cents": 1_800}, "gift",
     {"store_share": 50}, {"is_in_centre": True}, 800, "centre", 20),
    ("demo-steps", "满减节", "Spend and save", {"kind": "steps", "steps": [
        {"from_cents": 10_000, "off_cents": 1_000}, {"from_cents": 20_000, "off_cents": 2_500},
        {"from_cents": 30_000, "off_cents": 4_500}]}, "order", {"store_share": 30}, {"is_in_centre": True}, 6_000, "centre", 40),
    ("demo-shipping", "线上免邮券", "Free shipping online", {"kind": "shipping", "at_most_cents": 1_200}, "shipping",
     {"minimum_cents": 5_900, "channels": ["online", "mini-program"]}, {"is_in_centre": True}, 5_000, "centre", 20),
    ("demo-flash", "整点秒杀券", "Flash sale", {"kind": "amount", "cents": 5_000}, "order", {"minimum_cents": 15_000},
     {"is_in_centre": True, "is_flash": True}, 200, "centre", 0),
    ("demo-friend", "好友同享券", "For you and a friend", {"kind": "percent", "off": 15, "at_most_cents": 5_000}, "order",
     {"weekdays": [5, 6, 7]}, {"is_in_centre": True, "is_giftable": True, "per_member": 2}, 3_000, "centre", 35),
    ("demo-cereal", "麦片一件八折", "20% off one cereal", {"kind": "percent", "off": 20, "at_most_cents": 2_000}, "item",
     {"only": {"categories": ["即食麦片"]}, "units": 1}, {"is_in_centre": True}, 3_000, "centre", 0),
)  # fmt: skip
_USE = """
with fit as (
    select distinct on (o.id) c.id as coupon_id, c.member_id, o.id as order_id, o.store_id, o.guide_id, o.channel, o.paid_at,
           o.total_cents
    from coupons_coupon c
    join orders_order o on o.member_id = c.member_id and o.paid_at > c.starts_at and o.paid_at < c.ends_at and o.paid_at <= %(now)s
    where c.template_id = %(template)s and c.state = 'ready' and c.id %% 3 <> 0 and o.total_cents >= %(least)s
      and o.status in ('paid', 'received') and (not %(online)s or o.channel in ('online', 'mini-program'))
      and (%(online)s or o.store_id is not null)
      and not exists (select from coupons_use u where u.order_id = o.id)
    order by o.id, c.id
), one as (
    select distinct on (coupon_id) *, case when %(off)s > 0 then least(total_cents * %(off)s / (100 - %(off)s), %(most)s)
           else (select max(off) from unnest(%(froms)s::bigint[], %(offs)s::bigint[]) s(least, off) where total_cents + off >= s.least)
           end as saved
    from fit order by coupon_id, paid_at
), used as (
    insert into coupons_use (coupon_id, template_id, member_id, state, source, store_id, staff_id, channel, order_id, reference,
                             basket_cents, saved_cents, store_cents, shares, is_vouched, at, done_at)
    select coupon_id, %(template)s, member_id, 'done', 'demo:' || order_id, store_id, guide_id, channel, order_id, 'demo-' || order_id,
           total_cents + saved, saved, saved * %(share)s / 100, '{}', false, paid_at, paid_at from one
    returning id, coupon_id, done_at
), moved as (
    update coupons_coupon c set state = 'used' from used u where c.id = u.coupon_id returning c.id
)
insert into coupons_entry (coupon_id, kind, use_id, note, at) select coupon_id, 'used', id, '', done_at from used
"""


def live(*, now: datetime) -> tuple[int, int]:
    """Returns how many coupons there are and how many are used. Again: a no-op."""
    if not Template.objects.filter(key__startswith="demo-").exists():
        with transaction.atomic():
            for made in MADE:
                _lived(made, now=now)
        while keeping.expire_due(moment=now):
            pass
    ours = Coupon.objects.filter(template__key__startswith="demo-")
    return ours.count(), ours.filter(state=Coupon.State.USED).count()


def _lived(made: _Made, *, now: datetime) -> None:
    key, name, name_en, gives, level, conditions, fields, most, channel, share = made
    terms = {"gives": gives, "level": level, "valid": DAYS_30, "text": NOTE, "text_en": NOTE_EN} | conditions
    begun = now - timedelta(weeks=WEEKS)
    with clock.frozen(begun):
        row = templates.create(key=key, name=name, name_en=name_en, draft=terms, most=most, **fields)
        if key == "demo-steps":
            ceilings.write(template_id=row.pk, wanted={("total", "cents"): 20_000_000})
        templates.freeze(template_id=row.pk)
    members = list(Member.objects.order_by("pk").values_list("pk", flat=True))
    for number in range(WEEKS):
        at = clock.day_start(clock.local_date(begun) + timedelta(days=7 * number + 2)) + timedelta(hours=10)
        chosen = [pk for pk in members if (pk * 7919 + len(key) * 31) % 100 < share and pk % WEEKS == number]
        if chosen and at < now:
            issuing.issue_many(
                member_ids=chosen, template_id=row.pk, source=f"demo:{key}", channel=channel, origin="demo", moment=at
            )
    use_some(row, terms, now=now)
    if key == "demo-flash":
        hour = now.replace(minute=0, second=0, microsecond=0)
        templates.save(template_id=row.pk, opens_at=hour - timedelta(hours=1), closes_at=hour + timedelta(days=2))


def use_some(row: Template, terms: dict[str, Any], *, now: datetime) -> None:
    """As if the tills had taken them on orders of their members that they fit."""
    gives = terms["gives"]
    most = gives.get("cents") or gives.get("at_most_cents") or gives.get("worth_cents", 0)
    steps = gives.get("steps") or [{"from_cents": 0, "off_cents": most}]
    least = terms.get("minimum_cents", 0) or steps[0]["from_cents"]
    values = {
        "template": row.pk, "now": now, "least": least, "most": most, "off": gives.get("off", 0),
        "froms": [step["from_cents"] for step in steps], "offs": [step["off_cents"] for step in steps],
        "share": terms.get("store_share", 0), "online": "channels" in terms,
    }  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute(_USE, values)
        cursor.execute("select coalesce(sum(saved_cents), 0) from coupons_use where template_id = %s", [row.pk])
        saved = int(cursor.fetchone()[0])
    for budget in row.budgets.all() if saved else ():
        Spent.objects.create(budget=budget, key="", amount=saved)
