"""The brand's own fields over the API, and bulk calls that go on in a job."""

import json
from collections.abc import Callable

import pytest

from apps.api import bulk
from apps.core import ids, jobs
from apps.core.models import AuditEntry, Job
from apps.members import attributes, fields
from apps.members.models import Member
from apps.stores import credentials
from tests.api.conftest import Caller
from tests.api.test_frame import is_problem

pytestmark = pytest.mark.django_db
SCOPES = ("members.read", "members.write", "orders.write", "refunds.write", "jobs.read")


@pytest.fixture
def shop(db: None) -> Caller:
    return Caller(secret=credentials.issue_client(name="shop system", scopes=SCOPES).secret)


@pytest.fixture
def own_fields(db: None) -> None:
    fields.define(key="tea", label="最爱的茶", type="choice", choices=["oolong", "pu-erh"])
    fields.define(key="note", label="备注", type="text", is_shown=False)
    fields.define(key="visits", label="到店", type="number")


def address(member: Member) -> str:
    return f"members/{ids.encode('mem', member.pk)}"


def test_programs_write_the_brand_s_own_fields_and_members_see_what_is_shown(shop: Caller, me: Caller, own_fields):
    path = f"{address(me.member)}/attributes"
    read = shop.get(path)
    assert read.data == {"attributes": {}}
    assert is_problem(shop.put(path, {"attributes": {"tea": "oolong"}}), 428, "precondition_required")

    values = {"tea": "oolong", "note": "来电找他", "visits": 3}
    written = shop.put(path, {"attributes": values}, If_Match=read["ETag"])
    late = shop.put(path, {"attributes": {"visits": 9}}, If_Match=read["ETag"])

    assert (written.status_code, written.data) == (200, {"attributes": values})
    assert is_problem(late, 412, "precondition_failed")
    assert shop.get(address(me.member)).data["attributes"] == values
    assert me.get("me").data["attributes"] == {"tea": "oolong", "visits": 3}
    assert shop.put(path, {"attributes": {"note": None}}, If_Match="*").data == {
        "attributes": {"tea": "oolong", "visits": 3}
    }
    assert AuditEntry.objects.filter(action="member.fields_changed").count() == 2


@pytest.mark.parametrize(
    ("values", "pointer"),
    [
        ({"tea": "coffee"}, "/attributes/tea"),
        ({"visits": "three"}, "/attributes/visits"),
        ({"visits": True}, "/attributes/visits"),
        ({"tea": "oolong", "hat": "red"}, "/attributes/hat"),
        ({"Tea\0": "oolong"}, "/attributes/Tea\0"),
        ({"note": "a\0b"}, "/attributes"),
        ({"note": ["a"]}, "/attributes/note"),
        (["tea"], "/attributes"),
    ],
)
def test_a_value_that_does_not_fit_refuses_them_all(shop: Caller, me: Caller, own_fields, values, pointer: str):
    answer = shop.put(f"{address(me.member)}/attributes", {"attributes": values}, If_Match="*")

    assert is_problem(answer, 422, "validation_failed")
    assert [line["pointer"] for line in answer.data["errors"]] == [pointer]
    assert Member.objects.get().attributes == {}


def test_fields_are_listed_and_come_with_new_members(shop: Caller, me: Caller, own_fields):
    fields.retire(field_id=next(one.pk for one in attributes.fields() if one.key == "visits"))
    listed = shop.get("member-fields").data["data"]
    item = {"member_no": "P-1", "attributes": {"tea": "pu-erh"}}

    lines = shop.post("members", {"items": [item, item | {"attributes": {"visits": 2}}]}).data["data"]

    assert [(one["key"], one["is_shown"], one["is_retired"]) for one in listed] == [
        ("tea", True, False), ("note", False, False), ("visits", True, True),
    ]  # fmt: skip
    assert [line["status"] for line in lines] == ["created", "failed"]
    assert lines[1]["problem"]["errors"][0]["pointer"] == "/attributes/visits"
    assert Member.objects.get(member_no="P-1").attributes == {"tea": "pu-erh"}
    assert is_problem(me.get("member-fields"), 403, "forbidden")


def begun(shop: Caller, items: list[dict], **more: str) -> Job:
    answer = shop.post("members", {"items": items}, Prefer="respond-async", **more)
    assert (answer.status_code, answer["Preference-Applied"]) == (202, "respond-async"), answer.data
    assert answer["Location"] == f"/api/v1/jobs/{answer.data['id']}"
    assert (answer.data["state"], answer.data["total"], answer.data["result_url"]) == ("queued", len(items), None)
    return Job.objects.get(pk=ids.decode("job", answer.data["id"]))


def test_many_items_go_into_a_job_with_a_line_for_each(shop: Caller, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(bulk, "MOST", 20)  # at once: the job takes three turns
    items = [{"member_no": f"P-{n}"} for n in range(45)]
    items[30] = {"member_no": "not a number"}
    job = begun(shop, items)
    assert Member.objects.count() == 0
    assert is_problem(shop.get(f"jobs/{ids.encode('job', job.pk)}/result"), 404, "not_found")

    jobs.run(job_id=job.pk)

    shown = shop.get(f"jobs/{ids.encode('job', job.pk)}").data
    assert (shown["state"], shown["done"], shown["total"], shown["failed"]) == ("done", 45, 45, 1)
    lines = [json.loads(line) for line in shop.call("GET", shown["result_url"]).content.splitlines()]
    assert [line["index"] for line in lines] == list(range(45))
    assert [line["index"] for line in lines if line["status"] == "failed"] == [30]
    assert lines[30]["problem"]["errors"][0]["pointer"] == "/member_no"
    assert Member.objects.count() == 44


def test_a_job_that_begins_again_makes_nobody_twice(shop: Caller):
    job = begun(shop, [{"member_no": f"P-{n}"} for n in range(5)])
    jobs.run(job_id=job.pk)
    Job.objects.update(state="queued")

    jobs.run(job_id=job.pk)

    assert Member.objects.count() == 5
    assert Job.objects.get().state == "done"


def test_the_result_is_for_the_key_that_began_the_job_and_a_revoked_key_s_job_fails(
    shop: Caller, new_member: Callable[..., Caller]
):
    done, late = begun(shop, [{"member_no": "P-1"}]), begun(shop, [{"member_no": "P-2"}])
    jobs.run(job_id=done.pk)
    other = Caller(secret=credentials.issue_client(name="other", scopes=SCOPES).secret)
    result = f"jobs/{ids.encode('job', done.pk)}/result"
    assert shop.get(result).status_code == 200
    assert is_problem(other.get(result), 404, "not_found")

    credentials.revoke(kind="client", credential_id=credentials.listed("client")[-1].id)
    jobs.run(job_id=late.pk)

    assert (Job.objects.get(pk=late.pk).state, Job.objects.get(pk=late.pk).error_code) == ("failed", "forbidden")
    assert not Member.objects.filter(member_no="P-2").exists()


def test_a_repeat_with_its_key_begins_no_second_job_and_a_call_that_waits_takes_two_hundred(shop: Caller):
    items = [{"member_no": f"P-{n}"} for n in range(201)]

    begun(shop, items, Idempotency_Key="k1")
    again = shop.post("members", {"items": items}, Prefer="respond-async", Idempotency_Key="k1")

    assert again["Idempotency-Replayed"] == "true"
    assert Job.objects.count() == 1
    assert is_problem(shop.post("members", {"items": items}), 422, "validation_failed")
    assert Member.objects.count() == 0
