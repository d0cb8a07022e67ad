"""Two records found to be one person: the preview, the merge, its undoing, and what follows, top to bottom.

All tables change in one transaction. `settle` then takes in what other work wrote to the merged record at the same moment,
and brings the survivor's stats up to date. The rules in a page: docs/identity.md.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from django.db import transaction

from apps.core import audit, clock, tokens
from apps.events import services as events
from apps.events.models import Event
from apps.flows import repointing
from apps.members import consent_merges, doubts, field_policies, merging, tag_merges
from apps.members import selectors as members
from apps.members.errors import MergeRefused
from apps.members.models import Member, Merge
from apps.orders.models import Change
from apps.points import achievements, sign_ins
from apps.points import services as points
from apps.segments import merging as stats_merging
from apps.segments import refresh as stats

TAGS, DOUBTS = "members.MemberTag", "members.Doubt"
SETTLE_FOR = timedelta(days=1)  # longer than any transaction that could still write to an alias


@dataclass(frozen=True)
class Row:
    """One field of both records and what it would become. `can_choose`: a policy decides, else a fixed rule."""

    name: str
    survivor: Any
    loser: Any
    after: Any
    policy: str


@dataclass(frozen=True)
class Preview:
    """What `merge` would do now, without a write. `strong` names proven identities that differ; `refusal` is "" or state, same."""

    survivor_id: int
    loser_id: int
    rows: tuple[Row, ...]
    joined: Mapping[str, Any]
    loads: tuple[repointing.Load, ...]
    consents: Mapping[tuple[str, str], consent_merges.Word]
    tags: tuple[tag_merges.After, ...]
    strong: tuple[str, ...]
    refusal: str


def preview(*, survivor_id: int, loser_id: int, choices: Mapping[str, Any] | None = None) -> Preview:
    """Both records side by side and what would move. Aliases stand for their members. Raises NotFound, ValidationFailed."""
    policies = field_policies.checked(choices or {})
    survivor_id, loser_id = members.current_id(survivor_id), members.current_id(loser_id)
    survivor, loser = Member.objects.get(pk=survivor_id), Member.objects.get(pk=loser_id)
    refusal = "state" if {survivor.status, loser.status} - merging.MERGEABLE else ""
    refusal = "same" if survivor_id == loser_id else refusal
    mine, theirs = field_policies.values(survivor), field_policies.values(loser)
    tags = tuple(tag_merges.foresee(survivor_id=survivor_id, loser_id=loser_id)) if not refusal else ()
    after = field_policies.decided(survivor=survivor, loser=loser, choices=policies)
    return Preview(
        survivor_id=survivor_id,
        loser_id=loser_id,
        rows=tuple(Row(name, mine[name], theirs[name], after[name], policies[name]) for name in field_policies.FIELDS),
        joined=field_policies.joined(survivor=survivor, loser=loser) if not refusal else {},
        loads=tuple(_with_tags(repointing.loads(survivor_id=survivor_id, loser_id=loser_id), tags)),
        consents=consent_merges.foresee(survivor_id=survivor_id, loser_id=loser_id),
        tags=tags,
        strong=tuple(merging.strong_differences(survivor_id=survivor_id, loser_id=loser_id)),
        refusal=refusal,
    )


@transaction.atomic
def merge(*, survivor_id: int, loser_id: int, choices: dict[str, Any], source: str, reason: str = "") -> int:
    """Make the loser an alias of the survivor; every row it has goes along. Returns the merge's id; the same again is a no-op.

    `choices`: field → policy. `source` names what asks ("console:<key>", "unionid:<fact id>"). Where proven identities differ a
    person must give a `reason`. Raises MergeRefused, MergeRefusedStrongIds, ValidationFailed, NotFound; nothing is written then.
    """
    policies = field_policies.checked(choices)
    merging.take_turn()
    done = Merge.objects.filter(source=source).values_list("pk", flat=True).first()
    if done is not None:
        return done
    pair = merging.lock(survivor_id=survivor_id, loser_id=loser_id)
    if pair is None:
        return _merge_of(survivor_id, loser_id)
    merging.check(pair, reason=reason)
    made = merging.join(pair, choices=policies, source=source, reason=reason)
    counted = repointing.move(made)
    made.images["stats"] = stats_merging.take(member_id=pair.loser.pk)
    made.save(update_fields=["images"])
    if pair.loser.user_id:
        tokens.revoke_user(user_id=pair.loser.user_id, because="merged")
    doubts.decide_merged(member_ids=(pair.survivor.pk, pair.loser.pk))
    repeated = doubts.carry_over(of_id=pair.loser.pk, to_id=pair.survivor.pk)
    merging.note(merge_id=made.pk, model=DOUBTS, row_ids=repeated)
    _report("member.merged", made, moved=counted)
    return made.pk


@transaction.atomic
def unmerge(*, merge_id: int) -> int:
    """Undo a merge of the last 30 days: what it moved goes back, what came since stays. Returns the loser's id; again: a no-op.

    Raises UnmergeRefused (`why`: late, later_merge, erased, state), NotFound.
    """
    made = merging.lock_for_undo(merge_id)
    if made is None:
        return Merge.objects.values_list("loser_id", flat=True).get(pk=merge_id)
    repointing.move(made)
    counted = repointing.give_back(made)
    merging.part(made)
    stats_merging.put_back(made.images["stats"])
    doubts.take_back(merging.moved(made, DOUBTS))
    doubts.decide_undone(member_ids=(made.survivor_id, made.loser_id))
    _report("member.unmerged", made, moved=counted)
    return made.loser_id


def join_points(event: Event) -> None:
    """Everything in the books of the loser goes to whoever counts now, and what is booked for the loser lands there too."""
    made = Merge.objects.get(pk=event.payload["merge_id"])
    if made.undone_at is None:
        taker = members.current_id(made.survivor_id)
        points.join(from_id=made.loser_id, to_id=taker, source=f"merge:{made.pk}", moment=clock.now())
        sign_ins.count_anew(member_id=taker)


def part_points(event: Event) -> None:
    """After an undoing the books come apart as far as points are still there; days in a row are counted anew on both records."""
    made = Merge.objects.get(pk=event.payload["merge_id"])
    points.part(from_id=made.loser_id, to_id=made.survivor_id, source=f"merge:{made.pk}", moment=clock.now())
    for member_id in (made.survivor_id, made.loser_id):
        sign_ins.count_anew(member_id=member_id)


def progress(event: Event) -> None:
    """What both have done counts together: achievements of the present periods that are reached by it."""
    now = clock.now()
    achievements.refresh(member_id=members.current_id(event.payload["survivor_id"]), moment=now)


def progress_apart(event: Event) -> None:
    """After an undoing each counts alone, in the periods of now and of the merge: what is no longer reached is taken back."""
    now = clock.now()
    days = [clock.local_date(at) for at in (Merge.objects.get(pk=event.payload["merge_id"]).at, now)]
    for member_id in (event.payload["survivor_id"], event.payload["loser_id"]):
        achievements.refresh(member_id=member_id, days=days, moment=now)


def settle(event: Event) -> None:
    """After a merge: take in what was written to the alias at the same moment, then refresh the survivor."""
    settle_merge(merge_id=event.payload["merge_id"])
    stats.refresh_members(member_ids=[members.current_id(event.payload["survivor_id"])], moment=clock.now())


def refresh_both(event: Event) -> None:
    """After an undoing."""
    both = [event.payload["survivor_id"], event.payload["loser_id"]]
    stats.refresh_members(member_ids=sorted(set(members.current_ids(both).values())), moment=clock.now())


@transaction.atomic
def settle_merge(*, merge_id: int) -> int:
    """Move stragglers of one merge, if it still stands. Returns how many rows."""
    standing = merging.lock_standing(merge_id)
    if standing is None:
        return 0
    made, root = standing
    counted = repointing.move(made, to_id=root)
    if "orders.Order" in counted:
        Change.objects.create(member_id=root, due_at=clock.now())
    return sum(counted.values())


def settle_recent() -> int:
    """The same for all merges of the last day: the scheduler's net for transactions that were slow to commit."""
    recent = Merge.objects.filter(undone_at=None, at__gt=clock.now() - SETTLE_FOR).order_by("pk")
    return sum(settle_merge(merge_id=merge_id) for merge_id in recent.values_list("pk", flat=True))


def _with_tags(loads: list[repointing.Load], tags: tuple[tag_merges.After, ...]) -> list[repointing.Load]:
    """Of tags that exclude each other `tag_merges` says which one counts; the rows themselves only say that they do."""
    moving = sum(tag.is_theirs for tag in tags)
    return [
        replace(load, moving=moving, staying=load.moving + load.staying - moving) if load.model == TAGS else load
        for load in loads
    ]


def _merge_of(survivor_id: int, loser_id: int) -> int:
    """The standing merge that made these two one; MergeRefused for a record and itself."""
    standing = Merge.objects.filter(undone_at=None, loser_id__in=[survivor_id, loser_id]).order_by("-pk")
    found = standing.values_list("pk", flat=True).first()
    if found is None:
        raise MergeRefused(why="same")
    return found


def _report(name: str, made: Merge, *, moved: dict[str, int]) -> None:
    """Audit trail, change notes and fact, in the transaction of the change. Values of fields stay out of all three."""
    statuses = made.images["statuses"]
    facts = {
        "survivor": made.survivor_id,
        "loser": made.loser_id,
        "source": made.source,
        "choices": made.choices,
        "moved": moved,
        "statuses": statuses,
    }
    audit.record(name, object_type="member", object_id=made.survivor_id, after=facts)
    audit.record(name, object_type="member", object_id=made.loser_id, after=facts)
    Change.objects.bulk_create(
        Change(member_id=member_id, due_at=clock.now()) for member_id in (made.survivor_id, made.loser_id)
    )
    events.publish(
        name,
        key=str(made.pk),
        lane=f"member:{made.survivor_id}",
        merge_id=made.pk,
        survivor_id=made.survivor_id,
        loser_id=made.loser_id,
    )
