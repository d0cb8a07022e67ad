"""What the demo's members took from the mall in the last ten weeks, and what became of it, through the services of the mall.

A member exchanges only after the last line of their account, so that no statement runs backwards.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import connection

from apps.core import clock
from apps.points import mall, offers
from apps.points.models import Exchange, Reward
from apps.stores.models import Staff

MOST, DAYS = 80, 70
KEYS = ("demo-bag", "demo-tea", "demo-cup", "demo-bag", "demo-tea", "demo-bag", "demo-flower")
NEED = 1_200  # the dearest of them
# Whose account rests since when, longest first.
_RESTING = """
select a.member_id, m.home_store_id, max(e.at) as last from points_account a
join points_entry e on e.account_id = a.id join members_member m on m.id = a.member_id
where a.currency_id = (select id from points_currency where key = 'points') and a.balance > %s and not a.is_frozen
group by a.member_id, m.home_store_id order by last, a.member_id
"""


@dataclass(frozen=True)
class Guest:
    member_id: int
    store_id: int | None
    last: datetime


def live(*, now: datetime) -> int:
    """Returns how many were made. Again: a no-op."""
    if Exchange.objects.filter(source__startswith="demo:").exists():
        return 0
    rewards = {reward.key: reward for reward in Reward.objects.filter(key__in=KEYS)}
    made = 0
    for number, (moment, guest) in enumerate(_visits(now)):
        made += _lived(rewards[KEYS[number % len(KEYS)]], guest=guest, number=number, moment=moment, now=now)
    for days in range(DAYS, -1, -1):
        mall.sweep(moment=now - timedelta(days=days))
    return made


def _visits(now: datetime) -> Iterator[tuple[datetime, Guest]]:
    """Oldest first, each with a guest who has done nothing with their points since long before."""
    with connection.cursor() as cursor:
        cursor.execute(_RESTING, [NEED])
        resting = [Guest(*row) for row in cursor.fetchall()]
    days = clock.day_start(clock.local_date(now) - timedelta(days=DAYS))
    for number in range(MOST):
        moment = days + timedelta(days=number * DAYS // MOST, hours=10 + number * 7 % 10, minutes=number * 13 % 60)
        guest = next((one for one in resting if one.last < moment), None)
        if guest is not None and moment < now:
            resting.remove(guest)
            yield moment, guest


def _lived(reward: Reward, *, guest: Guest, number: int, moment: datetime, now: datetime) -> bool:
    """Most gifts are picked up within days; some are left, some cancelled, of those with cash one in four is never paid."""
    shopper = mall.Shopper(member_id=guest.member_id, tier_key=offers.tier_key(guest.member_id))
    store_id = _keeper(reward) if reward.is_store_limited else None
    taken = mall.exchange(
        shopper=shopper, reward_id=reward.pk, source=f"demo:{number}", store_id=store_id, moment=moment
    )
    row = taken.exchange
    if row.state == Exchange.State.AWAITING and number % 4:
        paid_at = moment + timedelta(minutes=3)
        mall.confirm_paid(exchange_id=row.pk, cents=row.cash_cents, ref=f"DEMO-{number:04d}", moment=paid_at)
    later = moment + timedelta(days=1 + number % 5, hours=number % 3)
    row.refresh_from_db()
    if row.state != Exchange.State.READY or later >= now:
        return taken.is_new
    if number % 9 == 5 and not row.paid_at:
        mall.cancel(exchange_id=row.pk, by_member=guest.member_id, moment=later)
    elif number % 9 not in {2, 7}:
        mall.hand_over_seen(exchange_id=row.pk, at=_counter(store_id or guest.store_id), moment=later)
    return taken.is_new


def _keeper(reward: Reward) -> int | None:
    """The shop that has most of it."""
    stock = reward.stocks.order_by("-left", "store__code").first()
    return stock.store_id if stock else None


def _counter(store_id: int | None) -> mall.Counter:
    clerk = Staff.objects.filter(store_id=store_id, is_active=True).order_by("code").first() if store_id else None
    return mall.Counter(store_id=store_id, staff_id=clerk.pk if clerk else None, guesser="demo")
