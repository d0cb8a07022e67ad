"""Two records, one person: what a merge does to the members' own tables, and how it is undone.

`apps/flows/member_merged.py` leads: it moves the rows of the other apps in the same transaction.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import connection, transaction
from django.db.models import F

from apps.core import ciphers, clock, logs, reasons, requests
from apps.core.errors import NotFound
from apps.members import consent_merges, field_policies, identities, tag_merges
from apps.members.errors import MergeRefused, MergeRefusedStrongIds, UnmergeRefused
from apps.members.models import Identity, Member, Merge, MergeMove

LOCK = 7_490_101  # advisory lock of all merges
UNDO_FOR = timedelta(days=30)
MERGEABLE = frozenset({Member.Status.ACTIVE, Member.Status.FROZEN, Member.Status.BLOCKED})
IDENTITIES, ALIASES = "members.Identity", "members.Member"
_CONTEXT = "merge:before"
WRITTEN = (  # tags are rows, and move as such
    "nickname", "gender", "birth_year", "birth_month", "birth_day", "birthday_corrected_at", "home_store", "attributes",
    "joined_at", "source", "status",
)  # fmt: skip
# Each of the two has one that platform or owner has proven, and a person has one of these in a namespace.
_DIFFERING = """
select distinct a.kind from members_identity a join members_identity b on a.kind = b.kind and a.namespace = b.namespace
where a.member_id = %s and b.member_id = %s and (
    a.kind in ('unionid', 'openid', 'external_userid')
    or a.kind in ('phone', 'email') and a.verified_at is not null and b.verified_at is not null
) order by 1
"""


@dataclass(frozen=True)
class Pair:
    """Both records, locked until the end of the transaction."""

    survivor: Member
    loser: Member


def take_turn() -> None:
    """One merge or undoing works at a time, in the whole house, until its transaction ends: chains then have one order."""
    with connection.cursor() as cursor:
        cursor.execute("select pg_advisory_xact_lock(%s)", [LOCK])


def lock(*, survivor_id: int, loser_id: int) -> Pair | None:
    """The two records that count for these ids, locked; None when they are one already. Call after `take_turn`. Raises NotFound.

    Orders and stats may go on being written meanwhile: `flows.member_merged.settle` takes in what came for the loser.
    """
    found = _roots(survivor_id, loser_id)
    if found[0] == found[1]:
        return None
    rows = _locked(found)
    return Pair(survivor=rows[found[0]], loser=rows[found[1]])


def strong_differences(*, survivor_id: int, loser_id: int) -> list[str]:
    """Kinds of identity that both have proven, each one of their own: signs of two people."""
    with connection.cursor() as cursor:
        cursor.execute(_DIFFERING, [survivor_id, loser_id])
        return [kind for (kind,) in cursor.fetchall()]


def check(pair: Pair, *, reason: str) -> None:
    """Raises MergeRefused for records that may not be merged, MergeRefusedStrongIds for two that need a person's reason."""
    if {pair.survivor.status, pair.loser.status} - MERGEABLE:
        raise MergeRefused(why="state")
    kinds = strong_differences(survivor_id=pair.survivor.pk, loser_id=pair.loser.pk)
    if kinds and not reasons.said(reason):
        raise MergeRefusedStrongIds(kinds=kinds)


def join(pair: Pair, *, choices: Mapping[str, str], source: str, reason: str) -> Merge:
    """Fields, identities, consents, aliases: the loser becomes an alias of the survivor. `choices` as `checked` returns them."""
    survivor, loser = pair.survivor, pair.loser
    before = _snapshot(survivor)
    statuses = {"survivor": survivor.status, "loser": loser.status}
    merge = Merge.objects.create(
        survivor=survivor,
        loser=loser,
        source=source,
        reason=str(logs.scrub(None, "", {"reason": " ".join(reason.split())[:200]})["reason"]),
        choices=dict(choices),
        actor=requests.origin().actor,
        at=clock.now(),
    )
    _write_fields(survivor, field_policies.decided(survivor=survivor, loser=loser, choices=choices))
    for name, value in field_policies.joined(survivor=survivor, loser=loser).items():
        setattr(survivor, name, value)
    survivor.save(update_fields=WRITTEN)
    statuses["joined"] = survivor.status
    owned = list(Identity.objects.filter(member=loser).order_by("pk").values_list("pk", flat=True))
    note(merge_id=merge.pk, model=IDENTITIES, row_ids=identities.hand_over(identity_ids=owned, to_id=survivor.pk))
    aliases = list(Member.objects.filter(merged_into=loser).order_by("pk").values_list("pk", flat=True))
    note(merge_id=merge.pk, model=ALIASES, row_ids=aliases)
    Member.objects.filter(pk__in=[*aliases, loser.pk]).update(merged_into=survivor, status=Member.Status.MERGED)
    sealed = {"before": before, "after": _snapshot(survivor)}
    sealed["tags"] = tag_merges.join(survivor_id=survivor.pk, loser_id=loser.pk)
    merge.before_sealed = _seal(survivor.pk, sealed)
    merge.images = {
        "statuses": statuses,
        "consents": consent_merges.join(survivor_id=survivor.pk, loser_id=loser.pk),
    }
    merge.save(update_fields=["before_sealed", "images"])
    return merge


def note(*, merge_id: int, model: str, row_ids: list[Any]) -> None:
    """Remember which rows of a table a merge moved."""
    if row_ids:
        MergeMove.objects.create(merge_id=merge_id, model=model, row_ids=[str(row_id) for row_id in row_ids])


def lock_for_undo(merge_id: int) -> Merge | None:
    """The merge and both records, locked; None when it is undone already. Raises UnmergeRefused with the reason in `why`."""
    take_turn()
    ids = Merge.objects.filter(pk=merge_id).values_list("survivor_id", "loser_id").first()
    if ids is None:
        raise NotFound
    rows = _locked(ids)
    merge = Merge.objects.get(pk=merge_id)
    merge.survivor, merge.loser = rows[ids[0]], rows[ids[1]]
    if merge.undone_at is not None:
        return None
    if why := why_not_undo(merge):
        raise UnmergeRefused(why=why)
    return merge


def lock_standing(merge_id: int) -> tuple[Merge, int] | None:
    """A merge that is not undone, with the record its rows belong to by now, locked; None when it is undone."""
    take_turn()
    ids = Merge.objects.filter(pk=merge_id, undone_at=None).values_list("survivor_id", "loser_id").first()
    if ids is None:
        return None
    root = _roots(*ids)[0]
    _locked((root, ids[1]))
    return Merge.objects.get(pk=merge_id), root


def why_not_undo(merge: Merge) -> str:
    """What stands in the way: "", late, later_merge (undo that one first), erased, state."""
    if Member.Status.ERASED in {merge.survivor.status, merge.loser.status}:
        return "erased"
    if merge.survivor.merged_into_id is not None:
        return "later_merge"
    if merge.survivor.status not in MERGEABLE:
        return "state"
    return "late" if clock.now() >= merge.at + UNDO_FOR else ""


def part(merge: Merge) -> None:
    """Undo `join` for what nobody has changed since: a field edited after the merge keeps its new value."""
    survivor, loser = merge.survivor, merge.loser
    images = _open(survivor.pk, merge.before_sealed)
    _restore(survivor, before=images["before"], after=images["after"])
    statuses = merge.images["statuses"]
    if survivor.status == statuses["joined"]:
        survivor.status = statuses["survivor"]
    survivor.save(update_fields=WRITTEN)
    Member.objects.filter(pk=loser.pk).update(merged_into=None, status=statuses["loser"])
    Member.objects.filter(pk__in=moved(merge, ALIASES), merged_into=survivor).update(merged_into=loser)
    owned = Identity.objects.filter(pk__in=moved(merge, IDENTITIES), member=survivor).values_list("pk", flat=True)
    identities.hand_over(identity_ids=list(owned), to_id=loser.pk)
    consent_merges.part(merge.images["consents"])
    if "tags" in images:  # merges from before tags were decided moved what was free and nothing else
        tag_merges.part(images["tags"])
    Merge.objects.filter(pk=merge.pk).update(
        undone_at=clock.now(), undone_by=requests.origin().actor, before_sealed=None
    )


def moved(merge: Merge, model: str) -> list[int]:
    """Row ids of one of our own tables; their keys are numbers."""
    found = MergeMove.objects.filter(merge=merge, model=model).values_list("row_ids", flat=True)
    return [int(row_id) for row_ids in found for row_id in row_ids]


@transaction.atomic
def forget_images() -> int:
    """Drop the sealed values of merges that can no longer be undone. Returns of how many."""
    old = Merge.objects.filter(at__lt=clock.now() - UNDO_FOR, before_sealed__isnull=False)
    return old.update(before_sealed=None)


def _roots(survivor_id: int, loser_id: int) -> tuple[int, int]:
    rows = dict(Member.objects.filter(pk__in=[survivor_id, loser_id]).values_list("pk", F("merged_into")))
    if not {survivor_id, loser_id} <= rows.keys():
        raise NotFound
    return rows[survivor_id] or survivor_id, rows[loser_id] or loser_id


def _locked(member_ids: tuple[int, int]) -> dict[int, Member]:
    rows = Member.objects.select_for_update(no_key=True).filter(pk__in=member_ids).order_by("pk")
    return {row.pk: row for row in rows}


def _snapshot(member: Member) -> dict[str, Any]:
    return {
        **field_policies.values(member),
        "joined_at": member.joined_at.isoformat(),
        "source": member.source,
        "birthday_corrected_at": member.birthday_corrected_at and member.birthday_corrected_at.isoformat(),
    }


def _write_fields(member: Member, chosen: Mapping[str, Any]) -> None:
    member.nickname, member.gender, member.home_store_id = chosen["nickname"], chosen["gender"], chosen["home_store"]
    member.birth_year, member.birth_month, member.birth_day = chosen["birthday"] or (None, None, None)
    member.attributes = chosen["attributes"]


def _restore(member: Member, *, before: dict[str, Any], after: dict[str, Any]) -> None:
    """Field by field, attribute by attribute: only what is still as the merge left it goes back."""
    now = _snapshot(member)
    kept = {name: before[name] if now[name] == after[name] else now[name] for name in before}
    keys = {*before["attributes"], *now["attributes"]}
    kept["attributes"] = {
        key: value
        for key in sorted(keys)
        if (value := _earlier(before["attributes"], after["attributes"], now["attributes"], key)) is not None
    }
    _write_fields(member, kept)
    member.source = kept["source"]
    member.joined_at = datetime.fromisoformat(kept["joined_at"])
    corrected = kept["birthday_corrected_at"]
    member.birthday_corrected_at = datetime.fromisoformat(corrected) if corrected else None


def _earlier(before: dict[str, Any], after: dict[str, Any], now: dict[str, Any], key: str) -> Any:
    return before.get(key) if now.get(key) == after.get(key) else now.get(key)


def _seal(member_id: int, content: dict[str, Any]) -> bytes:
    key = identities.open_keys([member_id])[member_id]
    return ciphers.encrypt(person_key=key, text=json.dumps(content), context=_CONTEXT)


def _open(member_id: int, sealed: Any) -> dict[str, Any]:
    key = identities.open_keys([member_id])[member_id]
    content: dict[str, Any] = json.loads(ciphers.decrypt(person_key=key, blob=bytes(sealed), context=_CONTEXT))
    return content
