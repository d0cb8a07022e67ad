"""Contacts: whatever order WeCom tells things in, they end as they are; bound to the right member, tagged both ways, read in full."""

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest

from apps.community import contacts, syncing, tags
from apps.community.models import Contact, Follow, GroupMember, SyncRun, TagLink
from apps.core import jobs
from apps.core.models import Job
from apps.gateways import wecom
from apps.gateways.simulator.wechat_rules import unionid
from apps.members import identities, tagging
from apps.members import selectors as members
from apps.members import services as registering
from apps.members.models import Identity, Member
from tests.community.conftest import CHEN, LIN, NOON, WeCom


def member(number: int, *, union: str = "") -> int:
    found = registering.register(source="test", nickname=f"林{number}", phone=f"1990001{number:04d}")
    if union:
        identities.add_identity(member_id=found, kind=Identity.Kind.UNIONID, value=unionid(union))
    return found


def test_callbacks_in_any_order_twice_and_late_end_as_wecom_has_it(wecom_house: WeCom):
    wecom_house.do("add", userid=LIN, person="an")
    wecom_house.do("drop", userid=LIN, external_userid="wmsiman")
    wecom_house.do("add", userid=CHEN, person="an")
    wecom_house.do("add", userid=LIN, person="bo")
    wecom_house.do("drop", userid=LIN, external_userid="wmsimbo", by="staff")
    wecom_house.do("add", userid=LIN, person="bo")
    wecom_house.hear(copies=3, is_shuffled=1)

    assert list(
        Follow.objects.filter(left_at=None).order_by("contact__name").values_list("contact__name", "userid")
    ) == [
        ("an", CHEN),
        ("bo", LIN),
    ]


def test_who_leaves_stays_in_the_books_with_how_it_ended(wecom_house: WeCom):
    wecom_house.do("add", userid=LIN, person="an")
    wecom_house.hear()
    wecom_house.do("drop", userid=LIN, external_userid="wmsiman", by="customer")
    wecom_house.hear()

    assert list(Follow.objects.values_list("ending", "left_at")) == [("customer", NOON)]


def test_an_older_answer_changes_nothing(wecom_house: WeCom):
    wecom_house.do("add", userid=LIN, person="an")
    wecom_house.hear()
    old = contacts.row_of(
        {"external_userid": "wmsiman", "name": "old"}, {"userid": LIN, "createtime": 1, "tag_id": ["x"]}
    )
    assert contacts.take([old], asked_at=NOON - timedelta(seconds=1)) == []
    kept = contacts.keep_only("wmsiman", [], ending="customer", asked_at=NOON - timedelta(seconds=1))

    assert (kept, Contact.objects.get().name, Follow.objects.get().wecom_tags) == (0, "an", [])


def test_the_union_id_binds_and_the_member_is_then_known_by_the_contact(wecom_house: WeCom):
    an = member(1, union="an")
    wecom_house.do("add", userid=LIN, person="an")
    wecom_house.hear()

    assert Contact.objects.get().member_id == an
    assert members.find_by_identity(kind=Identity.Kind.EXTERNAL, value="wmsiman") == an


def test_a_noted_phone_binds_only_whom_nothing_contradicts(wecom_house: WeCom):
    an, other, _one, _two = member(1), member(2, union="someone"), member(3), member(4)
    wecom_house.do("add", userid=LIN, person="an", mobiles=["19900010001"])
    wecom_house.do("add", userid=LIN, person="bo", mobiles=["19900010002"])  # whose member has another union id
    wecom_house.do("add", userid=LIN, person="ci", mobiles=["19900010003", "19900010004"])  # two people
    wecom_house.hear()

    bound = dict(Contact.objects.values_list("name", "member_id"))
    assert bound == {"an": an, "bo": None, "ci": None}
    assert other not in bound.values()


def test_who_registers_later_is_bound_by_the_round(wecom_house: WeCom):
    wecom_house.do("add", userid=LIN, person="an")
    wecom_house.hear()
    assert contacts.bind() == 0
    an = member(1, union="an")

    assert (contacts.bind(), Contact.objects.get().member_id) == (1, an)


def test_tags_go_both_ways_and_no_side_undoes_the_other(wecom_house: WeCom, clock: Callable[[datetime], datetime]):
    an = member(1, union="an")
    house, theirs = (tagging.known_tags([name])[name] for name in ("熟客", "敏感肌"))
    for tag_id in (house, theirs):
        tags.link(tag_id, group="会员")
    links = dict(TagLink.objects.values_list("tag_id", "wecom_id"))
    wecom_house.do("add", userid=LIN, person="an")
    wecom_house.hear()
    tagging.give(member_ids=[an], tag_ids=[house], source="manual")
    wecom_house.do("edit", userid=LIN, external_userid="wmsiman", tags=[links[theirs]])
    wecom_house.hear()
    assert tags.even_out() == 1

    assert Member.objects.get(pk=an).tags == ["敏感肌", "熟客"]
    assert {t["tag_id"] for t in wecom.contact("wmsiman")["follow_user"][0]["tags"]} == set(links.values())
    clock(NOON + timedelta(seconds=1))  # events of one second that say the same are one event
    tagging.take(member_ids=[an], tag_ids=[theirs])  # taken here: gone there
    wecom_house.do("edit", userid=LIN, external_userid="wmsiman", tags=[links[theirs]])  # taken there: gone here
    wecom_house.hear()
    tags.even_out()

    assert Member.objects.get(pk=an).tags == []
    assert wecom.contact("wmsiman")["follow_user"][0]["tags"] == []
    assert tags.even_out() == 0


def test_a_full_sync_mends_what_no_callback_told(wecom_house: WeCom, clock: Callable[[datetime], datetime]):
    an = member(1, union="an")
    wecom_house.do("add", userid=LIN, person="an")
    wecom_house.do("add", userid=LIN, person="bo")
    wecom_house.hear()
    clock(NOON + timedelta(minutes=5))
    wecom_house.do("drop", userid=LIN, external_userid="wmsimbo")  # never heard of
    wecom_house.do("crowd", userids=[CHEN], count=120)
    chat = wecom_house.do("chats", name="会员群1", owner=LIN)["chat_id"]
    wecom_house.do("join", chat_id=chat, person="an")
    job = jobs.start(kind=syncing.KIND, params={}, user_id=None)
    jobs.run(job_id=job.pk)

    done = Job.objects.get(pk=job.pk)
    assert (done.state, done.result, done.done) == ("done", {"contacts": 121, "ended": 1}, 121)
    assert Contact.objects.get(name="an").member_id == an
    assert Follow.objects.get(contact__name="bo").ending == "unseen"
    assert GroupMember.objects.get(is_staff=False).contact.name == "an"


def test_a_killed_sync_goes_on_with_its_page_and_reads_none_twice(wecom_house: WeCom, monkeypatch: pytest.MonkeyPatch):
    wecom_house.do("crowd", userids=[LIN, CHEN], count=350)
    whole, kept = contacts.take, []

    def take(rows: list, *, asked_at: datetime) -> list[int]:
        if len(kept) == 2:
            raise KeyboardInterrupt  # the worker is killed inside the page's transaction
        kept.append(len(rows))
        return whole(rows, asked_at=asked_at)

    monkeypatch.setattr(contacts, "take", take)
    job = syncing.start(user_id=None)
    with pytest.raises(KeyboardInterrupt):
        syncing.run(job)
    assert (SyncRun.objects.get().contacts, Follow.objects.count()) == (200, 200)
    monkeypatch.setattr(contacts, "take", whole)
    syncing.run(job)

    assert (SyncRun.objects.get().contacts, Follow.objects.count()) == (350, 350)
    assert wecom_house.calls("batch/get_by_user") == {"0": 5}  # four pages, and the one that the kill lost


def test_a_sync_waits_out_the_platforms_quota(wecom_house: WeCom, clock: Callable[[datetime], datetime]):
    wecom_house.do("crowd", userids=[LIN], count=250)
    wecom_house.wecom("limits", per_minute=2)
    run, waits = SyncRun.objects.create(userids=[LIN], started_at=NOON), []
    moment = NOON

    def page() -> wecom.Page:
        return wecom.contacts_of([LIN], cursor=run.cursor)

    def sleep(seconds: float) -> None:
        nonlocal moment
        waits.append(seconds)
        moment += timedelta(seconds=seconds)
        clock(moment)

    seen = 0
    while True:
        answer = syncing.patiently(page, keep_alive=lambda: None, sleep=sleep)
        seen, run.cursor = seen + len(answer.rows), answer.cursor
        if not answer.cursor:
            break

    assert (seen, waits) == (250, [60.0])
