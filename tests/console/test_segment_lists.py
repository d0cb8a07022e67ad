"""The pages of lists: a file makes one after a rehearsal, hands put in and take out, the last file is undone; all of it is audited."""

from collections.abc import Callable
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from apps.core import ids, jobs
from apps.core.models import AuditEntry, Job
from apps.segments import defining
from apps.segments.models import Membership, Segment, Upload
from apps.stores.models import Role
from tests.console.world import House

pytestmark = pytest.mark.django_db


def file(text: str) -> SimpleUploadedFile:
    return SimpleUploadedFile("guests.csv", text.encode("gb18030"))


def done(kind: str = "segments.upload") -> Job:
    job = Job.objects.filter(kind=kind).latest("pk")
    jobs.run(job_id=job.pk)
    job.refresh_from_db()
    assert job.state == Job.State.DONE, job.error
    return job


def inside() -> set[str]:
    return set(Membership.objects.values_list("member__member_no", flat=True))


def test_a_list_is_rehearsed_made_changed_by_hand_and_undone(house: House, at: Callable[..., Client]) -> None:
    client = at(Role.MARKETER)
    text = "phone,备注\n19900000001,甲\n19900000002,乙\n123,丙\n"
    client.post("/console/segments/lists/new/", {"name": "Guests", "file": file(text), "mode": "dry"})
    rehearsed = done()
    assert (rehearsed.result["came"], rehearsed.result["rejected"], Segment.objects.count()) == (2, 1, 0)
    page = client.get(f"/console/members/work/{jobs.public_id(rehearsed)}/")
    assert client.post(page.context["live_url"]).status_code == 302
    made = done()
    key = made.result["segment"]
    assert inside() == {"NO-mine", "NO-near"}
    answer: Any = client.get(f"/console/members/work/{jobs.public_id(made)}/file/")
    bad = b"".join(answer.streaming_content).decode("utf-8-sig")
    assert bad.splitlines()[1].startswith("4,phone,phone_invalid,")
    change = f"/console/segments/{key}/change/"
    client.post(change, {"who": "NO-far", "do": "add"})
    client.post(change, {"member": house.member_id("near"), "do": "remove"})
    refused = client.post(change, {"who": "nobody", "do": "remove"}, follow=True)
    assert [str(one) for one in refused.context["messages"]][-1].startswith("请输入")
    assert inside() == {"NO-mine", "NO-far"}
    client.post(f"/console/segments/{key}/undo/")
    assert (inside(), Upload.objects.get().undone_at is not None) == ({"NO-far"}, True)
    mine = AuditEntry.objects.filter(actor=f"user:{house.users[Role.MARKETER].pk}", action__startswith="segment.")
    acts = list(mine.order_by("pk").values_list("action", flat=True))
    assert acts == [
        "segment.created", "segment.list_changed", "segment.uploaded", "segment.list_changed", "segment.list_changed",
        "segment.list_changed", "segment.upload_undone",
    ]  # fmt: skip


def test_the_members_page_shows_their_segments_and_puts_them_into_lists(
    house: House, at: Callable[..., Client]
) -> None:
    chosen = defining.create_list(key="chosen", name="Guests of honour", member_ids=[house.members["mine"].pk])
    address = f"/console/members/{house.member_id('mine')}/"
    page = at(Role.MARKETER).get(address)
    assert [one.key for one in page.context["groups"]] == [chosen.key]
    assert 'name="do" value="remove"' in page.content.decode()
    at(Role.MARKETER).post("/console/segments/chosen/change/", {"member": house.member_id("mine"), "do": "remove"})
    assert inside() == set()
    assert at(Role.CLERK).get(address).context["groups"] is None
    assert 'value="add"' not in at(Role.MANAGER).get(address).content.decode()


def test_who_lost_the_right_has_no_file_taken_in(house: House, at: Callable[..., Client]) -> None:
    at(Role.MARKETER).post(
        "/console/segments/lists/new/", {"name": "Guests", "file": file("phone\n19900000001\n"), "mode": "real"}
    )
    house.users[Role.MARKETER].staff.delete()
    job = Job.objects.get(kind="segments.upload")
    jobs.run(job_id=job.pk)
    job.refresh_from_db()
    assert (job.state, Segment.objects.count()) == (Job.State.FAILED, 0)
    stranger = at(Role.MANAGER).get(f"/console/members/work/{ids.encode('job', job.pk)}/")
    assert stranger.status_code == 404
