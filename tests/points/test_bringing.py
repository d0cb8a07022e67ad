"""Files of opening balances: rehearsed, within the operator's limit of the day, or by a second person, whatever the door."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.db import transaction

from apps.core import approvals, jobs
from apps.core.approvals import OwnApproval
from apps.core.models import Approval, AuditEntry, Job, User
from apps.members.imports.run import run
from apps.members.models import Member, MemberImport, Opening
from apps.points import adjusting, bringing, openings, selectors
from apps.points.adjusting import Wish
from apps.points.models import Entry, OpeningFile
from apps.stores.models import Role, Staff

Import = Callable[..., dict[str, Any]]


@pytest.fixture
def admin(member: Member, friend: Member) -> User:
    user = User.objects.create_user(username="admin-9", password="for-tests-only-2026")
    Staff.objects.create(user=user, code="A-9", name="何青", role=Role.ADMIN)
    return user


@pytest.fixture
def bring(tmp_path: Path, run_flows: Callable[..., None]) -> Import:
    """`bring(text, by=, dry_run=)`: a file of balances taken in, and what follows from it delivered."""

    def take_in(text: str, *, by: User | None = None, dry_run: bool = False) -> dict[str, Any]:
        path = tmp_path / "balances.csv"
        path.write_text(text)
        job = jobs.start(kind="members.import", params={"file_name": path.name}, user_id=by.pk) if by else None
        result = run(path=path, source="old", dry_run=dry_run, openings_only=True, job_id=job.pk if job else None,
                     rejected_to=lambda: tmp_path / "rejected.csv")  # fmt: skip
        Job.objects.filter(kind="members.import").update(state=Job.State.DONE)
        run_flows()
        openings.take()
        return result

    return take_in


def balances() -> list[int]:
    return [selectors.totals(member_id=member.pk).balance for member in Member.objects.order_by("member_no")[:2]]


def test_a_rehearsal_counts_what_would_come_and_rejects_whom_nobody_knows(bring: Import, admin: User, tmp_path: Path):
    head = "member_no,nickname,opening_points,opening_points_expire_on,growth"
    text = "\n".join([head, "P-1,,1280,2027-06-30,", "P-2,X,20,,300", "P-9,,5,,", "P-1,,7,,", ""])

    told = bring(text, by=admin, dry_run=True)

    names = (
        "rows",
        "opening_points",
        "opening_growth",
        "opening_tiers",
        "opening_members",
        "members_added",
        "rejected",
    )
    assert [told[name] for name in names] == [4, 1300, 300, 0, 2, 0, 2]
    lines = (tmp_path / "rejected.csv").read_text("utf-8-sig").splitlines()
    assert [line.split(",")[2] for line in lines[1:]] == ["member_unknown", "row_repeated"]
    assert (Opening.objects.count(), Entry.objects.count(), OpeningFile.objects.count()) == (0, 0, 0)
    assert Member.objects.get(member_no="P-2").nickname == "Mei"


def test_a_file_within_the_day_s_limit_is_booked_once_and_counts_against_what_is_granted_by_hand(
    bring: Import, admin: User, member: Member
):
    text = "member_no,opening_points\nP-1,15000\nP-2,1000\n"
    bring(text, by=admin)
    bring(text, by=admin)
    assert balances() == [15_000, 1_000]
    assert list(OpeningFile.objects.values_list("points", "members", "approval")) == [(16_000, 2, None)]
    assert AuditEntry.objects.filter(action="points.openings_released").count() == 1

    wish = Wish(member_id=member.pk, amount=4_500, reason="补记线下", source="by:1")
    outcome = adjusting.adjust(wish=wish, staff=Staff.objects.get(user=admin))
    assert outcome.posting is None
    assert Approval.objects.get().kind == adjusting.KIND


def test_split_files_over_the_limit_wait_for_another_person(bring: Import, admin: User):
    other = User.objects.create_user(username="admin-8", password="for-tests-only-2026")
    bring("member_no,opening_points\nP-1,15000\n", by=admin)
    bring("member_no,opening_points,growth\nP-2,1,5001\n", by=admin)
    asked = Approval.objects.get()
    assert asked.params | {"import_id": 0} == {"import_id": 0, "members": 1, "points": 1, "growth": 5001, "tiers": 0}
    assert balances() == [15_000, 0]
    with pytest.raises(OwnApproval):
        approvals.decide(approval_id=asked.pk, user_id=admin.pk, is_agreed=True)
    openings.take()
    assert balances() == [15_000, 0]

    approvals.decide(approval_id=asked.pk, user_id=other.pk, is_agreed=True)
    openings.take()
    assert balances() == [15_000, 1]
    assert [(row.taken, row.values, row.answer) for row in bringing.files()] == [(2, 2, "approved"), (1, 1, "")]


def test_what_came_through_the_shell_waits_until_somebody_hands_it_in_and_a_refusal_is_final(
    bring: Import, admin: User
):
    other = User.objects.create_user(username="admin-8", password="for-tests-only-2026")
    bring("member_no,opening_points\nP-1,20001\n")
    record = MemberImport.objects.get()
    assert balances() == [0, 0]
    assert [row.may_hand_in for row in bringing.files()] == [True]

    bringing.hand_in(import_id=record.pk, user_id=admin.pk)
    asked = Approval.objects.get()
    approvals.decide(approval_id=asked.pk, user_id=other.pk, is_agreed=False)
    bringing.hand_in(import_id=record.pk, user_id=admin.pk)
    openings.take()

    assert balances() == [0, 0]
    assert Approval.objects.count() == 1
    assert [(row.may_hand_in, row.answer) for row in bringing.files()] == [(False, "refused")]
    with pytest.raises(Exception, match="points_opening_file_waits_for_somebody"), transaction.atomic():
        OpeningFile.objects.update(approval=None)
