"""Good orders into the books, chunk by chunk, each in one transaction: what a killed import has done, the next one finds."""

from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any

from django.db import connection, transaction

from apps.core import audit
from apps.events import services as events
from apps.members import departures
from apps.members import services as members

CHUNK = 50_000  # lines of the file
# Statistics taken while a table's first rows are not yet committed say that it is empty; the checks of foreign keys then walk
# whole indexes. So the first rows of an empty database are few and committed at once.
FIRST_CHUNK = 1_000
TABLES = ("import_rows", "import_heads", "import_goods", "import_phones")  # beside those of the staging
LOCK = 7_490_061  # one import merges at a time: two files may hold the same orders, members, products


@dataclass
class Counts:
    orders_added: int = 0
    orders_known: int = 0
    lines_added: int = 0
    members_added: int = 0
    refunds_added: int = 0
    stores_added: int = 0
    staff_added: int = 0
    products_added: int = 0
    phones_invalid: int = 0
    phones_taken: int = 0

    def add(self, more: "Counts") -> None:
        for field in fields(self):
            setattr(self, field.name, getattr(self, field.name) + getattr(more, field.name))


def merge(*, first: int, last: int, source: str, is_live: bool, now: datetime) -> Counts:
    """Write the good orders whose first row lies in these lines of the file. Repeatable: what is there already counts as known."""
    values: dict[str, Any] = {"first": first, "last": last, "source": source, "now": now}
    with transaction.atomic(), connection.cursor() as cursor:
        # Plans of foreign key checks, made while the tables were all but empty, must not serve the millions that follow.
        cursor.execute("discard plans")
        cursor.execute("select pg_advisory_xact_lock(%s)", [LOCK])
        audit.sign()
        counts = _decide(cursor, values)
        if counts.orders_added:
            _add(cursor, values, counts)
        if counts.refunds_added:
            cursor.execute(_REFUND_NEW, values)
            counts.refunds_added = cursor.rowcount
            cursor.execute(_REFUND_KNOWN, values)
            counts.refunds_added += cursor.rowcount
        cursor.execute(_NOTES, values)
        if is_live:
            events.publish_many("order.paid", query=_PAID_FACTS)
            events.publish_many("order.refunded", query=_REFUNDED_FACTS)
        cursor.execute(_REJECT)
        cursor.execute("drop table import_decided, import_added, import_given")
    return counts


def rehearse(*, source: str) -> Counts:
    """The counts that `merge` would come to for the whole file, without a write."""
    with transaction.atomic(), connection.cursor() as cursor:
        counts = _decide(cursor, {"first": 0, "last": 2**62, "source": source})
        cursor.execute(_REHEARSE)
        counts.lines_added, counts.members_added = cursor.fetchone()
        counts.stores_added = _number(cursor, f"select count(*) from ({_NEW_STORES}) s")
        counts.staff_added = _number(cursor, f"select count(*) from ({_NEW_STAFF}) s")
        counts.products_added = _number(cursor, f"select count(*) from ({_NEW_PRODUCTS}) p")
        cursor.execute(_REJECT)
        cursor.execute("drop table import_decided, import_added, import_given")
    return counts


def _decide(cursor, values: dict) -> Counts:
    """Compare each order with the books: `add`, `known`, `refund` (known, given back since), `reused`."""
    cursor.execute(_DECIDED, values)
    cursor.execute(_WRITTEN)
    _leave_out_who_left(cursor)
    cursor.execute(
        "select count(*) filter (where decision = 'add'), count(*) filter (where decision in ('known', 'refund')),"
        " count(*) filter (where gives_back) from import_decided"
    )
    added, known, refunds = cursor.fetchone()
    return Counts(orders_added=added, orders_known=known, refunds_added=refunds)


def _leave_out_who_left(cursor) -> None:
    """An old file must not make members of people who were erased: orders under a number that nobody has any more are rejected."""
    if not departures.anybody():
        return
    cursor.execute(_UNKNOWN)
    left = departures.left_numbers([number for (number,) in cursor.fetchall()])
    if left:
        cursor.execute(
            "update import_decided set decision = 'left', gives_back = false, differs = 'member_no'"
            " where decision = 'add' and member_no = any(%s)",
            [sorted(left)],
        )


def _add(cursor, values: dict, counts: Counts) -> None:
    _fill_lists(cursor, values, counts)
    counts.members_added = _number(cursor, _MEMBERS, values)
    _store_phones(cursor, counts, values["source"])
    planned, counts.orders_added = counts.orders_added, _number(cursor, _ORDERS, values)
    counts.orders_known += planned - counts.orders_added  # a till recorded the same number a moment ago
    counts.lines_added = _number(cursor, _LINES, values)


def _fill_lists(cursor, values: dict, counts: Counts) -> None:
    """Stores, staff, categories and products that the file is the first to name."""
    counts.stores_added = _number(cursor, _STORES, values)
    counts.staff_added = _number(cursor, _STAFF, values)
    cursor.execute(_CATEGORIES)
    counts.products_added = _number(cursor, _PRODUCTS)


def _store_phones(cursor, counts: Counts, source: str) -> None:
    """Each pair of member and phone goes to `members` once per file: sealing is slow."""
    cursor.execute(_PHONES)
    pairs = cursor.fetchall()
    if not pairs:
        return
    _ids, errors = members.resolve_for_import(pairs, source=source)
    counts.phones_invalid = sum(code == "phone_invalid" for code in errors.values())
    counts.phones_taken = len(errors) - counts.phones_invalid


def _number(cursor, query: str, values: dict | None = None) -> int:
    cursor.execute(query, values)
    return cursor.fetchone()[0] if cursor.description else cursor.rowcount


# `lateral … limit 1` makes PostgreSQL look up one row by its key for each order: a chunk costs the same however many orders and
# members there are already.
# The number of a record that was merged into the order's member is that member's number too.
_ANOTHER = """(o.member_no <> g.member_no and not exists (
            select from members_member a where a.member_no = g.member_no and a.merged_into_id = o.member_id))"""
_DECIDED = f"""
    create temp table import_decided as
    select g.*, o.id as order_id, case
        when o.id is null then 'add'
        when o.total_cents <> g.total or o.paid_at is distinct from g.paid_at or {_ANOTHER} then 'reused'
        when g.refunded_at is not null and o.refunded_cents < o.total_cents then 'refund'
        else 'known' end as decision,
        g.refunded_at is not null and (o.id is null and g.total > 0 or o.refunded_cents < o.total_cents
            and o.total_cents = g.total and o.paid_at = g.paid_at and not {_ANOTHER}) as gives_back,
        case when o.total_cents <> g.total then 'total' when {_ANOTHER} then 'member_no'
            else 'paid_at' end as differs
    from import_goods g
    left join lateral (
        select o.*, m.member_no from orders_order o join members_member m on m.id = o.member_id
        where o.source = %(source)s and o.order_no = g.order_no limit 1
    ) o on true
    where g.head between %(first)s and %(last)s and g.line = g.head
"""

_WRITTEN = """
    create temp table import_added (
        order_id bigint, member_id bigint, paid_at timestamptz, head bigint, total bigint, refunded_at timestamptz
    );
    create temp table import_given (refund_id bigint, order_id bigint, member_id bigint, refunded_at timestamptz);
"""

_UNKNOWN = """
    select distinct d.member_no from import_decided d
    where d.decision = 'add' and not exists (select from members_member m where m.member_no = d.member_no)
"""

_REJECT = """
    insert into import_rejects (line, cell, code)
    select g.line, case when g.line = g.head then d.differs else 'order_no' end, case when g.line <> g.head then 'order_incomplete'
        when d.decision = 'left' then 'member_left' else 'order_number_reused' end
    from import_decided d join import_goods g on g.head = d.head where d.decision in ('reused', 'left')
"""

_NEW_STORES = """
    select distinct d.store as code from import_decided d
    where d.decision = 'add' and d.store is not null and not exists (select from stores_store s where s.code = d.store)
"""
_STORES = f"""
    insert into stores_store (code, name, is_open, created_at)
    select code, code, true, %(now)s::timestamptz from ({_NEW_STORES}) s order by code on conflict (code) do nothing
"""

_NEW_STAFF = """
    select distinct d.staff as code from import_decided d
    where d.decision = 'add' and d.staff is not null and not exists (select from stores_staff s where s.code = d.staff)
"""
_STAFF = f"""
    insert into stores_staff (code, name, role, is_active)
    select code, code, 'clerk', true from ({_NEW_STAFF}) s order by code on conflict (code) do nothing
"""

_CATEGORIES = """
    insert into catalog_category (name)
    select distinct g.category from import_decided d join import_goods g on g.head = d.head
    where d.decision = 'add' and g.category is not null
        and not exists (select from catalog_category c where c.name = g.category)
    order by 1 on conflict (name) do nothing
"""

# A product without a SKU is known by its name; a category alone stands for its products.
_SKU = """coalesce(g.sku, case when length(g.product) <= 60 then g.product
    else substr(g.product, 1, 43) || '~' || substr(md5(g.product), 1, 16) end, 'category:' || substr(g.category, 1, 51))"""
_NEW_PRODUCTS = f"""
    select distinct on (1) {_SKU} as sku, coalesce(g.product, g.sku, g.category) as name, g.category
    from import_decided d join import_goods g on g.head = d.head
    where d.decision = 'add' and {_SKU} is not null and not exists (select from catalog_product p where p.sku = {_SKU})
    order by 1, g.line
"""
_PRODUCTS = f"""
    insert into catalog_product (sku, name, category_id)
    select n.sku, n.name, c.id from ({_NEW_PRODUCTS}) n left join catalog_category c on c.name = n.category
    order by n.sku on conflict (sku) do nothing
"""

_MEMBERS = """
    insert into members_member (member_no, nickname, gender, status, source, tags, attributes, joined_at)
    select d.member_no, '', '', 'active', %(source)s, '{}', '{}', min(d.paid_at)
    from import_decided d
    left join lateral (select id from members_member where member_no = d.member_no limit 1) m on true
    where d.decision = 'add' and m.id is null
    group by d.member_no order by d.member_no on conflict (member_no) do nothing
"""

_PHONES = """
    with found as (
        insert into import_phones
        select distinct member_no, phone from import_decided where decision = 'add' and phone is not null
        on conflict do nothing returning member_no, phone
    )
    select member_no, phone from found order by 1, 2
"""

_ORDERS = """
    with added as (
        insert into orders_order (source, order_no, member_id, store_id, guide_id, channel, status, total_cents,
            refunded_cents, created_at, paid_at)
        select %(source)s, d.order_no, m.id, s.id, t.id, coalesce(d.channel, ''), 'paid', d.total,
            case when d.gives_back then d.total else 0 end, d.paid_at, d.paid_at
        from import_decided d
        cross join lateral (
            select coalesce(merged_into_id, id) as id from members_member where member_no = d.member_no limit 1
        ) m
        left join stores_store s on s.code = d.store
        left join stores_staff t on t.code = d.staff
        where d.decision = 'add' order by d.head
        on conflict (source, order_no) do nothing
        returning id, order_no, member_id, paid_at
    )
    insert into import_added
    select a.id, a.member_id, a.paid_at, d.head, d.total, case when d.gives_back then d.refunded_at end
    from added a join import_decided d using (order_no)
"""

_LINES = f"""
    insert into orders_line (order_id, line_no, product_id, quantity, total_cents, discount_cents, refunded_cents)
    select a.order_id, g.line_no, p.id, coalesce(g.quantity, 1), coalesce(g.line_total, g.total), coalesce(g.discount, 0), 0
    from import_added a join import_goods g on g.head = a.head left join catalog_product p on p.sku = {_SKU}
    where g.head between %(first)s and %(last)s
"""

_REFUND_NEW = """
    with given as (
        insert into orders_refund (order_id, amount_cents, source, refunded_at, recorded_at)
        select order_id, total, 'import', refunded_at, %(now)s from import_added where refunded_at is not null
        returning id, order_id, refunded_at
    )
    insert into import_given select g.id, g.order_id, a.member_id, g.refunded_at from given g join import_added a using (order_id)
"""

# Locks first: what is left to give back may have changed since the orders were compared.
_REFUND_KNOWN = """
    with locked as materialized (
        select o.id, o.member_id, o.total_cents - o.refunded_cents as cents, d.refunded_at
        from orders_order o join import_decided d on d.order_id = o.id
        where d.decision = 'refund' order by o.id for update of o
    ), given as (
        insert into orders_refund (order_id, amount_cents, source, refunded_at, recorded_at)
        select id, cents, 'import', refunded_at, %(now)s from locked where cents > 0
        on conflict (order_id, source) do nothing returning id, order_id, amount_cents, refunded_at
    ), closed as (
        update orders_order o set refunded_cents = o.refunded_cents + g.amount_cents from given g where g.order_id = o.id
    )
    insert into import_given select g.id, g.order_id, l.member_id, g.refunded_at from given g join locked l on l.id = g.order_id
"""

# Notes of the past are all due at once, so one per member says enough; those of the future come due one by one.
_NOTES = """
    insert into orders_change (member_id, due_at)
    select member_id, min(at) from (
        select member_id, paid_at as at from import_added union all select member_id, refunded_at from import_given
    ) changed
    group by member_id, case when at > %(now)s then at end
"""

_PAID_FACTS = """
    select order_id::text as key, 'member:' || member_id as lane,
        jsonb_build_object('order_id', order_id, 'member_id', member_id) as payload
    from import_added order by paid_at, order_id
"""
_REFUNDED_FACTS = """
    select refund_id::text as key, 'member:' || member_id as lane,
        jsonb_build_object('order_id', order_id, 'member_id', member_id, 'refund_id', refund_id) as payload
    from import_given order by refunded_at, refund_id
"""

_REHEARSE = """
    select (select count(*) from import_decided d join import_goods g on g.head = d.head where d.decision = 'add'),
        (select count(distinct d.member_no) from import_decided d
            where d.decision = 'add' and not exists (select from members_member m where m.member_no = d.member_no))
"""
