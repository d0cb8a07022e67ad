"""Rewards, stores and members with points, for the tests of the mall."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from apps.members.models import Member
from apps.points import mall, pick_up
from apps.points import services as points
from apps.points.models import Currency, Exchange, Reward
from apps.stores.models import Store


@dataclass(frozen=True)
class Took:
    exchange: Exchange
    is_new: bool

    @property
    def code(self) -> str:
        return pick_up.opened(bytes(self.exchange.code_sealed or b""), member_id=self.exchange.member_id)


def gift(key: str = "gift", **fields: Any) -> Reward:
    currency = Currency.objects.get(key="points")
    facts = {"name": f"礼品{key}", "name_en": f"Gift {key}", "points": 50, "is_active": True, "currency": currency}
    return Reward.objects.create(key=key, **(facts | fields))


def shop(code: str) -> Store:
    return Store.objects.create(code=code, name=f"Store {code}")


def rich(member: Member, amount: int) -> None:
    points.earn(member_id=member.pk, amount=amount, source="opening", terms=points.Terms(expiry={"kind": "never"}))


def take(
    member: Member, reward: Reward, source: str, *, store_id: int | None = None, tier_key: str = "",
    moment: datetime | None = None,
) -> Took:  # fmt: skip
    shopper = mall.Shopper(member_id=member.pk, tier_key=tier_key)
    taken = mall.exchange(shopper=shopper, reward_id=reward.pk, source=source, store_id=store_id, moment=moment)
    return Took(taken.exchange, taken.is_new)
