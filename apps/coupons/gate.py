"""The gate of a flash sale: Valkey says no early, PostgreSQL alone says yes.

For a template with `is_flash` Valkey keeps what was issued, counted from the database. Sold out, has it already, not open yet: such a
claim is refused without asking the database. What the gate does not know goes to the database: an answer lost, Valkey down or emptied
costs speed, never a coupon too many. The gate is counted anew every few seconds, so that a wrong no (more stock since) lasts no longer.
"""

import time
from datetime import datetime
from functools import cache, partial
from typing import Any

import redis
import structlog
from django.conf import settings
from django.db import connection, transaction
from redis.exceptions import RedisError

from apps.core import clock
from apps.coupons import issuing
from apps.coupons.basket import Shopper
from apps.coupons.errors import CouponRefused
from apps.coupons.issuing import Issued
from apps.coupons.models import Template

COUNTED_FOR = 5_000  # milliseconds a count is believed
LARGEST = 100_000  # coupons issued; above that counting costs more than it saves
PATIENCE, REST = 0.25, 1.0  # seconds that Valkey has to answer; in which it is not asked after it did not
log = structlog.get_logger("siyu.coupons")
_rest = {"until": 0.0}

# KEYS: what was counted, whether it is believed. ARGV: member, source, now in ms. "": ask the database; "count": count first.
_ASK = """
if redis.call('EXISTS', KEYS[2]) == 0 then return 'count' end
local said = redis.call('HMGET', KEYS[1], 's:' .. ARGV[2], 'm:' .. ARGV[1], 'opens', 'per', 'left')
if said[1] then return '' end
if said[3] and tonumber(ARGV[3]) < tonumber(said[3]) then return 'coupon_not_open:' .. said[3] end
if said[4] and tonumber(said[2] or '0') >= tonumber(said[4]) then return 'coupon_limit_reached' end
if said[5] and tonumber(said[5]) <= 0 then return 'coupon_out_of_stock' end
return ''
"""
# One more was issued. Told twice, or counted meanwhile: it counts once.
_NOTE = """
if redis.call('HSETNX', KEYS[1], 's:' .. ARGV[2], 1) == 1 then
    redis.call('HINCRBY', KEYS[1], 'm:' .. ARGV[1], 1)
    if redis.call('HEXISTS', KEYS[1], 'left') == 1 then redis.call('HINCRBY', KEYS[1], 'left', -1) end
end
"""
_STATE = """
select t.opens_at, t.per_member, s.issued,
       case when t.is_pool then (select count(*) from coupons_coupon c where c.template_id = t.id and c.state = 'unclaimed')
            else s.most - s.issued end
  from coupons_template t join coupons_stock s on s.template_id = t.id where t.id = %s
"""
_OWNERS = "select source, member_id, nth from coupons_coupon where template_id = %s and member_id is not null"


def claim(
    *, shopper: Shopper, template: Template, source: str, origin: str = "", moment: datetime | None = None
) -> Issued:
    """As `issuing.claim`, for a template that was read just now; through the gate where it is a flash sale."""
    moment = moment or clock.now()
    if not template.is_flash:
        return issuing.claim(shopper=shopper, template_id=template.pk, source=source, origin=origin, moment=moment)
    refuse(template=template, member_id=shopper.member_id, source=source, moment=moment)
    try:
        made = issuing.claim(shopper=shopper, template_id=template.pk, source=source, origin=origin, moment=moment)
    except CouponRefused as refused:
        if refused.code == "coupon_out_of_stock":
            _quietly(partial(_sold_out, template.pk))
        raise
    note = partial(_note, template.pk, shopper.member_id, source)
    transaction.on_commit(partial(_quietly, note), robust=True)
    return made


def refuse(*, template: Template, member_id: int, source: str, moment: datetime) -> None:
    """What the gate alone can say: a door asks before it looks anything up. Raises CouponRefused (coupon_not_open,
    coupon_limit_reached, coupon_out_of_stock)."""
    if template.is_flash:
        _ask(template.pk, member_id, source, moment)


def forget(template_id: int) -> None:
    """Count anew before the next no: stock, limit or opening was changed."""
    _quietly(lambda: _client(settings.REDIS_URL).delete(_believed(template_id)))


def _ask(template_id: int, member_id: int, source: str, moment: datetime) -> None:
    values = [member_id, source, int(moment.timestamp() * 1000)]
    said = _quietly(lambda: _scripts(settings.REDIS_URL)[0](keys=_keys(template_id), args=values))
    code, _, opens = (said or b"").decode().partition(":")
    if code == "count":
        _quietly(partial(_count, template_id))
    elif code:
        opens_at = datetime.fromtimestamp(int(opens) / 1000, tz=clock.SHOP_ZONE) if opens else None
        raise issuing.refusal(code, opens_at=opens_at)


def _note(template_id: int, member_id: int, source: str) -> None:
    _scripts(settings.REDIS_URL)[1](keys=_keys(template_id)[:1], args=[member_id, source])


def _sold_out(template_id: int) -> None:
    _client(settings.REDIS_URL).hset(_keys(template_id)[0], "left", 0)


def _count(template_id: int) -> None:
    """By one claim at a time; the others ask the database meanwhile. What is issued while it counts only makes the gate say yes."""
    client, (counted, believed) = _client(settings.REDIS_URL), _keys(template_id)
    if not client.set(f"{believed}:by", 1, nx=True, px=COUNTED_FOR):
        return
    with connection.cursor() as cursor:
        cursor.execute(_STATE, [template_id])
        opens_at, per_member, issued, left = cursor.fetchone()
        if issued > LARGEST:
            return
        cursor.execute(_OWNERS, [template_id])
        owners = cursor.fetchall()
    known: dict[Any, Any] = {}
    for source, member_id, nth in owners:
        known[f"s:{source}"] = 1
        if nth is not None:
            known[f"m:{member_id}"] = known.get(f"m:{member_id}", 0) + 1
    said = {"opens": opens_at and int(opens_at.timestamp() * 1000), "per": per_member, "left": left}
    known |= {name: value for name, value in said.items() if value is not None}
    with client.pipeline() as line:
        line.hdel(counted, *said)
        line.hset(counted, mapping=known or {"s:": 1})
        line.expire(counted, 3600)
        line.set(believed, 1, px=COUNTED_FOR)
        line.delete(f"{believed}:by")
        line.execute()


def _keys(template_id: int) -> list[str]:
    return [f"coupon-gate:{template_id}", _believed(template_id)]


def _believed(template_id: int) -> str:
    return f"coupon-gate:{template_id}:believed"


def _quietly(work: Any) -> Any:
    """What `work` answers; None when Valkey does not, which is then left alone for a second."""
    if time.monotonic() < _rest["until"]:
        return None
    try:
        return work()
    except (RedisError, OSError):
        log.warning("coupons.gate_down")
        _rest["until"] = time.monotonic() + REST
        return None


@cache
def _client(url: str) -> "redis.Redis":
    return redis.Redis.from_url(url, socket_timeout=PATIENCE, socket_connect_timeout=PATIENCE)


@cache
def _scripts(url: str) -> tuple[Any, Any]:
    client = _client(url)
    return client.register_script(_ASK), client.register_script(_NOTE)
