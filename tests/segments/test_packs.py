"""Audience packs: hashes of members who allow it and of nobody else, whenever their word is asked for."""

import hashlib
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from django.test import Client

from apps.core import approvals, brand, jobs
from apps.core.errors import Forbidden, ValidationFailed
from apps.core.models import Approval, AuditEntry, Job, User
from apps.flows import processing
from apps.members import consents, identities, services, states
from apps.members.models import Member
from apps.segments import defining
from apps.segments.models import MemberStats, Pack, PackMember, Segment
from apps.segments.packs import hashing, making
from apps.segments.packs.making import Wanted
from apps.stores.access import Access, of_user
from apps.stores.models import Role
from tests.console import world

pytestmark = pytest.mark.django_db
NOON = datetime(2026, 11, 22, 4, 0, tzinfo=UTC)
NAMES = ("ann", "bea", "cat", "dan", "eve")


def says(member_id: int, is_granted: bool, purpose: str = "advertising", **more: Any) -> None:
    consents.give_consent(
        member_id=member_id, purpose=purpose, channel="any", is_granted=is_granted, source="t", text_version="1", **more
    )


def sha(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


@pytest.fixture
def people(clock: Callable[[datetime], datetime], settings: Any) -> dict[str, int]:
    """Five in a list, all of whom allow it; their phones end in 11 to 15."""
    settings.PACK_LEAST_MEMBERS = 2
    clock(NOON)
    made = {
        name: services.register(source="t", member_no=f"P-{name}", phone=f"1990000{number:04d}")
        for number, name in enumerate(NAMES, start=11)
    }
    for member_id in made.values():
        says(member_id, True)
    defining.create_list(key="chosen", name="Chosen", member_ids=list(made.values()))
    return made


@pytest.fixture
def boss(people: dict[str, int]) -> Access:
    return of_user(world.build(NOON).users[Role.MARKETER])


def made(boss: Access, **asked: Any) -> Job:
    source = {} if asked.get("use") == "withdraw" or "days" in asked else {"segment_id": Segment.objects.get().pk}
    wanted = Wanted(**({"use": "seed", "recipient": "Tencent Ads"} | source | asked))
    job = making.ask(wanted=wanted, reason="autumn", access=boss)
    assert isinstance(job, Job)
    jobs.run(job_id=job.pk)
    job.refresh_from_db()
    return job


def lines(job: Job) -> list[str]:
    assert job.state == Job.State.DONE, (job.error_code, job.error)
    return jobs.result_path(job.result_file).read_text().split()


def phones(*numbers: int) -> list[str]:
    return sorted(sha(f"1990000{number:04d}") for number in numbers)


def test_the_normal_form_and_its_hash_are_those_of_the_documentation() -> None:
    assert hashing.normal("phone", "+86 138-1234 1234") == "13812341234"
    assert hashing.normal("phone", "+852 6123 4567") == "+85261234567"
    assert hashing.normal("email", " Bea@Example.COM ") == "bea@example.com"
    assert hashing.digest("phone", "13812341234") == "b7ea4699b47329fc796d713740ad96eaf64e10589de7b5f4a46ae14421d0e80e"


def test_only_those_stand_in_a_pack_who_allow_it_may_be_profiled_are_active_and_old_enough(
    people: dict[str, int], boss: Access
) -> None:
    says(people["cat"], False)
    says(people["dan"], False, purpose="profiling")
    Member.objects.filter(pk=people["eve"]).update(birth_year=2020, birth_month=1, birth_day=1)
    job = made(boss)
    assert lines(job) == phones(11, 12)
    pack = Pack.objects.get()
    assert (pack.members, pack.left_out, job.result) == (2, 3, {"named": 2, "left_out": 3})
    assert set(PackMember.objects.values_list("member_id", flat=True)) == {people["ann"], people["bea"]}
    asked, noted = AuditEntry.objects.filter(action__startswith="segment.pack").order_by("pk")
    assert (asked.after["reason"], noted.after["members"], noted.actor) == ("autumn", 2, f"user:{boss.user_id}")
    assert "Tencent Ads" in {str(one.name) for one in processing.recipients()}


def test_silence_a_word_for_messages_and_a_word_that_ended_are_no_consent(
    people: dict[str, int], boss: Access, clock: Callable[[datetime], datetime]
) -> None:
    silent = services.register(source="t", member_no="P-fay", phone="19900000016")
    says(silent, True, purpose="marketing")
    ended = services.register(source="t", member_no="P-gil", phone="19900000017")
    says(ended, True, expires_at=NOON.replace(hour=5))
    defining.change_list(segment_id=Segment.objects.get().pk, add=[silent, ended])
    clock(NOON.replace(hour=6))
    assert lines(made(boss)) == phones(11, 12, 13, 14, 15)


def test_a_pack_that_is_too_small_is_refused_and_nothing_of_it_is_kept(people: dict[str, int], boss: Access) -> None:
    for name in ("bea", "cat", "dan", "eve"):
        says(people[name], False)
    job = made(boss)
    assert (job.state, job.error_code, job.result_file) == (Job.State.FAILED, "pack_too_small", "")
    assert (PackMember.objects.count(), Pack.objects.get().made_at) == (0, None)
    assert not jobs.result_path(f"pack-{job.pk}.csv").exists()


def test_who_takes_the_word_back_while_the_pack_is_made_is_not_in_it(
    people: dict[str, int], boss: Access, monkeypatch: pytest.MonkeyPatch
) -> None:
    report = jobs.report

    def meanwhile(job: Job, **more: Any) -> None:
        says(people["ann"], False)
        report(job, **more)

    monkeypatch.setattr(jobs, "report", meanwhile)
    assert lines(made(boss)) == phones(12, 13, 14, 15)


def test_buyers_of_the_last_days_and_addresses_make_packs_too(people: dict[str, int], boss: Access) -> None:
    for name, day in (("ann", 20), ("bea", 21), ("cat", 1)):
        bought = NOON.replace(day=day)
        MemberStats.objects.create(
            member_id=people[name], stage="active", orders=1, first_order_at=bought, last_order_at=bought, as_of=NOON
        )
    job = made(boss, use="suppress", days=7)
    assert lines(job) == phones(11, 12)
    for name in ("cat", "dan"):
        identities.add_identity(member_id=people[name], kind="email", value=f"{name}@Example.com")
    assert lines(made(boss, ids="email")) == sorted([sha("cat@example.com"), sha("dan@example.com")])
    assert Pack.objects.latest("pk").left_out == 3


def test_a_withdrawal_names_who_was_handed_to_this_platform_and_no_longer_allows_it(
    people: dict[str, int], boss: Access
) -> None:
    says(people["eve"], False)
    made(boss)
    made(boss, recipient="Elsewhere")
    says(people["ann"], False)
    states.cancel(member_id=people["bea"])
    PackMember.objects.filter(recipient="Elsewhere", member_id=people["ann"]).delete()
    assert lines(made(boss, use="withdraw")) == phones(11, 12)
    assert lines(made(boss, use="withdraw", recipient="Elsewhere")) == phones(12)
    assert lines(made(boss, use="withdraw", recipient="Nobody knows")) == []


def test_a_file_is_not_handed_out_once_somebody_took_their_word_back(people: dict[str, int], boss: Access) -> None:
    job = made(boss)
    client = Client()
    world.enter(client, Pack.objects.get().by)  # type: ignore[arg-type]
    address = f"/console/members/work/{jobs.public_id(job)}/file/"
    held: Any = client.get(address)
    assert b"".join(held.streaming_content).decode().split() == phones(11, 12, 13, 14, 15)
    says(people["cat"], False)
    refused = client.get(address)
    assert (refused.status_code, refused["Location"]) == (302, "/console/segments/packs/")
    assert AuditEntry.objects.filter(action="members.export_fetched", object_id=str(job.pk)).count() == 1


def test_a_large_pack_takes_two_people_and_a_withdrawal_one(people: dict[str, int], boss: Access) -> None:
    brand.write(making.SECOND_FROM, 5)
    says(people["eve"], False)
    chosen = Wanted(use="seed", recipient=" Tencent  Ads ", segment_id=Segment.objects.get().pk)
    assert isinstance(making.ask(wanted=chosen, reason="autumn", access=boss), Job), "four could stand in it"
    says(people["eve"], True)
    asked = making.ask(wanted=chosen, reason="autumn", access=boss)
    assert isinstance(asked, Approval)
    assert asked.params["members"] == 5
    assert making.ask(wanted=chosen, reason="autumn", access=boss) == asked, "the same question is asked once"
    with pytest.raises(approvals.OwnApproval):
        approvals.decide(approval_id=asked.pk, user_id=boss.user_id or 0, is_agreed=True)
    assert Pack.objects.count() == 1

    other = User.objects.exclude(pk=boss.user_id).earliest("pk")
    approvals.decide(approval_id=asked.pk, user_id=other.pk, is_agreed=True)
    pack = Pack.objects.latest("pk")
    assert (pack.by_id, pack.recipient) == (boss.user_id, "Tencent Ads")
    jobs.run(job_id=pack.job_id)
    pack.refresh_from_db()
    assert pack.members == 5
    back = Wanted(use="withdraw", recipient="Tencent Ads")
    assert isinstance(making.ask(wanted=back, reason="autumn", access=boss), Job)


def test_what_is_asked_for_wrongly_and_who_may_not_ask(people: dict[str, int], boss: Access) -> None:
    with pytest.raises(ValidationFailed) as wrong:
        making.ask(wanted=Wanted(use="fun", recipient="x", ids="card"), reason="", access=boss)
    pointers = [error["pointer"] for error in wrong.value.facts["errors"]]  # type: ignore[attr-defined]
    assert pointers == ["/use", "/ids", "/recipient", "/reason", "/source"]
    with pytest.raises(Forbidden):
        making.ask(
            wanted=Wanted(use="seed", recipient="Ads", days=7), reason="autumn", access=Access(role=Role.ANALYST)
        )
    assert (Pack.objects.count(), Job.objects.filter(kind="segments.pack").count()) == (0, 0)


def test_the_page_asks_and_keeps_what_was_typed(people: dict[str, int], boss: Access) -> None:
    client = Client()
    world.enter(client, User.objects.get(pk=boss.user_id))
    typed = {"use": "seed", "ids": "phone", "source": "buyers", "days": "900", "recipient": "Ads", "reason": "autumn"}
    wrong = client.post("/console/segments/packs/", typed)
    assert (wrong.status_code, wrong.context["typed"]["days"], list(wrong.context["errors"])) == (
        422,
        "900",
        ["source"],
    )
    right = client.post("/console/segments/packs/", typed | {"source": "chosen"})
    assert right.status_code == 302
    page = client.get("/console/segments/packs/?segment=chosen")
    assert (page.context["typed"]["source"], page.context["allowing"], len(page.context["packs"])) == ("chosen", 5, 1)
