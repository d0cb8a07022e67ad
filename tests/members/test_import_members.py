"""A file of members: found by number or phone, empty cells change nothing, the same file again changes nothing."""

import csv
import gzip
import io
import json
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from django.core.management import call_command

from apps.core.models import AuditEntry
from apps.members import departures, fields, selectors, tag_lists
from apps.members import services as members
from apps.members.imports import merging
from apps.members.imports import run as run_module
from apps.members.models import (
    Consent,
    ConsentNow,
    Departure,
    Identity,
    Member,
    MemberImport,
    MemberKey,
    MemberTag,
    Opening,
    Tag,
)  # fmt: skip
from apps.stores.models import Store
from tests.workbooks_made import DAY, workbook

pytestmark = pytest.mark.django_db
TABLES = (Member, Identity, MemberKey, Consent, ConsentNow, MemberTag, Tag, Opening)
FULL = (
    "member_no,phone,nickname,gender,birthday,store,joined_at,tags,field_size,consent_marketing_sms,consent_source,"
    "opening_points,opening_points_expire_on,tier,growth,coupons\n"
    "V1,170-0000-0001,林若溪,女,1990-03-08,S1,2024-05-01,常客;养猫,大,yes 2024-05-01,旧系统,\"1,280\",2027-03-31,金卡,3200,"
    "满200减30:2；生日券x1\n"
    "V2,,周周,m,11-22,,2024/6/2,,,no 2025-01-01,,,,,,\n"
    ",17000000003,沈悦,,,,,,,,,,,,,\n"
)  # fmt: skip


@pytest.fixture(autouse=True)
def _house() -> None:
    Store.objects.create(code="S1", name="武康路店")
    fields.define(key="size", label="尺码", type="choice", choices=["大", "小"])


def take(folder: Path, content: str | bytes, *options: str) -> dict:
    path = folder / "members.csv"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    said = io.StringIO()
    call_command("import_members", str(path), "--json", *options, stdout=said)
    return json.loads(said.getvalue())


def refused(folder: Path, content: str | bytes) -> str:
    path, said = folder / "members.csv", io.StringIO()
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(SystemExit):
        call_command("import_members", str(path), "--json", stdout=said)
    return json.loads(said.getvalue())["code"]


def rejected(result: dict) -> list[tuple[str, str, str]]:
    if not result["rejected_file"]:
        return []
    with open(result["rejected_file"], encoding="utf-8-sig", newline="") as file:
        return [(row[0], row[1], row[2]) for row in list(csv.reader(file))[1:]]


def everything() -> list[list[tuple]]:
    return [sorted(table.objects.values_list(), key=str) for table in TABLES]


def figures(result: dict, *names: str) -> tuple:
    return tuple(result[name] for name in names)


def test_members_come_with_all_they_had(tmp_path):
    result = take(tmp_path, FULL, "--source", "oldcrm")

    assert figures(result, "rows", "members_added", "members_known", "rejected") == (3, 3, 0, 0)
    assert figures(result, "phones_added", "tags_given", "consents_added", "openings_added") == (2, 2, 2, 5)
    one = Member.objects.get(member_no="V1")
    assert (one.nickname, one.gender, one.birth_year, one.birth_day, one.home_store.code) == (
        "林若溪",
        "f",
        1990,
        8,
        "S1",
    )
    assert (one.joined_at, one.source, one.tags) == (datetime(2024, 4, 30, 16, tzinfo=UTC), "oldcrm", ["养猫", "常客"])
    assert one.attributes == {"size": "大"}
    assert selectors.phones([one.pk]) == {one.pk: "+8617000000001"}
    assert set(MemberTag.objects.values_list("source", "given_by")) == {("import", "cli")}
    statement = Consent.objects.get(member=one)
    assert (statement.purpose, statement.channel, statement.is_granted, statement.source, statement.text_version) == (
        "marketing", "sms", True, "旧系统", "import:oldcrm",
    )  # fmt: skip
    assert statement.at == datetime(2024, 4, 30, 16, tzinfo=UTC)
    openings = Opening.objects.filter(member=one).order_by("kind", "key")
    assert list(openings.values_list("kind", "key", "amount", "expires_on", "source", "line", "taken_at")) == [
        ("coupon", "满200减30", 2, None, "oldcrm", 2, None), ("coupon", "生日券", 1, None, "oldcrm", 2, None),
        ("growth", "", 3200, None, "oldcrm", 2, None), ("points", "", 1280, date(2027, 3, 31), "oldcrm", 2, None),
        ("tier", "金卡", 0, None, "oldcrm", 2, None),
    ]  # fmt: skip
    two = Member.objects.get(member_no="V2")
    assert (two.birth_year, two.birth_month, two.birth_day) == (None, 11, 22)
    assert Member.objects.get(nickname="沈悦").member_no.startswith("M")
    assert AuditEntry.objects.get(action="members.imported").after == {
        "rows": 3,
        "rejected": 0,
        "added": 3,
        "changed": 0,
    }


def test_the_same_file_again_changes_nothing(tmp_path):
    take(tmp_path, FULL, "--source", "oldcrm")
    before = everything()
    again = take(tmp_path, FULL, "--source", "oldcrm")

    assert everything() == before
    assert figures(again, "members_added", "members_known", "members_changed", "openings_added") == (0, 3, 0, 0)
    assert figures(again, "phones_added", "tags_given", "consents_added") == (0, 0, 0)


def test_a_rehearsal_counts_what_the_real_run_then_does_and_writes_nothing(tmp_path):
    members.register(source="test", member_no="V2", nickname="旧名")
    before = everything()
    rehearsed = take(tmp_path, FULL, "--dry-run")

    assert everything() == before
    assert (MemberImport.objects.count(), rehearsed["dry_run"]) == (0, True)
    real = take(tmp_path, FULL)
    names = ("rows", "members_added", "members_known", "members_changed", "rejected")
    assert figures(rehearsed, *names) == figures(real, *names) == (3, 2, 1, 1, 0)


def test_a_member_is_found_by_number_or_by_phone_and_empty_cells_change_nothing(tmp_path):
    key = members.register(
        source="shop", member_no="V1", nickname="旧名", phone="17000000001", birthday=date(1990, 3, 8)
    )
    result = take(tmp_path, "phone,nickname,birthday,field_size\n17000000001,新名,,大\n")

    assert figures(result, "members_known", "members_changed", "members_added") == (1, 1, 0)
    member = Member.objects.get()
    assert (member.pk, member.nickname, member.birth_year, member.source) == (key, "新名", 1990, "shop")
    assert member.attributes == {"size": "大"}


def test_a_number_that_was_merged_means_the_record_that_counts(tmp_path):
    survivor = members.register(source="test", member_no="V1")
    alias = members.register(source="test", member_no="V9")
    Member.objects.filter(pk=alias).update(merged_into_id=survivor, status="merged")
    take(tmp_path, "member_no,nickname\nV9,新名\n")

    assert list(Member.objects.order_by("id").values_list("nickname", flat=True)) == ["新名", ""]


def test_bad_rows_come_back_with_line_column_and_code_and_the_good_ones_go_in(tmp_path):
    members.register(source="test", member_no="OLD", phone="17000000009")
    gone = members.register(source="test", member_no="GONE")
    Member.objects.filter(pk=gone).update(status="cancelled")
    group = tag_lists.add_group(name="尺码", is_exclusive=True)
    for name in ("L", "M"):
        tag_lists.add_tag(name=name, group_id=group)
    header = "member_no,phone,gender,birthday,store,tags,field_size,consent_care_sms,growth,coupons,joined_at\n"
    rows = [
        "A1,12345,,,,,,,,,",
        "A2,17000000009,,,,,,,,,",
        "A3,,alien,,,,,,,,",
        "A4,,,1990-02-30,,,,,,,",
        "A5,,,1890-01-01,,,,,,,",
        "A6,,,gestern,,,,,,,",
        "A7,,,,S9,,,,,,",
        "A8,,,,,L;M,,,,,",
        "A9,,,,,,XXL,,,,",
        "B1,,,,,,,yes,,,",
        "B2,,,,,,,perhaps 2025-01-01,,,",
        "B3,,,,,,,,-5,,",
        "B4,,,,,,,,,生日券,",
        "B5,,,,,,,,,,2099-01-01",
        ",,f,,,,,,,,",
        "GOOD,17000000010,,,,,,,,,",
        "GOOD,,,,,,,,,,",
        "C1,170 0000 0010,,,,,,,,,",
        "GONE,,f,,,,,,,,",
        "D1,,,",
    ]
    result = take(tmp_path, header + "\n".join(rows) + "\n")

    assert rejected(result) == [
        ("2", "phone", "phone_invalid"), ("3", "phone", "phone_taken"), ("4", "gender", "gender_unreadable"),
        ("5", "birthday", "day_impossible"), ("6", "birthday", "day_impossible"), ("7", "birthday", "day_unreadable"),
        ("8", "store", "store_unknown"), ("9", "tags", "tags_exclude"), ("10", "field_size", "field_unusable"),
        ("11", "consent_care_sms", "consent_unreadable"), ("12", "consent_care_sms", "consent_unreadable"),
        ("13", "growth", "number_unreadable"), ("14", "coupons", "coupons_unreadable"),
        ("15", "joined_at", "day_impossible"), ("16", "member_no", "key_missing"), ("18", "member_no", "row_repeated"),
        ("19", "phone", "row_repeated"), ("20", "member_no", "member_left"), ("21", "", "column_count"),
    ]  # fmt: skip
    assert set(Member.objects.values_list("member_no", flat=True)) == {"OLD", "GONE", "GOOD"}
    assert figures(result, "rows", "members_added", "rejected") == (20, 1, 19)


def test_an_opening_value_comes_once_per_source_and_a_different_one_is_refused(tmp_path):
    take(tmp_path, "member_no,opening_points\nV1,100\n", "--source", "old")
    differs = take(tmp_path, "member_no,opening_points\nV1,250\n", "--source", "old")
    take(tmp_path, "member_no,opening_points\nV1,40\n", "--source", "other")

    assert rejected(differs) == [("2", "opening_points", "opening_differs")]
    assert list(Opening.objects.order_by("id").values_list("source", "amount")) == [("old", 100), ("other", 40)]


def test_an_import_that_broke_off_goes_on_where_it_stood(tmp_path, monkeypatch):
    monkeypatch.setattr(merging, "CHUNK", 2)
    rows = "".join(f"K{n},1700000{n:04d},{n}\n" for n in range(10))
    seen = []

    def stop_after_two(step) -> None:
        seen.append(step.step)
        if seen.count("merge") == 2:
            raise KeyboardInterrupt

    from_file = tmp_path / "members.csv"
    from_file.write_text("member_no,phone,opening_points\n" + rows)
    with pytest.raises(KeyboardInterrupt):
        merging_run(from_file, stop_after_two)
    half = Member.objects.count()
    whole = take(tmp_path, from_file.read_text())

    assert 0 < half < 10
    assert (Member.objects.count(), Opening.objects.count(), whole["members_added"]) == (10, 10, 10 - half)


def merging_run(path: Path, progress) -> None:
    run_module.run(path=path, rejected_to=lambda: path.with_suffix(".rejected"), progress=progress)


@pytest.mark.parametrize("shape", ["bom", "gb18030", "gzip", "crlf"])
def test_files_of_all_usual_shapes_say_the_same(tmp_path, shape: str):
    text = "Member_No,nickname\nV1,林若溪\n"
    content = {
        "bom": b"\xef\xbb\xbf" + text.encode(), "gb18030": text.encode("gb18030"), "gzip": gzip.compress(text.encode()),
        "crlf": text.replace("\n", "\r\n").encode(),
    }[shape]  # fmt: skip
    take(tmp_path, content)

    assert list(Member.objects.values_list("member_no", "nickname")) == [("V1", "林若溪")]


@pytest.mark.parametrize(
    ("content", "code"),
    [
        ("nickname\n林若溪\n", "key_missing"), ("", "file_empty"), ("member_no\n", "file_empty"),
        (b"PK\x03\x04rest", "workbook_broken"), (b"\xd0\xcf\x11\xe0rest", "file_is_excel"),
        ("a".encode("utf-16") * 9, "encoding_utf16"),
        (gzip.compress(b"member_no\nV1\n" * 99, mtime=0)[:-9], "gzip_broken"), ("member_no,member_no\n1,2\n", "column_twice"),
    ],
)  # fmt: skip
def test_a_file_that_cannot_be_trusted_is_refused_as_a_whole(tmp_path, content: str | bytes, code: str):
    assert refused(tmp_path, content) == code
    assert Member.objects.exists() is False


def test_texts_with_signs_of_sql_and_formulas_stay_texts(tmp_path):
    result = take(tmp_path, 'member_no,nickname,gender\nV1,"\'); drop table x; --%s",f\nV2,"=1+1",x\n')

    assert Member.objects.get().nickname == "'); drop table x; --%s"
    assert rejected(result) == [("3", "gender", "gender_unreadable")]


def gone(**said: str) -> None:
    """Somebody who was here, asked to be erased, and is."""
    member_id = members.register(source="portal", **said)
    members.add_identity(member_id=member_id, kind="card", value="C-77")
    departures.remember(member_id=member_id, was_blocked=False)
    Identity.objects.filter(member_id=member_id).delete()
    Member.objects.filter(pk=member_id).update(member_no=f"erased-{member_id}", nickname="", status="erased")


def test_who_was_erased_does_not_come_back_by_an_old_file(tmp_path):
    gone(member_no="V7", phone="17000000007", nickname="离开的人")

    result = take(
        tmp_path,
        "member_no,phone,nickname\nV7,,离开的人\n,17000000007,离开的人\nC-77,,\nV8,,沈悦\n",
    )

    assert rejected(result) == [
        ("2", "member_no", "person_left"), ("3", "phone", "person_left"), ("4", "member_no", "person_left"),
    ]  # fmt: skip
    assert rejected(take(tmp_path, "member_no,phone\nNEW1,170-0000-0007\n")) == [("2", "phone", "person_left")]
    assert figures(result, "members_added", "phones_added") == (1, 0)
    assert list(Member.objects.exclude(status="erased").values_list("member_no", "nickname")) == [("V8", "沈悦")]
    assert not Identity.objects.exists()


def test_who_registered_again_is_named_by_the_new_number_and_gets_nothing_of_the_old(tmp_path, clock):
    gone(member_no="V7", phone="17000000007")
    again = members.register(source="portal", member_no="N1", phone="17000000007")

    assert rejected(take(tmp_path, "phone,nickname\n17000000007,旧名\n")) == [("2", "phone", "person_left")]
    assert selectors.profile(again).nickname == ""
    assert rejected(take(tmp_path, "member_no,phone,gender\nN1,17000000007,f\n")) == []
    assert selectors.profile(again).gender == "f"

    clock(Departure.objects.get(digest=departures.number_digest("V7")).expires_at)
    assert rejected(take(tmp_path, "member_no,phone,nickname\n,17000000007,林若溪\nV7,,周周\n")) == []
    assert selectors.profile(again).nickname == "林若溪"


def test_one_opening_of_two_merged_records_is_known_under_both_numbers(tmp_path):
    content = "member_no,opening_points\nV1,100\nV2,40\n"
    take(tmp_path, content)
    first, second = (Member.objects.get(member_no=number) for number in ("V1", "V2"))
    Member.objects.filter(pk=second.pk).update(merged_into=first, status="merged")

    again = take(tmp_path, content)

    assert figures(again, "rejected", "openings_added") == (0, 0)
    assert rejected(take(tmp_path, "member_no,opening_points\nV2,77\n")) == [("2", "opening_points", "opening_differs")]


def test_members_come_in_from_a_workbook_too(tmp_path: Path):
    header = [
        "member_no",
        "phone",
        "nickname",
        "birthday",
        "joined_at",
        "field_size",
        "consent_marketing_sms",
        "opening_points",
    ]
    day = (datetime(2024, 5, 1), DAY)  # noqa: DTZ001 - a cell's own day
    row = ["V1", 17000000001, "林若溪", (date(1990, 3, 8), DAY), day, "大", "yes 2024-05-01", (1280, "#,##0")]
    content = workbook([header, row, [2, None, "周周", "11-22", None, "中", None, None]])

    result = take(tmp_path, content)

    assert (result["rows"], result["members_added"], result["rejected"], result["openings_added"]) == (2, 1, 1, 1)
    member = Member.objects.get(member_no="V1")
    assert (member.nickname, member.birth_year, member.birth_month, member.birth_day) == ("林若溪", 1990, 3, 8)
    assert member.attributes == {"size": "大"}
    assert selectors.phones([member.pk]) == {member.pk: "+8617000000001"}
    assert Opening.objects.get().amount == 1280
    again = take(tmp_path, content)
    assert (again["members_known"], again["members_changed"]) == (1, 0)
