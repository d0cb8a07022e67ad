"""Lists of members from files and by hand: all or nothing, every bad row named, the same file twice, the last one undone."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from apps.core.errors import DomainError
from apps.core.files.errors import FileRefused
from apps.core.models import AuditEntry, Job
from apps.flows import erasure
from apps.members import identities, services, states
from apps.members.models import Member
from apps.segments import defining, seen
from apps.segments.lists import run
from apps.segments.models import Build, Membership, Passage, Segment, Upload
from apps.stores.models import Store

pytestmark = pytest.mark.django_db
NOON = datetime(2026, 11, 22, 4, 0, tzinfo=UTC)


@pytest.fixture
def people(clock: Callable[[datetime], datetime]) -> dict[str, int]:
    clock(NOON)
    made = {
        name: services.register(source="t", member_no=f"L-{name}", nickname="=cmd()", phone=f"1990000{number:04d}")
        for number, name in enumerate(("ann", "bea", "cat", "dan"), start=11)
    }
    identities.add_identity(member_id=made["bea"], kind="email", value="Bea@Example.com")
    return made


def taken(
    tmp_path: Path, text: str | bytes, *, how: str = "add", into: Segment | None = None, **more: Any
) -> dict[str, Any]:
    path = tmp_path / "list.csv"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    wanted = run.Wanted(how=how, segment_id=into.pk if into else None, key="vips", name="Our VIPs")
    return run.run(path=path, wanted=wanted, rejected_to=lambda: tmp_path / "bad.csv", **more)


def inside() -> set[int]:
    return set(Membership.objects.values_list("member_id", flat=True))


def test_a_file_makes_a_list_and_each_bad_row_is_named_by_line_reason_and_cure(
    people: dict[str, int], tmp_path: Path
) -> None:
    Member.objects.filter(pk=people["dan"]).update(status="frozen")
    text = (
        "phone,email,member_no,more\r\n199 0000 0011,,,x\r\n,BEA@example.com,,x\r\n12345,,,x\r\n,,nobody,x\r\n,,,x\r\n"
    )
    text += "19900000011,,L-cat,x\r\n,,L-ann,x\r\n19900000014,,,x\r\n,no-address,,x\r\n"
    figures = taken(tmp_path, text, file_name="wang.csv")
    made = Segment.objects.get()
    assert (made.kind, made.name, made.size) == ("list", "Our VIPs", 2)
    assert inside() == {people["ann"], people["bea"]}
    assert {name: figures[name] for name in ("rows", "named", "came", "went", "rejected")} == {
        "rows": 9, "named": 2, "came": 2, "went": 0, "rejected": 7,
    }  # fmt: skip
    bad = [line.split(",")[:3] for line in (tmp_path / "bad.csv").read_text("utf-8-sig").splitlines()[1:]]
    assert bad == [
        ["4", "phone", "phone_invalid"], ["5", "member_no", "member_unknown"], ["6", "", "key_missing"],
        ["7", "", "keys_differ"], ["8", "", "row_repeated"], ["9", "", "member_not_active"], ["10", "email", "email_invalid"],
    ]  # fmt: skip
    note = AuditEntry.objects.get(action="segment.uploaded")
    assert (note.after["came"], "wang" in str(note.after)) == (2, False)


@pytest.mark.parametrize("coding", ["utf-8", "utf-8-sig", "gb18030"])
def test_any_of_the_encodings_is_read_and_the_same_file_again_changes_nothing(
    people: dict[str, int], tmp_path: Path, coding: str
) -> None:
    text = "member_no,备注\nL-ann,老客户\nL-bea,新客户\n".encode(coding)
    taken(tmp_path, text)
    made = Segment.objects.get()
    again = taken(tmp_path, text, into=made)
    assert (again["came"], again["went"], Build.objects.count(), Passage.objects.count()) == (0, 0, 1, 2)
    assert inside() == {people["ann"], people["bea"]}


def test_a_file_adds_replaces_or_takes_out_and_a_rehearsal_says_the_same_and_writes_nothing(
    people: dict[str, int], tmp_path: Path
) -> None:
    ann, bea, cat = people["ann"], people["bea"], people["cat"]
    made = defining.create_list(key="k", name="K", member_ids=[ann, bea])
    for how, text, after in (
        ("replace", "member_no\nL-bea\nL-cat\n", {bea, cat}),
        ("add", "phone\n19900000011\n", {ann, bea, cat}),
        ("remove", "member_no\nL-bea\nL-dan\n", {ann, cat}),
    ):
        before = inside()
        said = taken(tmp_path, text, how=how, into=made, dry_run=True)
        assert (inside(), Upload.objects.filter(how=how).exists()) == (before, False)
        done = taken(tmp_path, text, how=how, into=made)
        assert (
            (said["came"], said["went"]) == (done["came"], done["went"]) == (len(after - before), len(before - after))
        )
        assert inside() == after
        made.refresh_from_db()
        assert made.size == len(after)
    with pytest.raises(FileRefused):
        taken(tmp_path, "member_no\nnobody\n", how="replace", into=made)
    assert inside() == {ann, cat}


@pytest.mark.parametrize("text", ["", "name\nAnn\n", b"\xff\xfe1\x00"])
def test_a_file_that_is_refused_writes_nothing(people: dict[str, int], tmp_path: Path, text: Any) -> None:
    with pytest.raises(FileRefused):
        taken(tmp_path, text)
    assert (Segment.objects.count(), Upload.objects.count(), Membership.objects.count()) == (0, 0, 0)


def test_a_stopped_job_writes_nothing_and_a_lost_worker_writes_once(people: dict[str, int], tmp_path: Path) -> None:
    def stop(now: object) -> None:
        raise KeyboardInterrupt

    text = "member_no\nL-ann\n"
    with pytest.raises(KeyboardInterrupt):
        taken(tmp_path, text, progress=stop)
    assert Segment.objects.count() == 0
    job = Job.objects.create(kind="segments.upload", params={})
    first, again = (taken(tmp_path, text, job_id=job.pk) for _ in range(2))
    assert (first["came"], again["came"], Segment.objects.count(), Upload.objects.count()) == (1, 1, 1, 1)


def test_undo_takes_the_last_file_back_but_nobody_whom_a_hand_moved_since(
    people: dict[str, int], tmp_path: Path
) -> None:
    ann, _, cat, dan = people.values()
    made = defining.create_list(key="k", name="K", member_ids=[ann])
    taken(tmp_path, "member_no\nL-bea\nL-cat\n", how="replace", into=made)
    taken(tmp_path, "member_no\nL-bea\n", into=made)  # changes nothing, so it is not what is undone
    defining.change_list(segment_id=made.pk, add=[dan])
    defining.change_list(segment_id=made.pk, remove=[cat])
    defining.change_list(segment_id=made.pk, add=[cat])
    run.undo(segment_id=made.pk)
    assert inside() == {ann, cat, dan}
    with pytest.raises(DomainError) as refused:
        run.undo(segment_id=made.pk)
    assert refused.value.code == "nothing_to_undo"
    assert inside() == {ann, cat, dan}


def test_an_erased_member_leaves_the_lists_and_their_size(people: dict[str, int]) -> None:
    made = defining.create_list(key="k", name="K", member_ids=[people["ann"], people["bea"]])
    states.cancel(member_id=people["ann"])
    erasure.erase(member_id=people["ann"])
    made.refresh_from_db()
    assert (made.size, inside()) == (1, {people["bea"]})


def test_the_history_of_some_stores_counts_their_members_alone(
    people: dict[str, int], clock: Callable[[datetime], datetime]
) -> None:
    near, far = (Store.objects.create(code=code, name=code) for code in ("near", "far"))
    Member.objects.filter(pk=people["ann"]).update(home_store=near)
    Member.objects.filter(pk__in=[people["bea"], people["cat"]]).update(home_store=far)
    made = defining.create_list(key="k", name="K", member_ids=[people["ann"], people["bea"]])
    clock(NOON.replace(day=24))
    defining.change_list(segment_id=made.pk, add=[people["cat"]], remove=[people["ann"]])
    made.refresh_from_db()
    shown = {
        tuple(reach or ()): [
            (day.size, day.came, day.went)
            for day in seen.history(made, moment=NOON.replace(day=25), store_ids=reach, days=5)
        ]
        for reach in (None, [near.pk], [far.pk])
    }
    assert shown == {
        (): [(None, 0, 0), (2, 2, 0), (2, 0, 0), (2, 1, 1), (2, 0, 0)],
        (near.pk,): [(0, 0, 0), (1, 1, 0), (1, 0, 0), (0, 0, 1), (0, 0, 0)],
        (far.pk,): [(0, 0, 0), (1, 1, 0), (1, 0, 0), (2, 1, 0), (2, 0, 0)],
    }
