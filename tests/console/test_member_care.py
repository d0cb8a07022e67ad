"""Pages around members: tags, fields, data quality, duplicates, files in and out."""

import csv
import json
import stat
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from apps.analytics import exports, quality
from apps.analytics.lists import members as listed
from apps.console import sources
from apps.core import ids, jobs
from apps.core.models import AuditEntry, Job
from apps.members import attributes, duplicates, fields, states, tag_lists, tagging
from apps.members import services as members
from apps.members.models import Attribute, Doubt, Member, MemberTag, Tag
from apps.stores.models import Role, Staff
from tests.console.world import House

NOON = datetime(2026, 11, 22, 4, 0, tzinfo=UTC)
pytestmark = pytest.mark.django_db


def tags(house: House, where: str = "mine") -> list[str]:
    return Member.objects.get(pk=house.members[where].pk).tags


def test_groups_and_tags_are_added_renamed_and_dissolved(at, house: House):
    client, page = at(Role.MARKETER), reverse("console:tags")
    client.post(page, {"what": "group", "name": "尺码", "is_exclusive": "on"})
    group = tag_lists.groups()[0][0]
    client.post(page, {"what": "tag", "name": "大", "group": ids.encode("tgr", group.pk)})
    taken = client.post(page, {"what": "tag", "name": "大"}, follow=True)
    tag = Tag.objects.get()
    client.post(
        reverse("console:tag", args=[ids.encode("tag", tag.pk)]), {"name": "大号", "group": ids.encode("tgr", group.pk)}
    )

    assert (group.name, group.is_exclusive) == ("尺码", True)
    assert "大号" in client.get(page).content.decode()
    assert "c-note bad" in taken.content.decode()
    client.post(reverse("console:tag_group", args=[ids.encode("tgr", group.pk)]), {"do": "remove", "name": "x"})
    assert list(Tag.objects.values_list("name", "group")) == [("大号", None)]


def test_a_tag_that_a_policy_asks_for_keeps_its_name(at, house: House):
    tag = tag_lists.add_tag(name="咖啡")
    house.policy.draft = {
        **house.policy.draft,
        "audience": {"all": [{"field": "tags", "op": "any_of", "value": ["咖啡"]}]},
    }
    house.policy.save()
    page = reverse("console:tag", args=[ids.encode("tag", tag)])
    answer = at().post(page, {"do": "remove"}, follow=True)

    assert house.policy.name in answer.content.decode()
    assert Tag.objects.filter(name="咖啡").exists()


def test_a_tag_on_very_many_members_goes_only_with_its_name_written(at, house: House, monkeypatch):
    tag = tag_lists.add_tag(name="咖啡")
    crowd = [members.register(source="test") for _ in range(101)]
    tagging.give(member_ids=crowd, tag_ids=[tag], source="manual")
    page = reverse("console:tag", args=[ids.encode("tag", tag)])
    at().post(page, {"do": "remove", "sure": "茶"})
    assert Tag.objects.filter(pk=tag).exists()
    at().post(page, {"do": "remove", "sure": "咖啡"})
    assert Tag.objects.filter(pk=tag).exists() is False


def test_a_clerk_gives_takes_and_undoes_a_tag_on_the_member(at, house: House):
    client = at(Role.CLERK)
    page = reverse("console:member_tags", args=[house.member_id("mine")])
    given = client.post(page, {"do": "give", "tag": "爱茶", "expires_on": "2026-12-31"}, headers={"HX-Request": "true"})

    row = MemberTag.objects.get()
    assert (row.source, row.given_by, row.expires_on) == (
        "manual",
        f"user:{house.users[Role.CLERK].pk}",
        date(2026, 12, 31),
    )
    assert "2026年12月31日" in given.content.decode()
    undo = reverse("console:tags_undo", args=[ids.encode("act", row.act_id)])
    assert at(Role.ADMIN).post(undo).status_code == 404
    client.post(undo)
    assert tags(house) == []

    late = client.post(page, {"do": "give", "tag": "爱茶", "expires_on": "2020-01-01"}, headers={"HX-Request": "true"})
    assert ("c-note bad" in late.content.decode(), tags(house)) == (True, [])


def test_a_tag_for_many_may_have_a_last_day_which_is_not_over(at, house: House):
    tag_lists.add_tag(name="爱茶")
    page, body = reverse("console:members_tag"), {"do": "give", "tag": "爱茶", "member": [house.member_id("mine")]}
    for scope in ("chosen", "all"):
        at().post(page, {**body, "scope": scope, "expires_on": "2026-11-21"})
        assert (MemberTag.objects.count(), Job.objects.filter(kind="members.tag_list").count()) == (0, 0)

    at().post(page, {**body, "expires_on": "2026-12-31"})
    at().post(page, {**body, "scope": "all", "expires_on": "2026-12-24"})
    jobs.run(job_id=Job.objects.get(kind="members.tag_list").pk)

    assert set(MemberTag.objects.values_list("expires_on", flat=True)) == {date(2026, 12, 24)}
    assert MemberTag.objects.count() == 3
    assert tagging.expire(today=date(2026, 12, 25)) == 3
    assert tags(house) == []


def test_ticked_members_get_a_tag_those_of_other_stores_do_not(at, house: House):
    tag_lists.add_tag(name="爱茶")
    both = [house.member_id("mine"), house.member_id("far")]
    answer = at(Role.MANAGER).post(
        reverse("console:members_tag"), {"do": "give", "tag": "爱茶", "member": both}, follow=True
    )

    assert (tags(house), tags(house, "far")) == (["爱茶"], [])
    assert "/console/tags/undo/" in answer.content.decode()
    too_many = {"do": "give", "tag": "爱茶", "member": [ids.encode("mem", n) for n in range(1, 203)]}
    at().post(reverse("console:members_tag"), too_many)
    assert tags(house, "far") == []


def test_a_whole_list_gets_a_tag_by_job_within_the_reach_and_can_be_undone(at, house: House):
    tag_lists.add_tag(name="爱茶")
    client = at(Role.REGION_MANAGER)
    answer = client.post(
        f"{reverse('console:members_tag')}?stage=lapsing", {"do": "give", "tag": "爱茶", "scope": "all"}
    )
    job = Job.objects.get(kind="members.tag_list")
    jobs.run(job_id=job.pk)

    assert [tags(house, where) for where in ("mine", "near", "far")] == [["爱茶"], ["爱茶"], []]
    page = client.get(answer["Location"]).content.decode()
    undo = reverse("console:tags_undo", args=[ids.encode("act", Job.objects.get(pk=job.pk).result["act_id"])])
    assert undo in page
    client.post(undo)
    assert tags(house) == []
    assert at(Role.MANAGER).get(answer["Location"]).status_code == 404


def test_fields_are_defined_filled_in_and_filtered_by(at, house: House):
    client = at()
    made = client.post(
        reverse("console:fields"),
        {
            "label": "尺码",
            "key": "size",
            "type": "choice",
            "choices": "大\n小",
            "is_shown": "on",
            "is_searchable": "on",
        },
    )
    wrong = client.post(
        reverse("console:fields"), {"label": "尺码", "key": "Size 2", "type": "choice", "choices": "大"}
    )
    fields.define(key="shoes", label="鞋码", type="number")
    page = reverse("console:member_fields", args=[house.member_id("mine")])
    bad = client.post(page, {"f_size": "大", "f_shoes": "四十"}, headers={"HX-Request": "true"}).content.decode()

    assert (made.status_code, wrong.status_code) == (302, 422)
    assert 'value="四十"' in bad
    assert Member.objects.get(pk=house.members["mine"].pk).attributes == {}
    client.post(page, {"f_size": "大", "f_shoes": "41.5"})
    assert Member.objects.get(pk=house.members["mine"].pk).attributes == {"size": "大", "shoes": 41.5}
    rows = client.get(reverse("console:members"), {"field": "size=大"}).context["rows"]
    assert [row["member_no"] for row in rows] == ["NO-mine"]
    line = AuditEntry.objects.get(action="member.fields_changed")
    assert line.after == {"keys": ["shoes", "size"]}


def test_a_field_with_values_keeps_its_type_and_can_be_retired(at, house: House):
    key = fields.define(key="shoes", label="鞋码", type="number")
    attributes.set_attributes(member_id=house.members["mine"].pk, values={"shoes": 41})
    page = reverse("console:field", args=[ids.encode("fld", key)])
    refused = at().post(page, {"label": "鞋码", "type": "text", "is_shown": "on"})
    at().post(page, {"do": "retire"})

    assert refused.status_code == 422
    assert (Attribute.objects.get().type, Attribute.objects.get().retired_at) == ("number", NOON)
    assert "41" in at().get(reverse("console:member", args=[house.member_id("mine")])).content.decode()


def test_each_figure_of_data_quality_opens_as_many_rows(at, house: House):
    members.register(source="test", nickname="无号", home_store_id=house.stores["mine"].pk)
    started = at(Role.ANALYST).post(reverse("console:quality_measure"))
    again = at().post(reverse("console:quality_measure"))
    assert (
        at(Role.ANALYST).get(reverse("console:quality")).context["at_work"] == started["Location"] == again["Location"]
    )
    jobs.run(job_id=Job.objects.get(kind=quality.KIND).pk)
    done = at(Role.ANALYST).get(started["Location"])
    assert (done.context["progress"].done, done.context["result_at"]) == (4, reverse("console:quality"))
    assert at(Role.MARKETER).get(started["Location"]).status_code == 404
    page = at().get(reverse("console:quality"))

    shown = {row["title"]: row for _title, rows in page.context["kinds"] for row in rows}
    for row in shown.values():
        assert len(at().get(row["href"]).context["rows"]) == row["count"]
    assert sum(row["count"] for row in shown.values()) == page.context["trend"].points[-1].value
    mine = at(Role.MANAGER).get(reverse("console:quality")).context["counted"]
    assert (page.context["counted"].members, mine.members, mine.figures["no_phone"]) == (4, 2, 1)


def test_pairs_stand_side_by_side_and_two_people_are_remembered(at, house: House):
    for where in ("mine", "near"):
        Member.objects.filter(pk=house.members[where].pk).update(nickname="林若溪", birth_month=3, birth_day=8)
    started = at().post(reverse("console:duplicates_search"))
    jobs.run(job_id=Job.objects.get(kind=duplicates.KIND).pk)
    assert [count for _label, count in at().get(started["Location"]).context["figures"]] == [1, 0]
    doubt = reverse("console:duplicate_apart", args=[ids.encode("dbt", Doubt.objects.get().pk)])
    page = at(Role.REGION_MANAGER).get(reverse("console:duplicates"))

    assert [pair["score"] for pair in page.context["pairs"]] == [55]
    assert page.context["searched_at"] == NOON
    compare = reverse("console:merge_preview", args=[house.member_id("mine"), house.member_id("near")])
    assert compare in page.content.decode()
    assert at(Role.REGION_MANAGER).get(compare).status_code == 200
    assert "19900000001" not in page.content.decode()
    assert at(Role.MANAGER).get(reverse("console:duplicates")).context["pairs"] == []
    assert at(Role.MANAGER).post(doubt).status_code == 404
    at(Role.REGION_MANAGER).post(doubt)
    assert Doubt.objects.get().state == "apart"


def test_a_file_of_members_is_rehearsed_and_taken_in(at, house: House):
    file = SimpleUploadedFile("会员 1.csv", "member_no,nickname,opening_points\nV1,林若溪,100\nV2,,x\n".encode())
    started = at().post(reverse("console:member_imports"), {"file": file, "mode": "dry", "source": "old"})
    job = Job.objects.get(kind="members.import")
    jobs.run(job_id=job.pk)
    page = at().get(started["Location"])

    assert (
        (dict(page.context["figures"])["新会员" if "新会员" in dict(page.context["figures"]) else "New members"]) == 1
    )
    assert Member.objects.filter(member_no="V1").exists() is False
    at().post(page.context["live_url"])
    jobs.run(job_id=Job.objects.filter(kind="members.import").latest("id").pk)
    assert Member.objects.get(member_no="V1").nickname == "林若溪"
    rejected = at().get(page.context["bad_url"])
    assert "number_unreadable" in b"".join(rejected.streaming_content).decode()


def exported(client: Client, body: dict, query: str = "") -> tuple[Job, list[dict]]:
    client.post(f"{reverse('console:member_exports')}{query}", body)
    job = Job.objects.filter(kind=exports.KIND).latest("id")
    jobs.run(job_id=job.pk)
    job.refresh_from_db()
    path = jobs.result_path(job.result_file)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    with path.open(encoding="utf-8-sig", newline="") as file:
        return job, list(csv.DictReader(file))


def test_an_export_is_masked_and_holds_what_the_list_shows(at, house: House):
    Member.objects.filter(pk=house.members["mine"].pk).update(
        nickname="=1+1", birth_year=1990, birth_month=3, birth_day=8
    )
    job, rows = exported(at(Role.REGION_MANAGER), {"what": "masked"}, "?stage=lapsing")

    assert [row["member_no"] for row in rows] == ["NO-mine", "NO-near"]
    assert (rows[0]["nickname"], rows[0]["phone"], rows[0]["birthday"], rows[0]["net_total"]) == (
        "'=1*", "199****0001", "03-08", "100.00",
    )  # fmt: skip
    line = AuditEntry.objects.get(action="members.exported")
    assert line.after == {"filters": {"stage": "lapsing"}, "is_full": False}
    fetch = reverse("console:work_file", args=[jobs.public_id(job)])
    history = at(Role.REGION_MANAGER).get(reverse("console:member_exports")).content.decode()
    assert "脱敏 · 2</span>" in history
    assert at(Role.MANAGER).get(fetch).status_code == 404
    assert at(Role.REGION_MANAGER).get(fetch).status_code == 200
    assert AuditEntry.objects.filter(action="members.export_fetched").count() == 1


def test_whole_numbers_need_the_right_and_a_reason(at, house: House):
    page = reverse("console:member_exports")
    assert at(Role.ADMIN).post(page, {"what": "full", "reason": " "}).status_code == 422
    assert at(Role.MARKETER).post(page, {"what": "full", "reason": "print cards"}).status_code == 403
    assert Job.objects.filter(kind=exports.KIND).exists() is False

    _job, rows = exported(at(Role.ADMIN), {"what": "full", "reason": "print cards"})
    assert (rows[0]["phone"], rows[0]["nickname"]) == ("19900000001", "沈mine")
    assert AuditEntry.objects.get(action="members.exported").after["reason"] == "print cards"


def test_a_right_taken_away_before_the_job_runs_is_gone(at, house: House):
    at(Role.ADMIN).post(reverse("console:member_exports"), {"what": "full", "reason": "print cards"})
    house.users[Role.ADMIN].staff.role = Role.CLERK
    house.users[Role.ADMIN].staff.save()
    job = Job.objects.filter(kind=exports.KIND).latest("id")
    jobs.run(job_id=job.pk)
    job.refresh_from_db()

    assert (job.state, job.error_code, job.result_file) == ("failed", "forbidden", "")


def test_an_export_goes_after_three_days(at, house: House, clock):
    job, _rows = exported(at(), {"what": "masked"})
    path: Path = jobs.result_path(job.result_file)
    clock(NOON + timedelta(days=3, seconds=1))

    assert at().get(reverse("console:work_file", args=[jobs.public_id(job)])).status_code == 404
    assert (exports.purge(), path.exists(), exports.purge()) == (1, False, 0)


def test_filters_of_a_list_survive_the_way_through_a_job():
    asked = {"stage": "lost", "tag": "爱茶", "check": "no_phone", "joined_first": date(2026, 1, 1), "status": "frozen"}
    asked |= {"source": "code:7hKq2mA", "fields": ("size=大", "dog=yes")}
    wanted = listed.Wanted(stores=[1], **asked)

    stored = json.loads(json.dumps(wanted.params()))
    assert listed.Wanted.of_params(stored, stores=[2]) == listed.Wanted(stores=[2], **asked)
    assert stored.keys() == asked.keys(), "and not the reach"
    assert quality.CHECKS.keys() >= {"no_phone"}


def test_the_list_is_narrowed_by_source_state_and_several_fields_at_once(at, house: House):
    for key, label in (("size", "尺码"), ("drink", "饮品")):
        fields.define(key=key, label=label, type="choice", choices=["大", "小"], is_searchable=True)
    for where, size, drink in (("mine", "大", "小"), ("near", "大", "大")):
        attributes.set_attributes(member_id=house.members[where].pk, values={"size": size, "drink": drink})
    Member.objects.filter(pk=house.members["far"].pk).update(source="code:codefar")
    Member.objects.filter(pk=house.members["near"].pk).update(source="codebook")
    states.freeze(member_id=house.members["mine"].pk, cause="risk", reason="odd orders")

    def listed_by(query: str) -> set[str]:
        rows = at().get(f"{reverse('console:members')}?{query}").context["rows"]
        return {row["member_no"] for row in rows}

    assert listed_by("field=size%3D大&field=drink%3D大") == {"NO-near"}
    assert listed_by("field=size%3D大&field=") == {"NO-mine", "NO-near"}
    assert listed_by("source=code") == listed_by("source=code:codefar") == {"NO-far"}
    assert listed_by("source=%25") == listed_by("source=cod_") == set()
    assert listed_by("status=frozen") == {"NO-mine"}
    assert listed_by("status=merged") == {"NO-mine", "NO-near", "NO-far"}, "no such choice"


def test_the_members_page_says_in_words_where_somebody_came_from(at, house: House):
    Member.objects.filter(pk=house.members["mine"].pk).update(source="code:codemine")
    Member.objects.filter(pk=house.members["near"].pk).update(source=f"store:{house.stores['near'].pk}")

    def origin(where: str, role: str = Role.ADMIN) -> sources.Origin:
        return at(role).get(reverse("console:member", args=[house.member_id(where)])).context["origin"]

    mine = origin("mine")
    assert (mine.text, mine.url) == ("海报mine", reverse("console:code", args=["codemine"]))
    assert "武康路店" in mine.details
    assert origin("mine", Role.AGENT).url == "", "agents open no codes"
    assert origin("near").details == ("静安店",)
    assert origin("far").text == "test"


def test_work_that_waits_is_refused_once_its_owner_is_out(house: House, tmp_path: Path):
    """T-S5: an export, a tag for a list and files are queued when the card is taken away."""
    tag_id = tag_lists.add_tag(name="爱茶")
    path = tmp_path / "file.csv"
    path.write_text("order_no,member_no,paid_at,total\nO-9,V1,2026-01-01,10\n")
    user_id, file = house.users[Role.ADMIN].pk, {"path": str(path), "file_name": "file.csv"}
    wanted = {"wanted": {}, "about": 3}
    queued = [
        jobs.start(kind=kind, params=params, user_id=user_id).pk
        for kind, params in {
            "members.export": {**wanted, "is_full": True},
            "members.tag_list": {**wanted, "what": "give", "tag_id": tag_id, "tag": "爱茶"},
            "members.import": file,
            "orders.import": file,
        }.items()
    ]

    Staff.objects.filter(user=user_id).update(is_active=False)
    for job_id in queued:
        jobs.run(job_id=job_id)

    ended = Job.objects.filter(pk__in=queued).values_list("state", "error_code", "result_file")
    assert set(ended) == {("failed", "forbidden", "")}
    assert not MemberTag.objects.exists()
    assert not Member.objects.filter(member_no="V1").exists()
