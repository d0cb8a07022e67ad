"""Who sees some stores sees of a segment the members of these stores: each number, name, answer and file."""

import csv
import json
from collections.abc import Callable

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from apps.core import jobs
from apps.core.models import AuditEntry, Job
from apps.members.models import Member
from apps.segments import building, defining
from apps.segments.models import Membership, Segment
from apps.stores.models import Role
from tests.console.conftest import NOON
from tests.console.world import House

pytestmark = pytest.mark.django_db
ANYBODY = {"all": [{"field": "joined_at", "op": "known", "value": True}]}
SEEN = {Role.ADMIN: {"mine", "near", "far"}, Role.REGION_MANAGER: {"mine", "near"}, Role.MANAGER: {"mine"}}


@pytest.fixture
def both(house: House) -> list[Segment]:
    """A list and a rule, each with everybody in it."""
    chosen = defining.create_list(key="chosen", name="Chosen", member_ids=[one.pk for one in house.members.values()])
    ruled = defining.create(key="ruled", name="Ruled", rule=ANYBODY)
    building.build(NOON)
    assert Membership.objects.count() == 6
    return [chosen, ruled]


@pytest.mark.parametrize("role", SEEN)
def test_every_number_and_name_is_of_the_readers_stores(
    house: House, both: list[Segment], at: Callable[..., Client], role: Role
) -> None:
    client, seen = at(role), SEEN[role]
    shown = client.get("/console/segments/")
    assert [row["size"] for row in shown.context["rows"]] == [len(seen)] * 2
    for one in both:
        page = client.get(f"/console/segments/{one.key}/")
        assert (page.context["size"], len(page.context["passages"])) == (len(seen), len(seen))
        last = page.context["size_chart"].points[-1], page.context["moves_chart"].days[-1]
        assert (last[0].value, last[1].value) == (len(seen), len(seen))
        assert bool(page.context["builds"]) == (role == Role.ADMIN)
        listed = client.get(f"/console/members/?segment={one.key}")
        assert {row["id"] for row in listed.context["rows"]} == {house.members[where].pk for where in seen}
    found = client.post("/console/segments/count/", {"rule": json.dumps(ANYBODY)}).context
    assert (found["counted"].members, found["leaves"]) == (len(seen), [("n1", len(seen))])
    assert {one.member_id for one in found["examples"]} == {house.members[where].pk for where in seen}
    assert {one["said"].members for one in found["channels"]} == {len(seen)}
    for where in house.members:
        why = client.post("/console/segments/why/", {"rule": json.dumps(ANYBODY), "who": f"NO-{where}"})
        who = client.post("/console/segments/chosen/who/", {"who": f"NO-{where}"})
        assert (why.context["answer"] is not None, "who_member" in who.context) == (where in seen, where in seen)


def test_the_guess_beside_the_editor_is_of_the_readers_stores(house: House, at: Callable[..., Client]) -> None:
    client = at(Role.MANAGER)
    with CaptureQueriesContext(connection) as asked:
        client.post("/console/segments/edit/", {"rule": json.dumps({"all": []})})
    [guess] = [one["sql"] for one in asked if one["sql"].startswith("explain")]
    assert f"m.home_store_id = any('{{{house.stores['mine'].pk}}}'" in guess


@pytest.mark.parametrize(("role", "rows"), [(Role.MANAGER, ["mine"]), (Role.MARKETER, ["mine", "near", "far"])])
def test_an_export_holds_the_readers_members_masked_and_harmless_and_is_noted(
    house: House, both: list[Segment], at: Callable[..., Client], role: Role, rows: list[str]
) -> None:
    Member.objects.filter(pk=house.members["mine"].pk).update(nickname="=HYPERLINK(1)", source="@sum")
    client = at(role)
    answer = client.post("/console/members/exports/?segment=chosen", {"what": "masked"})
    job = Job.objects.get(kind="members.export")
    assert answer.status_code == 302
    jobs.run(job_id=job.pk)
    job.refresh_from_db()
    held = list(csv.DictReader(jobs.result_path(job.result_file).read_text("utf-8-sig").splitlines()))
    assert [row["member_no"] for row in held] == [f"NO-{where}" for where in rows]
    assert (held[0]["phone"], held[0]["source"]) == ("199****0001", "'@sum")
    assert held[0]["nickname"].startswith("'=")
    assert "HYPERLINK(1)" not in held[0]["nickname"]
    note = AuditEntry.objects.get(action="members.exported")
    assert (note.actor, note.after["filters"]) == (f"user:{house.users[role].pk}", {"segment": "chosen"})
    listed = at(Role.ADMIN).get("/console/segments/chosen/").context["exports"]
    assert [(one.created_by, one.result["members"]) for one in listed] == [(house.users[role], len(rows))]
    others = at(Role.REGION_MANAGER).get("/console/segments/chosen/").context["exports"]
    assert others == []


def test_whoever_may_not_see_segments_asks_for_none(both: list[Segment], at: Callable[..., Client]) -> None:
    for role in (Role.CLERK, Role.AGENT):
        assert at(role).get("/console/members/?segment=chosen").status_code == 403
        assert at(role).get("/console/members/").status_code == 200
    assert at(Role.ADMIN).get("/console/members/?segment=nothing").status_code == 404
    manager = at(Role.MANAGER)
    assert manager.post("/console/segments/chosen/change/", {"who": "NO-mine", "do": "remove"}).status_code == 403
    assert Membership.objects.count() == 6
