"""The text language: `{{ nickname }}` and its like, replaced in one pass. No expressions, no attributes, no code.

`{{ trait.basket }}` is what a computed trait says of the member (docs/traits.md): numbers to two places, money in yuan, moments as
shop days.
"""

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import NamedTuple

from django.db import connection

from apps.care.models import Channel
from apps.core import brand
from apps.gateways import sms
from apps.gateways.messages import Kind
from apps.segments.models import Trait
from apps.segments.predictions import due

LONGEST_SMS = 500  # characters with 【signature】 and opt-out words: what platforms take
LONGEST = 2000
_FIELD = re.compile(r"[a-z_]{1,24}[0-9]{1,3}")
_VARIABLE = re.compile(r"\{\{\s*([a-z_]{1,40}|trait\.[a-z0-9_-]{1,40})\s*\}\}")
TRAIT = "trait."


class _Variable(NamedTuple):
    """`value`: SQL over member m with stats s (and the occurrence of a touch t, "" where there is none yet), as text; NULL: there is no
    value. `present`: cheaper than the value, whether there is one. `is_worked_out`: out of what the member buys or looks at, so not for
    who has switched personalisation off."""

    value: str
    present: str = ""
    is_worked_out: bool = False


def _one(what: str, source: str) -> str:
    return f"(select {what} from {source} limit 1)"


_ACCOUNT = """points_account a join points_currency c on c.id = a.currency_id and c.is_spendable
    where a.member_id = m.id and a.balance > 0 order by c.id"""
# The points that run out first, all those of that day together.
_ENDING = """(
        select ((l.expires_at - interval '1 microsecond') at time zone 'Asia/Shanghai')::date as last_day, sum(l.remaining) as points
        from points_account a join points_currency c on c.id = a.currency_id and c.is_spendable
        join points_lot l on l.account_id = a.id and l.remaining > 0 and l.activated_at is not null and l.expires_at > %(moment)s
        where a.member_id = m.id group by 1 order by 1 limit 1
    ) ending"""
_COUPON = """coupons_coupon c join coupons_template ct on ct.id = c.template_id
    where c.member_id = m.id and c.state = 'ready' and c.starts_at <= %(moment)s and c.ends_at > %(moment)s order by c.ends_at, c.id"""
_CART = """activity_event e join catalog_product p on p.sku = e.properties ->> 'sku'
    where e.member_id = m.id and e.name = 'added_to_cart'
      and e.occurred_at > %(moment)s - interval '30 days' and e.occurred_at <= %(moment)s
    order by e.occurred_at desc, e.id desc"""
_TIER = """coalesce(
        (select ti.name from points_standing st join points_tier ti on ti.id = st.tier_id where st.member_id = m.id),
        (select ti.name from points_tier ti order by ti.rank limit 1)
    )"""
# Of the stream that the touch is about; where none is named, the next one that the member wants to see.
_LIVE = """livestream_stream x where x.id = case when starts_with(t.occurrence, 'live:')
        then split_part(t.occurrence, ':', 2)::bigint
        else (select z.id from livestream_subscription b join livestream_stream z on z.id = b.stream_id
              where b.member_id = m.id and b.ended_at is null and z.state in ('planned', 'live') order by z.starts_at limit 1) end"""
# Of the booking that the touch is about; where none is named, the member's next one.
_BOOKING = """bookings_booking k join bookings_slot o on o.id = k.slot_id join bookings_offer f on f.id = o.offer_id
    where k.id = case when starts_with(t.occurrence, 'booking:') then split_part(t.occurrence, ':', 2)::bigint
        else (select y.id from bookings_booking y join bookings_slot z on z.id = y.slot_id
              where y.member_id = m.id and y.state = 'booked' and z.starts_at > %(moment)s order by z.starts_at limit 1) end"""
# Of the invitation that the touch is about; where none is named, the member's newest.
_INVITED = """community_invitation n join community_groupcode k on k.id = n.code_id
    where n.id = case when starts_with(t.occurrence, 'group:') then split_part(t.occurrence, ':', 2)::bigint
        else (select max(i.invitation_id) from community_invitee i where i.member_id = m.id) end"""
_ALL = {
    "nickname": _Variable("nullif(m.nickname, '')", "m.nickname <> ''"),
    "days_since_order": _Variable(
        "((%(moment)s at time zone 'Asia/Shanghai')::date - (s.last_order_at at time zone 'Asia/Shanghai')::date)::text",
        "s.last_order_at is not null", is_worked_out=True,
    ),
    "last_store": _Variable(
        "(select st.name from orders_order o join stores_store st on st.id = o.store_id where o.id = s.last_order_id)",
        "(select o.store_id from orders_order o where o.id = s.last_order_id) is not null", is_worked_out=True,
    ),
    "top_category": _Variable(
        "(select ca.name from catalog_category ca where ca.id = s.top_category_id)",
        "s.top_category_id is not null", is_worked_out=True,
    ),
    "due_category": _Variable(due.CATEGORY, is_worked_out=True),
    "due_product": _Variable(due.PRODUCT, is_worked_out=True),
    "brand": _Variable("%(brand)s::text", "true"),
    "orders": _Variable("nullif(s.orders, 0)::text", "coalesce(s.orders, 0) > 0", is_worked_out=True),
    "points": _Variable(_one("a.balance::text", _ACCOUNT)),
    "points_expiring": _Variable(f"(select ending.points::text from {_ENDING})"),
    "points_last_day": _Variable(f"(select ending.last_day::text from {_ENDING})"),
    "coupon": _Variable(_one("ct.name", _COUPON)),
    "coupon_last_day": _Variable(
        _one("((c.ends_at - interval '1 microsecond') at time zone 'Asia/Shanghai')::date::text", _COUPON)
    ),
    "tier": _Variable(_TIER),
    "home_store": _Variable(
        "(select st.name from stores_store st where st.id = m.home_store_id)", "m.home_store_id is not null"
    ),
    "live_title": _Variable(_one("x.title", _LIVE)),
    "live_time": _Variable(_one("to_char(x.starts_at at time zone 'Asia/Shanghai', 'MM-DD HH24:MI')", _LIVE)),
    "live_host": _Variable(_one("(select h.name from livestream_host h where h.id = x.host_id)", _LIVE)),
    "booking_service": _Variable(_one("(select v.name from bookings_service v where v.id = f.service_id)", _BOOKING)),
    "booking_time": _Variable(_one("to_char(o.starts_at at time zone 'Asia/Shanghai', 'MM-DD HH24:MI')", _BOOKING)),
    "booking_store": _Variable(_one("(select st.name from stores_store st where st.id = f.store_id)", _BOOKING)),
    "group_name": _Variable(_one("k.name", _INVITED)),
    "group_link": _Variable(_one("nullif(k.qr_url, '')", _INVITED)),
    "cart_product": _Variable(_one("p.name", _CART), is_worked_out=True),
}  # fmt: skip
SAME_FOR_ALL = frozenset({"brand", "group_name", "group_link"})  # a group send in WeCom has one text for all
VARIABLES = tuple(_ALL)  # those that always are
# The key is a slug: it holds nothing that SQL could read.
_OF_TRAIT = """(select coalesce(tv.text, trim_scale(round(
            tv.number::numeric / case when tr.definition ->> 'of' in ('net_cents', 'cents') then 100 else 1 end, 2))::text,
        to_char(tv.at at time zone 'Asia/Shanghai', 'YYYY-MM-DD'), array_to_string(tv.words, '、'))
    from segments_traitvalue tv join segments_trait tr on tr.id = tv.trait_id and tr.archived_at is null
    where tr.key = '{key}' and tv.member_id = m.id)"""


def _variable(name: str) -> _Variable:
    """Raises KeyError for what cannot be one."""
    if name.startswith(TRAIT):
        return _Variable(_OF_TRAIT.format(key=name.removeprefix(TRAIT)), is_worked_out=True)
    return _ALL[name]


def is_worked_out(name: str) -> bool:
    return _variable(name).is_worked_out


def present(name: str) -> str:
    """SQL: whether member m has a value."""
    found = _variable(name)
    return found.present or f"{found.value} is not null"


def traits() -> dict[str, str]:
    """Variables of the brand's own, with their names: the live computed traits."""
    live = Trait.objects.filter(archived_at=None).order_by("name")
    return {
        f"{TRAIT}{key}": name
        for key, name in live.values_list("key", "name")
        if _VARIABLE.fullmatch(f"{{{{ {TRAIT}{key} }}}}")
    }


def offered() -> list[str]:
    """All that a text may name now."""
    return [*VARIABLES, *traits()]


def in_order(names: Collection[str]) -> tuple[str, ...]:
    """One row for the same names, whatever text they come from."""
    return tuple([name for name in VARIABLES if name in names] + sorted(set(names) - _ALL.keys()))


class BadTemplate(ValueError):
    """`code` is stable; the message is for people who write texts."""

    def __init__(self, code: str, word: str = "") -> None:
        super().__init__(word)
        self.code, self.word = code, word


@dataclass(frozen=True)
class Rendered:
    """A text for one member. `values` per variable: (what stands there, "value" | "default" | "missing")."""

    text: str
    values: dict[str, tuple[str, str]]

    @property
    def is_complete(self) -> bool:
        return all(origin != "missing" for _, origin in self.values.values())


@lru_cache(maxsize=256)
def parse(text: str) -> tuple[str, ...]:
    """Fixed words and variable names in turn: words, name, words, name, …, words. Raises BadTemplate."""
    parts = tuple(_VARIABLE.split(text))
    for name in parts[1::2]:
        if name not in _ALL and not name.startswith(TRAIT):
            raise BadTemplate("unknown_variable", name)
    for words in parts[0::2]:
        if "{" in words or "}" in words:
            raise BadTemplate("stray_brace", words[:40])
        if "\0" in words:
            raise BadTemplate("control_character")
    if not "".join(parts[0::2]).strip():
        raise BadTemplate("no_words")
    return parts


def fields(text: str) -> dict[str, str]:
    """The lines `thing1=…` of a mini-program message, by field. Raises BadTemplate."""
    found: dict[str, str] = {}
    for line in text.strip().splitlines():
        name, mark, words = line.partition("=")
        if not mark or not _FIELD.fullmatch(name.strip()) or name.strip() in found:
            raise BadTemplate("not_a_field", line[:40])
        found[name.strip()] = words.strip()
    return found


def variables(text: str) -> tuple[str, ...]:
    """Names used by a valid text, each once, in order."""
    return tuple(dict.fromkeys(parse(text)[1::2]))


def render(text: str, *, values: Mapping[str, str | None], missing: Mapping[str, Mapping[str, str]]) -> Rendered:
    """Fill in a text. Values are put in as they are and never read again as template."""
    parts = list(parse(text))
    used: dict[str, tuple[str, str]] = {}
    for name in dict.fromkeys(parts[1::2]):
        used[name] = _pick(values.get(name), missing.get(name))
    parts[1::2] = [used[name][0] for name in parts[1::2]]
    return Rendered(text="".join(parts), values=used)


def _pick(value: str | None, fallback: Mapping[str, str] | None) -> tuple[str, str]:
    if value:
        return value, "value"
    if fallback and fallback.get("policy") == "default":
        return fallback["value"], "default"
    return "", "missing"


def pattern_of(text: str) -> str:
    """A valid text for `%`, with one place per placeholder."""
    return "%s".join(words.replace("%", "%%") for words in parse(text)[0::2])


def chooser(
    text: str, *, missing: Mapping[str, Mapping[str, str]], names: Sequence[str]
) -> Callable[[Sequence[str | None]], tuple[str, ...] | None]:
    """From the values of `names` to what stands in each place of the text; None when a needed one is missing."""
    defaults = {name: rule["value"] for name, rule in missing.items() if rule.get("policy") == "default"}
    picks = [(names.index(name), defaults.get(name)) for name in parse(text)[1::2]]

    def choose(values: Sequence[str | None]) -> tuple[str, ...] | None:
        chosen = tuple([values[place] or default for place, default in picks])
        return None if None in chosen else chosen  # type: ignore[return-value]

    return choose


def asked(template: str, names: Sequence[str]) -> list[str]:
    """Which of `names` the text in column `template` has, as columns `has_…`; see `columns`."""
    return [f"strpos({template}, '{name}') > 0 as {quoted('has_' + name)}" for name in names]


def columns(version: str, names: Sequence[str]) -> list[str]:
    """The values of `names` as SQL, NULL where the row `version`, with the columns of `asked`, does not have it; see `_ALL`."""
    return [
        f"case when {version}.{quoted('has_' + name)} then {_variable(name).value} end as {quoted(name)}"
        for name in names
    ]


def quoted(name: str) -> str:
    """A column's name in SQL; keys of traits have dashes and dots."""
    return f'"{name}"'


def composed(text: str, *, channel: str, signature: str | None = None, kind: Kind = "marketing") -> str:
    """As it leaves the house: SMS carries 【signature】 (the brand's, read once by callers with many texts) and the opt-out words."""
    return sms.compose(text, kind=kind, signature=signature) if channel == Channel.SMS else text


def values_of(
    member_ids: Collection[int], *, names: Collection[str], moment: datetime
) -> dict[int, dict[str, str | None]]:
    """The variables of many members in one query."""
    wanted = in_order(names)
    if not wanted:
        return {member_id: {} for member_id in member_ids}
    columns = ", ".join(_variable(name).value for name in wanted)
    with connection.cursor() as cursor:
        cursor.execute(
            f"select m.id, {columns} from members_member m left join segments_memberstats s on s.member_id = m.id"
            " cross join (select ''::text as occurrence) t where m.id = any(%(ids)s)",
            {"ids": list(member_ids), "moment": moment, "brand": brand.name()},
        )
        return {row[0]: dict(zip(wanted, row[1:], strict=True)) for row in cursor.fetchall()}
