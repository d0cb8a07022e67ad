"""Every contradiction the books can hold, by name: what it says, and the SQL that finds it.

Each query answers (account, row, expected, found) for the accounts with ids from %(low)s to %(high)s; `roots` says to which account
the joined ones of them lead. Together they run as one statement, so that all of them see one moment.
"""

from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

ROOTS = """
with recursive way(id, root) as (
    select id, joined_into_id from points_account where joined_into_id is not null
    union all
    select w.id, a.joined_into_id from way w join points_account a on a.id = w.root where a.joined_into_id is not null
), roots as (
    select w.id, w.root from way w join points_account a on a.id = w.root where a.joined_into_id is null
)
"""
_RANGE = "between %(low)s and %(high)s"
_LINES = f"points_entry e where e.account_id {_RANGE}"


@dataclass(frozen=True)
class Fault:
    text: str | Promise
    sql: str


def _total(column: str, *, sums: str = "", where: str = "true") -> str:
    return f"""
        select a.id, a.id, coalesce(s.n, 0), a.{column} from points_account a
        left join (select e.account_id, sum(e.{sums or column}) as n from {_LINES} and {where} group by 1) s on s.account_id = a.id
        where a.id {_RANGE} and a.{column} <> coalesce(s.n, 0)"""


def _open_lots(column: str, state: str) -> str:
    return f"""
        select a.id, a.id, coalesce(s.n, 0), a.{column} from points_account a
        left join (select account_id, sum(remaining) as n from points_lot
                   where account_id {_RANGE} and remaining > 0 and activated_at {state} group by 1) s on s.account_id = a.id
        where a.id {_RANGE} and a.{column} <> coalesce(s.n, 0)"""


def _uses(which: str, expected: str, *, kinds: str = "true") -> str:
    return f"""
        select x.account_id, x.id, x.wanted, x.n from (
            select e.account_id, e.id, {expected} as wanted,
                   (select coalesce(sum(u.amount), 0) from points_use u where u.entry_id = e.id and {kinds}) as n
            from {_LINES} and {which}) x
        where x.wanted <> x.n"""


def _undone(which: str, limit: str) -> str:
    return f"""
        select x.account_id, x.id, x.most, x.n from (
            select e.account_id, e.id, {limit} as most,
                   (select coalesce(sum(r.undone), 0) from points_entry r where r.reverses_id = e.id) as n
            from {_LINES} and {which}) x
        where x.n > x.most"""


_HOLDS = f"""
    select e.account_id, h.entry_id, e.held, h.state, h.captured,
           (select coalesce(sum(-r.held), 0) from points_entry r where r.reverses_id = e.id and r.kind = 'capture') as spent,
           (select coalesce(sum(-r.held), 0) from points_entry r where r.reverses_id = e.id and r.kind = 'release') as let_go
    from points_entry e join points_hold h on h.entry_id = e.id where e.account_id {_RANGE}"""

FAULTS: dict[str, Fault] = {
    "balance": Fault(_("The balance is not the sum of the lines."), _total("balance", sums="amount")),
    "pending": Fault(_("What is pending is not the sum of the lines."), _total("pending")),
    "held": Fault(_("What is set aside is not the sum of the lines."), _total("held")),
    "debt": Fault(_("The debt is not the sum of the lines."), _total("debt")),
    "earned_total": Fault(
        _("What was earned in all is not the sum of the grants."),
        _total("earned_total", sums="granted", where="e.kind <> 'transfer_in'"),
    ),
    "debt_beside_balance": Fault(
        _("There is a balance and a debt at once."),
        f"select id, id, 0, debt from points_account where id {_RANGE} and debt > 0 and balance > 0",
    ),
    "below_zero": Fault(
        _("A running balance is below zero."),
        f"select e.account_id, e.id, 0, e.balance_after from {_LINES} and e.balance_after < 0",
    ),
    "chain": Fault(
        _("A running balance does not follow from the line before."),
        f"""select account_id, id, before + amount, balance_after from (
                select e.account_id, e.id, e.amount, e.balance_after,
                       coalesce(lag(e.balance_after) over (partition by e.account_id order by e.id), 0) as before
                from {_LINES}) x
            where balance_after <> before + amount""",
    ),
    "source_twice": Fault(
        _("One source wrote two lines."),
        f"select e.account_id, max(e.id), 1, count(*) from {_LINES} group by e.account_id, e.source having count(*) > 1",
    ),
    "lots_of_balance": Fault(_("The open lots do not add up to the balance."), _open_lots("balance", "is not null")),
    "lots_of_pending": Fault(_("The waiting lots do not add up to what is pending."), _open_lots("pending", "is null")),
    "lot_left": Fault(
        _("What is left of a lot is not what was taken from it."),
        f"""select account_id, id, amount - used, remaining from (
                select l.account_id, l.id, l.amount, l.remaining,
                       (select coalesce(sum(u.amount), 0) from points_use u where u.lot_id = l.id) as used
                from points_lot l where l.account_id {_RANGE}) x
            where remaining <> amount - used""",
    ),
    "lot_overdrawn": Fault(
        _("More was taken from a lot than it had, or it has more than it was."),
        f"""select account_id, id, amount, remaining from points_lot
            where account_id {_RANGE} and (remaining < 0 or remaining > amount or amount <= 0)""",
    ),
    "lot_expired": Fault(
        _("A lot counts more as run out than ran out of it."),
        f"""select account_id, id, gone, expired from (
                select l.account_id, l.id, l.expired,
                       (select coalesce(sum(u.amount), 0) from points_use u
                        where u.lot_id = l.id and u.kind in ('expire', 'lapse')) as gone
                from points_lot l where l.account_id {_RANGE} and l.expired <> 0) x
            where expired > gone or expired < 0""",
    ),
    "lot_reversed": Fault(
        _("A lot counts something else as taken back than the lines say."),
        f"""select account_id, id, least(amount, undone), reversed from (
                select l.account_id, l.id, l.amount, l.reversed, c.is_spendable,
                       (select coalesce(sum(r.undone), 0) from points_entry r where r.reverses_id = l.entry_id) as undone
                from points_lot l join points_account a on a.id = l.account_id join points_currency c on c.id = a.currency_id
                join points_entry e on e.id = l.entry_id and e.kind <> 'transfer_in'
                where l.account_id {_RANGE}) x
            where case when is_spendable then reversed <> least(amount, undone) else reversed < least(amount, undone) end""",
    ),
    "lot_forgiven": Fault(
        _("More was forgiven on a lot than was taken back."),
        f"""select account_id, id, reversed, forgiven from points_lot
            where account_id {_RANGE} and (forgiven > reversed or forgiven < 0)""",
    ),
    "lot_spent_while_waiting": Fault(
        _("Points were spent that were still pending."),
        f"""select l.account_id, l.id, 0, sum(u.amount) from points_lot l
            join points_use u on u.lot_id = l.id and u.kind in ('spend', 'debt')
            where l.account_id {_RANGE} and l.activated_at is null group by 1, 2 having sum(u.amount) <> 0""",
    ),
    "lot_elsewhere": Fault(
        _("A lot stands on another account than its line."),
        f"""select l.account_id, l.id, coalesce(r.root, e.account_id), l.account_id from points_lot l
            join points_entry e on e.id = l.entry_id left join roots r on r.id = e.account_id
            where l.account_id {_RANGE} and l.account_id <> coalesce(r.root, e.account_id)""",
    ),
    "grant_without_lot": Fault(
        _("The lots of a grant do not add up to it."),
        f"""select account_id, id, granted, n from (
                select e.account_id, e.id, e.granted, (select coalesce(sum(l.amount), 0) from points_lot l where l.entry_id = e.id) as n
                from {_LINES}) x
            where granted <> n""",
    ),
    "grant_split": Fault(
        _("A grant is not what it added, what is pending and what it paid."),
        f"""select e.account_id, e.id, e.amount + e.pending - e.debt, e.granted
            from {_LINES} and e.granted <> 0 and e.granted <> e.amount + e.pending - e.debt""",
    ),
    "take_uses": Fault(
        _("A line took something else from the lots than from the balance."),
        _uses(
            "(e.kind in ('spend', 'hold', 'transfer_out', 'expire') or e.kind = 'adjust' and e.amount < 0)", "-e.amount"
        ),
    ),
    "lapse_uses": Fault(_("A lapse took something else from the lots."), _uses("e.kind = 'lapse'", "-e.pending")),
    "return_uses": Fault(
        _("A return brought back something else than it says."),
        _uses("e.kind in ('return', 'release')", "-e.undone", kinds="u.kind = 'spend'"),
    ),
    "expired_and_spent": Fault(
        _("A line both expires and spends."),
        f"""select e.account_id, e.id, 0, count(*) from {_LINES.replace(" where", " join points_use u on u.entry_id = e.id where")}
            and (e.kind in ('expire', 'lapse')) <> (u.kind in ('expire', 'lapse')) group by 1, 2""",
    ),
    "reversed_too_much": Fault(_("More was taken back than was granted."), _undone("e.granted > 0", "e.granted")),
    "returned_too_much": Fault(
        _("More was given back than was taken."),
        _undone("e.kind in ('spend', 'hold', 'adjust') and e.amount < 0", "-e.amount"),
    ),
    "undone_for_nothing": Fault(
        _("Something was undone that cannot be."),
        _undone("e.granted = 0 and not (e.kind in ('spend', 'hold', 'adjust') and e.amount < 0)", "0"),
    ),
    "hold_missing": Fault(
        _("A line set points aside without a hold."),
        f"""select e.account_id, e.id, e.held, 0 from {_LINES} and e.kind = 'hold'
            and not exists (select from points_hold h where h.entry_id = e.id)""",
    ),
    "holds_open": Fault(
        _("The open holds do not add up to what is set aside."),
        f"""select a.id, a.id, coalesce(s.n, 0), a.held from points_account a
            left join (select coalesce(r.root, e.account_id) as account_id, sum(e.held) as n
                       from points_hold h join points_entry e on e.id = h.entry_id left join roots r on r.id = e.account_id
                       where h.state = 'held' group by 1) s on s.account_id = a.id
            where a.id {_RANGE} and a.held <> coalesce(s.n, 0)""",
    ),
    "hold_reopened": Fault(
        _("A hold is open although it was settled."),
        f"select account_id, entry_id, 0, spent + let_go from ({_HOLDS}) x where state = 'held' and spent + let_go <> 0",
    ),
    "hold_unsettled": Fault(
        _("A hold is settled, but its points went nowhere."),
        f"select account_id, entry_id, held, spent + let_go from ({_HOLDS}) x where state <> 'held' and spent + let_go <> held",
    ),
    "hold_captured": Fault(
        _("A hold says it spent something else than its lines."),
        f"""select account_id, entry_id, spent, captured from ({_HOLDS}) x
            where spent <> captured or (state = 'captured') <> (captured > 0)""",
    ),
    "due_missed": Fault(
        _("Something falls due before the account looks."),
        f"""select a.id, a.id, null::bigint, null::bigint from points_account a
            join (select account_id, min(case when activated_at is null then least(due_at, lapse_at) else expires_at end) as due
                  from points_lot where account_id {_RANGE} and remaining > 0 group by 1) s on s.account_id = a.id
            where s.due is not null and (a.next_due_at is null or a.next_due_at > s.due)""",
    ),
    "joined_not_empty": Fault(
        _("A record that was joined still holds points."),
        f"""select id, id, 0, balance + pending + held + debt from points_account
            where id {_RANGE} and joined_into_id is not null and (balance <> 0 or pending <> 0 or held <> 0 or debt <> 0)""",
    ),
    "gift_arrived": Fault(
        _("A gift did not arrive, or arrived as more than was given."),
        f"""select e.account_id, e.id, -e.amount, coalesce(t.n, 0) from points_entry e
            left join lateral (select sum(i.granted) as n from points_entry i
                               where i.kind = 'transfer_in' and i.source = 'transfer:' || e.id) t on true
            where e.account_id {_RANGE} and e.kind = 'transfer_out' and (t.n is null or t.n > -e.amount)""",
    ),
    "gift_from_nowhere": Fault(
        _("A gift arrived that nobody gave."),
        f"""select e.account_id, e.id, 0, e.granted from {_LINES} and e.kind = 'transfer_in' and not exists (
                select from points_entry o
                where o.kind = 'transfer_out' and o.id = substring(e.source from '^transfer:([0-9]+)$')::bigint)""",
    ),
    "merge_lost": Fault(
        _("A merge brought something else than it took."),
        f"""select o.account_id, o.id, o.amount - o.debt, i.n from points_entry o
            left join lateral (select sum(e.amount - e.debt) as n, sum(e.pending) as pending, sum(e.held) as held
                               from points_entry e
                               where e.kind = 'merge_in' and e.source = o.source
                                 and (select b.currency_id from points_account b where b.id = e.account_id)
                                   = (select b.currency_id from points_account b where b.id = o.account_id)) i on true
            where o.account_id {_RANGE} and o.kind = 'merge_out'
              and (i.n is null or i.n + o.amount - o.debt <> 0 or i.pending + o.pending <> 0 or i.held + o.held <> 0)""",
    ),
    "awards": Fault(
        _("The rules gave something else than the line says."),
        f"""select account_id, id, granted, n from (
                select e.account_id, e.id, e.granted, (select sum(w.points) from points_award w where w.entry_id = e.id) as n
                from {_LINES} and e.granted > 0) x
            where n <> granted""",
    ),
}
