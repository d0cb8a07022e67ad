"""Fields about life tracks, what runs out, and computed traits: the leaf's `key` says which."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from apps.segments.language.columns import Column
from apps.segments.language.errors import BadRule

if TYPE_CHECKING:
    from apps.segments.language.compiling import Compiler

Build = Callable[["Compiler", Mapping[str, Any], str], Column]
_OF_TRACKS = {
    "steps": Column("tags", "coalesce({alias}.steps, '{{}}')"),
    "days": Column("number", "{alias}.days"),
    "ahead": Column("number", "{alias}.ahead"),
    "anchor": Column("date", "({alias}.anchor_on::timestamp at time zone 'Asia/Shanghai')"),
}


def track(what: str) -> Build:
    """Of the places a member has on a track: all their steps, whole days since the newest of them began, whole days until the
    next one begins, the latest anchor day."""

    def build(compiler: "Compiler", leaf: Mapping[str, Any], at: str) -> Column:
        track_id = _known(compiler.known.tracks, leaf, at)
        query = f"""select p.member_id, array_agg(distinct p.step) filter (where p.step <> '') as steps,
            %(today)s::date - max((p.since at time zone 'Asia/Shanghai')::date) as days,
            min((p.next_at at time zone 'Asia/Shanghai')::date) - %(today)s::date as ahead, max(p.anchor_on) as anchor_on
            from segments_placement p
            where p.track_id = {track_id:d} and p.left_at is null{compiler.narrowed("p.member_id")} group by 1"""
        found = _OF_TRACKS[what]
        return Column(found.type, found.sql.format(alias=compiler.summed(query)))

    return build


def replenish(compiler: "Compiler", leaf: Mapping[str, Any], at: str) -> Column:
    """The day by which a member will probably need a category again; known from 30 days ago to 90 days ahead."""
    category = _known(compiler.known.categories, leaf, at)
    alias = f"rc_{category:d}"
    join = f"left join segments_membercycle {alias} on {alias}.member_id = m.id and {alias}.category_id = {category:d}"
    compiler.joins.setdefault(alias, join)
    return Column("date", f"({alias}.due_on::timestamp at time zone 'Asia/Shanghai')")


def trait(compiler: "Compiler", leaf: Mapping[str, Any], at: str) -> Column:
    """By the trait's type; of whom there is nothing a count, a sum or a score says what `traits.shape.nothing` says."""
    asked = _known(compiler.known.traits, leaf, at)
    alias = f"tv_{asked.id:d}"
    join = f"left join segments_traitvalue {alias} on {alias}.member_id = m.id and {alias}.trait_id = {asked.id:d}"
    compiler.joins.setdefault(alias, join)
    columns = {
        "number": Column("decimal", f"{alias}.number", empty=asked.nothing),
        "text": Column("choice", f"{alias}.text"),
        "date": Column("date", f"{alias}.at"),
        "words": Column("tags", f"coalesce({alias}.words, '{{}}')"),
    }
    return columns[asked.type]


def _known(known: Mapping[str, Any], leaf: Mapping[str, Any], at: str) -> Any:
    key = leaf["key"]
    found = known.get(key) if isinstance(key, str) else None
    if found is None:
        raise BadRule(f"{at}/key", "unknown_key")
    return found
