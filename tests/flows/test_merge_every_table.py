"""Merging two members who both have a row of every table: no unique key is hurt, and undoing leaves every row as it was.

A new table needs no line here: its declaration says whether its rows move, its unique keys which of two alike stays behind.
"""

from typing import Any

import pytest
from django.db.models import AutoField, Model

from apps.core import holdings
from apps.core.holdings import Holding
from apps.core.models import User
from apps.flows import member_merged, repointing
from apps.members import services
from apps.members.models import Member, MemberTag, Opening
from tests.flows.rows import Rows

THERE_ALREADY = {"members.Member", "members.MemberKey", "members.Identity", "segments.Newcomer", "core.User"}
NEVER = {"flows.Erased"}  # nobody who stands there is merged
GROWS = {
    "members.Merge",
    "members.MergeMove",
    "orders.Change",
    "segments.Newcomer",
    "segments.Stir",
}  # notes, and who is new
# What a merge writes anew: seals, ids of copies, the end of log-ins.
REWRITTEN = {
    "members.Identity": {"sealed"}, "members.ConsentNow": {"id"},
    "core.TokenFamily": {"revoked_at", "revoked_because"},
}  # fmt: skip


def person(number: int) -> Member:
    member_id = services.register(source="portal", nickname=f"林{number}", phone=f"170000002{number:02d}")
    Member.objects.filter(pk=member_id).update(user=User.objects.create_user(f"member-{number}"))
    return Member.objects.get(pk=member_id)


def twin(row: Model, held: Holding, of: Rows) -> Model:
    """The same row once more for another member: other than the first only where the database asks for it."""
    model, own = type(row), held.member.removesuffix("_id")
    keys = [set(names) for names in repointing._unique_keys(model)]
    clashing = set().union(*(names for names in keys if not names & {own, held.member}))
    values: dict[str, Any] = {}
    for field in model._meta.concrete_fields:
        if field.primary_key and isinstance(field, AutoField):
            continue
        if field.name in {own, held.member}:
            values[field.name] = of.member if field.is_relation else of.member.pk
        elif field.name in clashing and field.related_model is not Member:
            values[field.name] = of.of(field.related_model) if field.is_relation else of._plain(field)
        else:
            values[field.name] = getattr(row, field.name)
    made = model(**values)
    made.save(force_insert=True)
    of.known[model] = made
    return made


@pytest.fixture
def two(db: None) -> tuple[Member, Member]:
    """Both with a row of every table, alike wherever two members may have the like."""
    first, second = person(1), person(2)
    mine, theirs = Rows(first, "mine"), Rows(second, "theirs")
    wanted = [held for held in holdings.holdings() if held.model not in THERE_ALREADY | NEVER]
    made = [(held, mine.add(held)) for held in wanted]
    for held, row in made:
        if "__" not in held.member:
            twin(row, held, theirs)
    for held, _row in made:
        if "__" in held.member:
            theirs.add(held)
    return first, second


def rows_of(member: Member) -> dict[str, list[str]]:
    return {
        held.model: sorted(
            str({name: value for name, value in row.items() if name not in REWRITTEN.get(held.model, set())})
            for row in held.rows(member.pk).values()
        )
        for held in holdings.holdings()
        if held.model not in GROWS
    }


def counted(member: Member) -> dict[str, int]:
    return {table.model: len(list(_held(table.model).rows(member.pk))) for table in repointing.tables()}


def _held(label: str) -> Holding:
    return next(held for held in holdings.holdings() if held.model == label)


def test_every_row_moves_or_has_its_like_and_goes_back_on_undoing(two):
    before = rows_of(two[0]), rows_of(two[1])
    had = counted(two[0]), counted(two[1])
    assert all([*had[0].values(), *had[1].values()]), "every table that moves has a row of each"

    merge_id = member_merged.merge(
        survivor_id=two[0].pk, loser_id=two[1].pk, choices={}, source="t", reason="one person, they say so"
    )

    has, left = counted(two[0]), counted(two[1])
    stayed = {label for label, count in left.items() if count and label not in GROWS}
    likes = {
        "care.Enrolment",
        "care.Tester",
        "care.Touch",
        "community.Invitee",
        "community.TaskDeed",
        "community.TaskReward",
        "livestream.Subscription",
        "livestream.Viewer",
        "members.Opening",
        "points.Attainment",
        "points.Exchange",
        "points.SignIn",
        "segments.Membership",
        "segments.PackMember",
        "segments.Placement",
    }
    assert stayed == likes, "each has its like with the survivor"
    for label, count in has.items():
        aside = 1 if label == MemberTag._meta.label else 0  # the same tag twice is one tag
        assert count + left[label] + aside >= had[0][label] + had[1][label], label
    assert Opening.objects.filter(member=two[1]).count() == 1

    member_merged.unmerge(merge_id=merge_id)

    assert (rows_of(two[0]), rows_of(two[1])) == before
