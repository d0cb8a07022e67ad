"""Rewards that are taken by themselves: whoever's balance reaches `auto_from` gets one, at most `auto_per_day` a shop day.

The sources "auto:<reward>:<day>:<n>" are the day's cap: the database keeps each once, so a run that is repeated, or two at once, take
no more. The balance is looked at again under the account's lock.
"""

from collections import Counter
from collections.abc import Iterator
from datetime import datetime

from django.db import connection, transaction
from django.db.models import Q

from apps.core import clock
from apps.core.errors import DomainError, NotFound
from apps.points import mall, offers
from apps.points.mall_errors import RewardUnavailable
from apps.points.models import Account, Reward

SOURCE = "auto:"
_CHUNK = 1_000

# Everybody is looked at: it costs less than an index on the balance, which every posting would have to write.
_READY = f"""
select a.member_id from points_account a join members_member m on m.id = a.member_id and m.status = 'active'
where a.currency_id = %(currency)s and a.balance >= %(enough)s and not a.is_frozen and a.joined_into_id is null
  and a.member_id > %(after)s
  and (select count(*) from points_exchange e
       where e.reward_id = %(reward)s and e.member_id = a.member_id and e.source like '{SOURCE}%%' and e.at >= %(today)s
      ) < %(per_day)s
order by a.member_id limit {_CHUNK}
"""


class _BelowTheMark(DomainError):
    """Somebody spent meanwhile."""


def exchange_all(*, moment: datetime | None = None) -> Counter[str]:
    """Take what is due for everybody; how many of each reward (by its key). Members whom a rule of the mall stops are passed over."""
    moment = moment or clock.now()
    running = Q(ends_at=None) | Q(ends_at__gt=moment), Q(starts_at=None) | Q(starts_at__lte=moment)
    taken: Counter[str] = Counter()
    for reward in Reward.objects.filter(*running, is_active=True, auto_from__isnull=False).order_by("position", "pk"):
        for member_id in _ready(reward, moment=moment):
            got, is_gone = _take(reward, member_id=member_id, moment=moment)
            taken[reward.key] += got
            if is_gone:
                break
    return +taken


def _ready(reward: Reward, *, moment: datetime) -> Iterator[int]:
    after = 0
    while True:
        with connection.cursor() as cursor:
            cursor.execute(
                _READY,
                {"currency": reward.currency_id, "enough": reward.auto_from, "after": after, "reward": reward.pk,
                 "today": clock.day_start(clock.local_date(moment)), "per_day": reward.auto_per_day},
            )  # fmt: skip
            found = [member_id for (member_id,) in cursor.fetchall()]
        yield from found
        if len(found) < _CHUNK:
            return
        after = found[-1]


def _take(reward: Reward, *, member_id: int, moment: datetime) -> tuple[int, bool]:
    """How many this member got, and whether there is no more for anybody."""
    shopper = mall.Shopper(member_id=member_id, tier_key=offers.tier_key(member_id))
    got = 0
    for number in range(1, reward.auto_per_day + 1):
        source = f"{SOURCE}{reward.pk}:{clock.local_date(moment)}:{number}"
        try:
            got += _one(reward, shopper=shopper, source=source, moment=moment)
        except NotFound:
            return got, True
        except RewardUnavailable as stopped:
            return got, stopped.facts["reason"] == "out_of_stock"
        except DomainError:
            return got, False
    return got, False


@transaction.atomic
def _one(reward: Reward, *, shopper: mall.Shopper, source: str, moment: datetime) -> bool:
    done = mall.exchange(shopper=shopper, reward_id=reward.pk, source=source, moment=moment)
    if not done.is_new:
        return False
    left = Account.objects.filter(member_id=shopper.member_id, currency_id=reward.currency_id).values_list(
        "balance", flat=True
    )
    if left.get() + reward.points < (reward.auto_from or 0):
        raise _BelowTheMark
    return True
