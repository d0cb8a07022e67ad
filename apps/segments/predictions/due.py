"""What a member will probably need next, for statements of higher floors: of the cycles that come due from a week ago on, the first."""

_NEXT = """(select {{what}} from segments_membercycle y join catalog_{table} n on n.id = y.{table}_id
    where y.member_id = m.id and y.due_on >= (%(moment)s at time zone 'Asia/Shanghai')::date - 7
    order by y.due_on, y.category_id limit 1)"""

# SQL over `members_member m` with the parameter `moment`; NULL: nothing is due.
CATEGORY = _NEXT.format(table="category").format(what="n.name")
PRODUCT = _NEXT.format(table="product").format(what="n.name")
