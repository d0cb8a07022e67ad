"""A room, two hosts and streams in it: what the tests of live streams are about."""

from datetime import UTC, datetime, timedelta
from typing import Any

from apps.core import clock
from apps.livestream import planning
from apps.livestream.models import Host, Room, Stream

NOON = datetime(2026, 3, 10, 4, 0, tzinfo=UTC)  # a Tuesday
EVENING = NOON + timedelta(hours=8)  # 20:00 in the shop
DAY, HOUR, MINUTE = timedelta(days=1), timedelta(hours=1), timedelta(minutes=1)


def room(name: str = "旗舰店直播间") -> Room:
    return planning.add_room(platform="douyin", name=name)


def host(name: str = "小满") -> Host:
    return planning.add_host(name=name)


def wanted(title: str = "春茶专场", *, at: datetime = EVENING + DAY, hours: float = 2, **more: Any) -> planning.Wanted:
    facts = {"room_id": more.pop("room_id", None) or room().pk, "host_id": more.pop("host_id", None) or host().pk}
    return planning.Wanted(title=title, starts_at=at, ends_at=at + hours * HOUR, **facts, **more)


def stream(title: str = "春茶专场", *, now: datetime = NOON, **more: Any) -> Stream:
    with clock.frozen(now):
        return planning.plan(wanted=wanted(title, **more))
