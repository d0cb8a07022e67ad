"""Tags, fields, data quality, duplicates, files of members in a real browser: clean on desk and phone in both languages."""

from datetime import timedelta
from pathlib import Path
from threading import Thread

import pytest
from django.db import connection
from playwright.sync_api import expect

from apps.analytics import quality
from apps.core import ids, jobs
from apps.core.models import Job
from apps.members import attributes, duplicates, fields, tag_lists, tagging
from apps.members import services as members
from apps.members.models import Doubt, Member, Tag
from apps.stores.models import Role
from tests.console import world
from tests.console.world import House
from tests.e2e.test_codes import enter  # noqa: F401 - fixture
from tests.e2e.test_console import Open
from tests.e2e.visits import WALKS, is_in_turn, keep

pytestmark = [pytest.mark.e2e, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def house(transactional_db: None, tmp_path: Path) -> House:
    made = world.build()
    _tags(made)
    _fields(made)
    for number in range(8):
        members.register(source="test", nickname=f"客{number}", home_store_id=made.stores["near"].pk)
    for where in ("mine", "near"):
        Member.objects.filter(pk=made.members[where].pk).update(nickname="林若溪", birth_month=3, birth_day=8)
    for days in range(9, -1, -1):
        quality.measure(moment=made.moment - timedelta(days=days))
    duplicates.search()
    _file(made, tmp_path)
    return made


def _tags(house: House) -> None:
    size = tag_lists.add_group(name="尺码", is_exclusive=True)
    taste = tag_lists.add_group(name="口味")
    for name, group in (("大", size), ("中", size), ("小", size), ("爱茶", taste), ("爱咖啡", taste), ("养猫", None)):
        tag_lists.add_tag(name=name, group_id=group)
    chosen = list(Tag.objects.filter(name__in=("大", "爱茶", "养猫")).values_list("pk", flat=True))
    tagging.give(member_ids=[row.pk for row in house.members.values()], tag_ids=chosen, source="wecom")


def _fields(house: House) -> None:
    fields.define(key="family", label="家庭人数", type="number")
    fields.define(key="drink", label="爱喝什么", type="choice", choices=["茶", "咖啡"], is_searchable=True)
    retired = fields.define(key="old", label="旧系统备注", type="text")
    attributes.set_attributes(member_id=house.members["mine"].pk, values={"family": 3, "drink": "茶", "old": "老客"})
    fields.retire(field_id=retired)


def _file(house: House, folder: Path) -> None:
    """A rehearsal with rejected rows."""
    path = folder / "members.csv"
    path.write_text("member_no,nickname,gender,opening_points\nV1,沈悦,f,100\nV2,周周,f,\nV3,何青,外星人,\n")
    params = {"path": str(path), "file_name": "旧系统会员.csv", "dry_run": True, "source": "old"}
    jobs.start(kind="members.import", params=params, user_id=house.users[Role.ADMIN].pk)
    worker = Thread(target=_work, args=(Job.objects.get(kind="members.import").pk,))  # the browser's loop runs in ours
    worker.start()
    worker.join()


def _work(job_id: int) -> None:
    jobs.run(job_id=job_id)
    connection.close()


def pages(house: House) -> dict[str, str]:
    tag = ids.encode("tag", Tag.objects.get(name="大").pk)
    field = ids.encode("fld", attributes.Attribute.objects.get(key="family").pk)
    return {
        "tags": "/console/tags/",
        "tag": f"/console/tags/{tag}/",
        "fields": "/console/fields/",
        "field": f"/console/fields/{field}/",
        "quality": "/console/members/quality/",
        "duplicates": "/console/members/duplicates/",
        "import": "/console/members/imports/",
        "export": "/console/members/exports/?stage=lapsing",
        "work": f"/console/members/work/{jobs.public_id(Job.objects.get(kind='members.import'))}/",
        "members": "/console/members/",
        "member": f"/console/members/{house.member_id('mine')}/",
        "merge": f"/console/members/{house.member_id('mine')}/merge/{house.member_id('near')}/",
    }


@pytest.mark.parametrize(("width", "language", "turns"), WALKS)
def test_pages_are_clean_on_desk_and_phone_in_both_languages(
    enter: Open,  # noqa: F811
    house: House,
    width: int,
    language: str,
    turns: str,
):
    found = enter(Role.ADMIN, width=width, language=language)
    for number, (name, path) in enumerate(pages(house).items()):
        if not is_in_turn(number, turns):
            continue
        found.go(path)
        found.check()
        keep(found.page, name=f"care-{name}-{width}-{language}")


def test_a_tag_is_given_and_undone_and_a_field_filled_in_without_leaving_the_page(enter: Open, house: House):  # noqa: F811
    found = enter(Role.MANAGER)
    page = found.page
    found.go(f"/console/members/{house.member_id('mine')}/")
    page.click("#tags summary")
    page.fill("#give-tag", "小")
    page.click("#tags form.c-form button")
    expect(page.locator("#tags .c-note.ok")).to_be_visible()
    assert Member.objects.get(pk=house.members["mine"].pk).tags == ["养猫", "小", "爱茶"]

    page.click("#tags .c-note.ok button")
    expect(page.locator("#tags")).to_contain_text("大")
    page.click("#fields header a")
    page.fill("#f-family", "四")
    page.click("#fields button.go")
    expect(page.locator("#fields .e")).to_be_visible()
    expect(page.locator("#f-family")).to_have_value("四")
    page.fill("#f-family", "4")
    page.click("#fields button.go")
    expect(page.locator("#fields form")).to_have_count(0)
    assert Member.objects.get(pk=house.members["mine"].pk).attributes["family"] == 4
    assert Doubt.objects.count() == 1


def test_a_member_is_frozen_released_cancelled_and_brought_back_on_one_page(enter: Open, house: House):  # noqa: F811
    found = enter(Role.MANAGER)
    page, mine = found.page, Member.objects.filter(pk=house.members["mine"].pk)
    found.go(f"/console/members/{house.member_id('mine')}/identity/")
    for move, state in (("freeze", "frozen"), ("release", "active")):
        page.click(f"[data-open=state-{move}]")
        page.fill(f"#reason-{move}", "电话核实")
        page.click(f"#state-{move} button.go")
        expect(page.locator(".c-toast, [role=status]").first).to_be_visible()
        assert mine.get().status == state
    page.click("[data-open=cancel]")
    page.fill("#cancel-reason", "本人到店提出")
    page.fill("#cancel-confirm", "NO-mine")
    page.click("#cancel button.go")
    expect(page.locator("button[name=move][value=come_back]")).to_be_visible()
    assert mine.get().status == "cancelled"

    page.click("button[name=move][value=come_back]")
    expect(page.locator("[data-open=cancel]")).to_be_visible()
    assert mine.get().status == "active"
    expect(page.locator("body")).to_contain_text("本人到店提出")
    found.check()
