"""Segments under stable names, for what is tied to one (a gated tier): "stage:active", "cell:champions", "segment:<key>".

A name never changes its meaning; another kind of segment gets a prefix of its own. Who has switched personalisation off is in none.
"""

from collections.abc import Collection, Sequence

from django.db import connection
from django.utils.translation import gettext_lazy as _

from apps.members import consents
from apps.segments.models import Cell, Segment, Stage

_OWN = "segment"
_KINDS = {"stage": (_("Life stage"), Stage), "cell": (_("RFM cell"), Cell)}


def choices() -> list[tuple[str, str]]:
    """Every name there is, with its words in the user's language; the brand's own segments first."""
    own = Segment.objects.filter(archived_at=None).order_by("name").values_list("key", "name")
    return [(f"segment:{key}", name) for key, name in own] + [
        (f"{kind}:{value}", f"{title}: {label}")
        for kind, (title, values) in _KINDS.items()
        for value, label in values.choices
    ]


def members_in(*, names: Collection[str], member_ids: Sequence[int] | None = None) -> dict[str, list[int]]:
    """The members of each segment as of the last refresh, of these members or of all. Names that do not exist are left out."""
    known = [name for name in names if name in dict(choices())]
    found: dict[str, list[int]] = {name: [] for name in known}
    if not known:
        return found
    asked = {
        kind: [name.partition(":")[2] for name in known if name.startswith(f"{kind}:")] for kind in (*_KINDS, _OWN)
    }
    with connection.cursor() as cursor:
        cursor.execute(_OF_SOME if member_ids is not None else _OF_ALL, asked | {"members": list(member_ids or ())})
        for name, ids in cursor.fetchall():
            found[name] = ids
    return found


def of_member(member_id: int) -> frozenset[str]:
    """The names of all segments that one member is in, as of the last refresh."""
    values = {kind: list(map(str, choices.values)) for kind, (_title, choices) in _KINDS.items()}
    with connection.cursor() as cursor:
        cursor.execute(_OF_ONE, values | {"member": member_id})
        return frozenset(name for name, _ids in cursor.fetchall())


_COMPUTED = f"""
select x.name, m.id from segments_memberstats s join members_member m on m.id = s.member_id
cross join lateral (
    select 'stage:' || s.stage as name where s.stage = any(%(stage)s)
    union all select 'cell:' || s.cell where s.cell = any(%(cell)s)
) x where not {consents.OBJECTED}
"""
_BUILT = """
select 'segment:' || g.key, b.member_id from segments_segment g join segments_membership b on b.segment_id = g.id
where g.archived_at is null
"""
_ASKED, _SOME, _ONE = "and g.key = any(%(segment)s)", "{} = any(%(members)s)", "{} = %(member)s"


def _grouped(computed: str, built: str) -> str:
    return f"select name, array_agg(id) from ({_COMPUTED} {computed} union all {_BUILT} {built}) found (name, id) group by name"


_OF_ALL = _grouped("", _ASKED)
_OF_SOME = _grouped(f"and {_SOME.format('s.member_id')}", f"{_ASKED} and {_SOME.format('b.member_id')}")
_OF_ONE = _grouped(f"and {_ONE.format('s.member_id')}", f"and {_ONE.format('b.member_id')}")
