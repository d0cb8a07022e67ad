"""Fields that count what a member did in a stretch of time: each a left join of one query with a row a member.

Whoever has no row has 0. Kept orders only (`orders.selectors.KEPT_ORDERS`): refunded whole, cancelled and zero ones count for nothing.
"""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from apps.activity import catalogue
from apps.orders.selectors import KEPT_ORDERS
from apps.segments.language.columns import MOST_VALUES, Column, is_word, texts, whole
from apps.segments.language.errors import BadRule

if TYPE_CHECKING:
    from apps.segments.language.compiling import Compiler

Build = Callable[["Compiler", Mapping[str, Any], str], Column]
_LISTS = {
    "stores": "{of}.store_id in (select x.id from stores_store x where x.code = any({values}))",
    "channels": "o.channel = any({values})",
    "products": "p.sku = any({values})",
    "categories": "p.category_id in (select x.id from catalog_category x where x.name = any({values}))",
    "brands": "p.brand = any({values})",
    "message_channels": "o.channel = any({values})",
    "ticket_kinds": "t.kind = any({values})",
    "groups": "r.key = any({values})",
    "templates": "c.template_id in (select x.id from coupons_template x where x.key = any({values}))",
}
DRIFT_NOW, DRIFT_BEFORE = 90, 270  # shop days
_ORDER_PARTS = ("stores", "channels", "at_least_cents")
_LINE_PARTS = ("products", "categories", "brands")


def orders(what: str) -> Build:
    """Count or net 分 of kept orders."""

    def build(compiler: "Compiler", leaf: Mapping[str, Any], at: str) -> Column:
        bought = kept(compiler, leaf, at, parts=_ORDER_PARTS)
        query = f"select k.member_id, count(*) as n, sum(k.net_cents)::bigint as cents from ({bought}) k group by 1"
        return Column("number", f"{compiler.summed(query)}.{what}", empty=0)

    return build


def goods(what: str) -> Build:
    """Lines of kept orders that were not given back whole: orders that hold one, pieces, 分 left after refunds by line."""

    def build(compiler: "Compiler", leaf: Mapping[str, Any], at: str) -> Column:
        parts = (*_LINE_PARTS, *_ORDER_PARTS[:2])
        narrowed, bought = of_lines(compiler, leaf, at, parts=parts), kept(compiler, leaf, at, parts=parts)
        query = f"""select k.member_id, count(distinct k.id) as orders, sum(l.quantity)::float8 as quantity,
            sum(l.total_cents - l.refunded_cents)::bigint as cents
            from ({bought}) k join orders_line l on l.order_id = k.id join catalog_product p on p.id = l.product_id
            where l.total_cents > l.refunded_cents{narrowed} group by 1"""
        return Column("decimal" if what == "quantity" else "number", f"{compiler.summed(query)}.{what}", empty=0)

    return build


def refunds(compiler: "Compiler", leaf: Mapping[str, Any], at: str) -> Column:
    """Of every 100 paid in the stretch, so much was given back by now. Cancelled orders are left out."""
    query = f"""select o.member_id, sum(o.refunded_cents) * 100.0 / nullif(sum(o.total_cents), 0) as share from orders_order o
        where o.paid_at <= %(moment)s and o.status <> 'cancelled'
        {window(compiler, leaf, "o.paid_at", at)}{compiler.narrowed("o.member_id")} group by 1"""
    return Column("decimal", f"{compiler.summed(query)}.share", empty=0)


def events(compiler: "Compiler", leaf: Mapping[str, Any], at: str) -> Column:
    """How often an event of this name happened; `where.properties`: {property: [values]}, each must be one of them."""
    name = leaf["key"]
    if not isinstance(name, str) or (catalogue.check_of(name) is None and name not in catalogue.BY_NAME):
        raise BadRule(f"{at}/key", "unknown_key")
    query = f"""select e.member_id, count(*) as n from activity_event e
        where e.name = {compiler.put(name, "text")} and e.member_id is not null and e.occurred_at <= %(moment)s
        {_properties(compiler, leaf, name, at)}{window(compiler, leaf, "e.occurred_at", at)}{compiler.narrowed("e.member_id")}
        group by 1"""
    return Column("number", f"{compiler.summed(query)}.n", empty=0)


def drift(compiler: "Compiler", leaf: Mapping[str, Any], at: str) -> Column:
    """By how many points of 100 a category's share of what a member spends has changed: the last 90 shop days against the 270 before.

    Of whoever bought nothing in one of the two it is not known: that is no drift, that is a beginning or an end.
    """
    category = compiler.known.categories.get(leaf["key"]) if isinstance(leaf["key"], str) else None
    if category is None:
        raise BadRule(f"{at}/key", "unknown_key")
    recent = compiler.inside("k.paid_at", {"last_days": DRIFT_NOW}, at=at)
    before = compiler.inside("k.paid_at", {"days_ago": [DRIFT_NOW, DRIFT_NOW + DRIFT_BEFORE - 1]}, at=at)
    cents = "l.total_cents - l.refunded_cents"
    shares = [
        f"100.0 * sum({cents}) filter (where {span} and p.category_id = {category:d})"
        f" / sum({cents}) filter (where {span})"
        for span in (recent, before)
    ]
    whole = compiler.inside("o.paid_at", {"last_days": DRIFT_NOW + DRIFT_BEFORE}, at=at)
    query = f"""select member_id, coalesce(now_share, 0) - coalesce(was_share, 0) as points from (
        select k.member_id, {shares[0]} as now_share, {shares[1]} as was_share
        from ({KEPT_ORDERS} and {whole}{compiler.narrowed("o.member_id")}) k join orders_line l on l.order_id = k.id
        left join catalog_product p on p.id = l.product_id
        where l.total_cents > l.refunded_cents group by 1
        having bool_or({recent}) and bool_or({before})) shares"""
    return Column("decimal", f"({compiler.summed(query)}.points)::float8")


def tickets(compiler: "Compiler", leaf: Mapping[str, Any], at: str) -> Column:
    """Tickets opened by or for a member; those merged into another count once."""
    conditions = _where(compiler, leaf, at, allowed=("ticket_kinds",))
    query = f"""select t.member_id, count(*) as n from tickets_ticket t
        where t.into_id is null and t.created_at <= %(moment)s
        {_all(conditions)}{window(compiler, leaf, "t.created_at", at)}{compiler.narrowed("t.member_id")} group by 1"""
    return Column("number", f"{compiler.summed(query)}.n", empty=0)


def tickets_open(compiler: "Compiler", leaf: Mapping[str, Any], at: str) -> Column:
    """Tickets that are not done, whoever's turn it is."""
    conditions = _where(compiler, leaf, at, allowed=("ticket_kinds",))
    query = f"""select t.member_id, count(*) as n from tickets_ticket t
        where t.ended_at is null{_all(conditions)}{compiler.narrowed("t.member_id")}
        group by 1"""
    return Column("number", f"{compiler.summed(query)}.n", empty=0)


def groups(compiler: "Compiler", leaf: Mapping[str, Any], at: str) -> Column:
    """WeCom groups that a member is in; with a stretch, those that they joined in it."""
    conditions = _where(compiler, leaf, at, allowed=("groups",))
    query = f"""select c.member_id, count(distinct r.id) as n from community_groupmember g
        join community_contact c on c.id = g.contact_id and c.member_id is not null
        join community_group r on r.id = g.group_id and r.dismissed_at is null
        where g.left_at is null and g.joined_at <= %(moment)s
        {_all(conditions)}{window(compiler, leaf, "g.joined_at", at)}{compiler.narrowed("c.member_id")} group by 1"""
    return Column("number", f"{compiler.summed(query)}.n", empty=0)


def satisfaction(compiler: "Compiler", leaf: Mapping[str, Any], at: str) -> Column:
    """Stars of the newest vote in the stretch, 1 to 5; not known of who never voted."""
    query = f"""select distinct on (t.member_id) t.member_id, v.score from tickets_vote v join tickets_ticket t on t.id = v.ticket_id
        where v.at <= %(moment)s{window(compiler, leaf, "v.at", at)}{compiler.narrowed("t.member_id")}
        order by t.member_id, v.at desc, v.id desc"""
    return Column("number", f"{compiler.summed(query)}.score")


def points(compiler: "Compiler", leaf: Mapping[str, Any], at: str) -> Column:
    """What can be spent now of a currency; of one that is only counted, its total."""
    currency = _currency(compiler, leaf, at)
    alias = f"pa_{currency}"
    join = f"left join points_account {alias} on {alias}.member_id = m.id and {alias}.currency_id = {currency:d}"
    compiler.joins.setdefault(alias, join)
    return Column("number", f"{alias}.balance", empty=0)


def points_expiring(compiler: "Compiler", leaf: Mapping[str, Any], at: str) -> Column:
    """Points of a currency that run out in the stretch; without one, ever."""
    query = f"""select a.member_id, sum(lot.remaining)::bigint as n
        from points_lot lot join points_account a on a.id = lot.account_id
        where a.currency_id = {_currency(compiler, leaf, at):d} and lot.remaining > 0 and lot.activated_at is not null
        and lot.expires_at > %(moment)s
        {window(compiler, leaf, "lot.expires_at", at)}{compiler.narrowed("a.member_id")} group by 1"""
    return Column("number", f"{compiler.summed(query)}.n", empty=0)


def coupons_usable(compiler: "Compiler", leaf: Mapping[str, Any], at: str) -> Column:
    """Coupons that count now; with a stretch, those whose last moment lies in it."""
    conditions = _where(compiler, leaf, at, allowed=("templates",))
    query = f"""select c.member_id, count(*) as n from coupons_coupon c
        where c.state = 'ready' and c.member_id is not null and c.starts_at <= %(moment)s and c.ends_at > %(moment)s
        {_all(conditions)}{window(compiler, leaf, "c.ends_at", at)}{compiler.narrowed("c.member_id")} group by 1"""
    return Column("number", f"{compiler.summed(query)}.n", empty=0)


def coupons_used(compiler: "Compiler", leaf: Mapping[str, Any], at: str) -> Column:
    """Redemptions that were not taken back."""
    conditions = _where(compiler, leaf, at, allowed=("templates", "stores"), of="c")
    query = f"""select c.member_id, count(*) as n from coupons_use c
        where c.state = 'done' and c.done_at <= %(moment)s
        {_all(conditions)}{window(compiler, leaf, "c.done_at", at)}{compiler.narrowed("c.member_id")} group by 1"""
    return Column("number", f"{compiler.summed(query)}.n", empty=0)


def narrowed(
    compiler: "Compiler", leaf: Mapping[str, Any], at: str, *, column: str, member: str, parts: tuple[str, ...]
) -> str:
    """What a leaf says of stretch (of `column`) and parts, and of whom it is asked, to append: for fields of higher floors."""
    conditions = _all(_where(compiler, leaf, at, allowed=parts))
    return f"{conditions}{window(compiler, leaf, column, at)}{compiler.narrowed(member)}"


def of_lines(compiler: "Compiler", leaf: Mapping[str, Any], at: str, *, parts: tuple[str, ...]) -> str:
    """What of `where` concerns lines (`l`) and their products (`p`), to append."""
    conditions = _where(compiler, leaf, at, allowed=parts)
    return _all({name: sql for name, sql in conditions.items() if name in _LINE_PARTS})


def kept(compiler: "Compiler", leaf: Mapping[str, Any], at: str, *, parts: tuple[str, ...]) -> str:
    """Kept orders, narrowed by the stretch and by what of `where` concerns orders."""
    conditions = _where(compiler, leaf, at, allowed=parts)
    of_orders = {name: sql for name, sql in conditions.items() if name in _ORDER_PARTS}
    return f"{KEPT_ORDERS}{_all(of_orders)}{window(compiler, leaf, 'o.paid_at', at)}{compiler.narrowed('o.member_id')}"


def _where(
    compiler: "Compiler", leaf: Mapping[str, Any], at: str, *, allowed: tuple[str, ...], of: str = "o"
) -> dict[str, str]:
    """Conditions by the names of `where`; `of` is the alias of the table with the store."""
    given = leaf.get("where", {})
    if not isinstance(given, dict):
        raise BadRule(f"{at}/where", "not_an_object")
    found = {}
    for name in sorted(given, key=str):
        if name not in allowed:
            raise BadRule(f"{at}/where", "unknown_part")
        where = f"{at}/where/{name}"
        if name == "at_least_cents":
            found[name] = f"o.total_cents >= {compiler.put(whole(given[name], where), 'bigint')}"
        else:
            found[name] = _LISTS[name].format(values=compiler.put(texts(given[name], where), "text[]"), of=of)
    return found


def _properties(compiler: "Compiler", leaf: Mapping[str, Any], name: str, at: str) -> str:
    given = leaf.get("where", {})
    if not isinstance(given, dict) or not set(given) <= {"properties"}:
        raise BadRule(f"{at}/where", "unknown_part")
    wanted = given.get("properties", {})
    if not isinstance(wanted, dict) or len(wanted) > MOST_VALUES:
        raise BadRule(f"{at}/where/properties", "not_an_object")
    known = catalogue.BY_NAME[name].properties if name in catalogue.BY_NAME else None
    conditions = []
    for key in sorted(wanted, key=str):
        if not is_word(key) or (known is not None and key not in known):
            raise BadRule(f"{at}/where/properties", "unknown_key")
        values = compiler.put(texts(wanted[key], f"{at}/where/properties/{key}"), "text[]")
        conditions.append(f" and e.properties ->> {compiler.put(key, 'text')} = any({values})")
    return "".join(conditions)


def window(compiler: "Compiler", leaf: Mapping[str, Any], column: str, at: str) -> str:
    return f" and {compiler.inside(column, leaf['within'], at=f'{at}/within')}" if "within" in leaf else ""


def _currency(compiler: "Compiler", leaf: Mapping[str, Any], at: str) -> int:
    key = leaf["key"]
    found = compiler.known.currencies.get(key) if isinstance(key, str) else None
    if found is None:
        raise BadRule(f"{at}/key", "unknown_key")
    return found


def _all(conditions: Mapping[str, str]) -> str:
    return "".join(f" and {sql}" for sql in conditions.values())
