"""T-P3: the copy of a member's data holds every table, for programs and for people; sealed, fetched once, within a day."""

import html
import io
import json
import zipfile
from datetime import timedelta
from typing import Any

import pytest
from django.db import models
from django.utils import translation

from apps.core import clock as house_clock
from apps.core import holdings, jobs, tokens
from apps.core.models import AuditEntry, Job, User
from apps.flows import export, privacy
from apps.flows.errors import ExportNotThere
from apps.flows.models import PrivacyRequest
from apps.members import services as members
from apps.members.models import Member
from tests.flows.rows import Rows

CANARY = "kanarienvogel"
NOON = house_clock.day_start(house_clock.local_date(house_clock.now())) + timedelta(hours=12)
THERE_ALREADY = {"members.Member", "members.MemberKey", "members.Identity", "segments.Newcomer", "core.User"}


@pytest.fixture
def member(db: None) -> Member:
    member_id = members.register(source="portal", nickname="林溪", phone="17000000011")
    user = User.objects.create_user("member-1")
    Member.objects.filter(pk=member_id).update(user=user)
    return Member.objects.get(pk=member_id)


def made(member: Member) -> PrivacyRequest:
    """Ask and let the worker do it."""
    job_id = privacy.request_export(member_id=member.pk)
    jobs.run(job_id=job_id)
    assert Job.objects.get(pk=job_id).state == Job.State.DONE, Job.objects.get(pk=job_id).error
    return PrivacyRequest.objects.get(job_id=job_id)


def fetched(member: Member) -> tuple[dict[str, Any], str]:
    family = tokens.open_family(user_id=member.user_id, client="portal")
    tokens.step_up(family_id=family.family_id)
    file = privacy.take_export(member_id=member.pk, family_id=family.family_id)
    archive = zipfile.ZipFile(io.BytesIO(file.content))
    assert sorted(archive.namelist())[:2] == ["data.html", "data.json"]
    return json.loads(archive.read("data.json"))["tables"], archive.read("data.html").decode()


def words_of(held: holdings.Holding, row: models.Model) -> dict[str, str]:
    """Exported columns in which free words stand."""
    found = {}
    for name in held.export:
        value = getattr(row, name)
        text = json.dumps(value, default=str)
        if CANARY in text:
            found[name] = text[text.index(CANARY) :].split('"')[0]
    return found


def test_a_word_in_every_table_that_leads_to_the_member_stands_in_both_files(member: Member):
    rows = Rows(member, CANARY)
    expected = {
        held.model: words_of(held, rows.add(held)) for held in holdings.holdings() if held.model not in THERE_ALREADY
    }
    member.refresh_from_db()

    made(member)
    tables, page = fetched(member)

    declared = {held.model for held in holdings.holdings() if held.export}
    assert declared - tables.keys() == set()
    text = json.dumps(tables, ensure_ascii=False)
    lost = [
        (label, name)
        for label, words in expected.items()
        for name, word in words.items()
        if word not in text or word not in page
    ]
    assert lost == []
    assert len([words for words in expected.values() if words]) >= 6, (
        "hardly a word was planted: the test proves nothing"
    )


def test_the_member_reads_the_whole_phone_and_nobody_elses(member: Member):
    members.register(source="portal", nickname="周舟", phone="17000000012")
    made(member)
    tables, page = fetched(member)

    assert [row["value"] for row in tables["members.Identity"]] == ["+8617000000011"]
    assert tables["members.Member"][0]["nickname"] == "林溪"
    assert "+8617000000011" in page
    assert "17000000012" not in json.dumps(tables) + page
    assert "周舟" not in json.dumps(tables, ensure_ascii=False) + page


@pytest.mark.parametrize(
    ("language", "said", "unsaid"),
    [("en", ("Your profile", "Members' pages"), "您的资料"), ("zh-hans", ("您的资料", "会员页面"), "Your profile")],
)
def test_the_page_speaks_the_language_of_the_moment(member: Member, language: str, said: tuple[str, ...], unsaid: str):
    with translation.override(language):
        made(member)
    _tables, page = fetched(member)

    page = html.unescape(page)
    assert f'lang="{"zh-Hans" if language == "zh-hans" else "en"}"' in page
    assert [word for word in said if word not in page] == []
    assert unsaid not in page
    assert ">portal<" not in page


def test_asking_again_while_the_file_is_made_starts_nothing_new(member: Member):
    first = privacy.request_export(member_id=member.pk)

    assert privacy.request_export(member_id=member.pk) == first
    assert PrivacyRequest.objects.count() == Job.objects.count() == 1


def test_the_stored_file_is_sealed(member: Member):
    wish = made(member)

    assert wish.state == "ready"
    assert bytes(wish.sealed or b"")[:3] != b"PK"
    assert b"17000000011" not in bytes(wish.sealed or b"")


def test_the_file_is_fetched_once(member: Member):
    made(member)
    fetched(member)

    with pytest.raises(ExportNotThere):
        fetched(member)
    wish = PrivacyRequest.objects.get()
    assert (wish.state, wish.sealed) == ("taken", None)
    assert AuditEntry.objects.filter(action="privacy.export_taken", object_id=str(member.pk)).count() == 1


def test_a_file_of_yesterday_is_gone(member: Member, clock):
    clock(NOON)
    made(member)
    clock(NOON + timedelta(hours=24))

    with pytest.raises(ExportNotThere):
        fetched(member)
    assert PrivacyRequest.objects.get().sealed is not None
    state = privacy.export_of(member.pk)
    assert state is not None
    assert (state.state, state.expires_at) == ("expired", None)

    assert export.expire() == 1
    wish = PrivacyRequest.objects.get()
    assert (wish.state, wish.sealed) == ("expired", None)


def test_another_member_cannot_fetch_it(member: Member):
    made(member)
    other_id = members.register(source="portal")
    other_user = User.objects.create_user("member-2")
    Member.objects.filter(pk=other_id).update(user=other_user)

    with pytest.raises(ExportNotThere):
        fetched(Member.objects.get(pk=other_id))
    assert PrivacyRequest.objects.get().state == "ready"
