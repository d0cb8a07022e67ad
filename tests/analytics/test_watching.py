"""Alert rules: wrong at the right moment, told once, told when over, quiet where asked, and nothing told of stores beyond the reach."""

from datetime import date, timedelta

import pytest

from apps.analytics import rollup
from apps.analytics.day import board, sources, words
from apps.analytics.models import AlertRule, Breach, DailyFigure, NoticeBox, NoticePost
from apps.analytics.notices import posting, watching
from apps.core import alerts
from apps.gateways import mail, wecom_apps
from apps.gateways.mail import Mail
from apps.gateways.messages import Outcome
from apps.gateways.wecom_apps import Note
from apps.stores import access
from apps.stores.models import Role, Staff
from tests.console import a_day, world
from tests.console.conftest import NOON
from tests.console.world import House

pytestmark = pytest.mark.django_db
TODAY = date(2026, 11, 22)
MINUTE = timedelta(minutes=1)


@pytest.fixture
def house(clock) -> House:
    clock(NOON)
    return world.build(NOON)


@pytest.fixture
def posted(monkeypatch: pytest.MonkeyPatch, settings) -> list[Mail]:
    """What the mail server was given; it takes everything."""
    settings.MAIL_URL, settings.MAIL_FROM = "smtp://127.0.0.1:1", "office@brand.example"
    given: list[Mail] = []

    def taken(mails: list[Mail]) -> list[Outcome]:
        given.extend(mails)
        return [Outcome(one.key, "accepted", code="OK") for one in mails]

    monkeypatch.setattr(mail, "send_batch", taken)
    return given


@pytest.fixture
def noted(monkeypatch: pytest.MonkeyPatch) -> list[Note]:
    """What WeCom was given; it knows everybody but `gone`."""
    given: list[Note] = []

    def taken(notes: list[Note]) -> list[Outcome]:
        given.extend(notes)
        return [Outcome(one.key, "refused" if one.userid == "gone" else "accepted", code="WECOM") for one in notes]

    monkeypatch.setattr(wecom_apps, "send_batch", taken)
    return given


def rule(kind: str, **fields: object) -> AlertRule:
    return AlertRule.objects.create(**{"name": "订单", "figure": "orders.paid", "kind": kind} | fields)


def counted(value: int, before: int = 0, *, store_id: int = 0, at=NOON) -> None:
    for name, n in (("orders.paid", value), (f"{sources.BEFORE}orders.paid", before), (rollup.ROLLED, 1)):
        where = 0 if name == rollup.ROLLED else store_id
        DailyFigure.objects.update_or_create(name=name, store_id=where, on=TODAY, defaults={"value": n, "as_of": at})


@pytest.mark.parametrize(
    ("kind", "fields", "value", "before", "wrong"),
    [
        ("below", {"limit": 10}, 9, 0, True),
        ("below", {"limit": 10}, 10, 0, False),
        ("above", {"limit": 10}, 11, 0, True),
        ("above", {"limit": 10}, 10, 0, False),
        ("fell", {"limit": 40, "at_least": 10}, 6, 10, True),
        ("fell", {"limit": 40, "at_least": 10}, 7, 10, False),
        ("fell", {"limit": 40, "at_least": 10}, 0, 9, False),
        ("rose", {"limit": 50, "at_least": 10}, 15, 10, True),
        ("rose", {"limit": 50, "at_least": 10}, 14, 10, False),
        ("missing", {"at_least": 3}, 0, 3, True),
        ("missing", {"at_least": 3}, 1, 3, False),
        ("missing", {"at_least": 3}, 0, 2, False),
    ],
)
def test_what_is_wrong(kind: str, fields: dict[str, int], value: int, before: int, wrong: bool) -> None:
    row = AlertRule(figure="orders.paid", kind=kind, **fields)

    assert watching.is_wrong(row, value=value, before=before) is wrong


def test_a_breach_is_noted_once_a_day_recovers_and_wrong_again_is_not_told_again(
    house: House, posted: list[Mail]
) -> None:
    reader(house, Role.ADMIN)
    rule("below", limit=10)
    for minute, value in enumerate((3, 4, 12, 5, 11)):
        at = NOON + minute * 5 * MINUTE
        counted(value, at=at)
        watching.judge(moment=at)

    (found,) = Breach.objects.all()
    assert (found.value, found.times, found.began_at, found.recovered_at) == (3, 2, NOON, NOON + 20 * MINUTE)
    posting.drain()
    assert len(posted) == 2  # that it began and that it was over, each once


def test_hours_before_the_rules_own_stopped_rules_and_stale_figures_judge_nothing(house: House) -> None:
    rule("below", limit=10, from_hour=13)
    rule("below", limit=10, is_active=False)
    counted(3)

    watching.judge(moment=NOON)
    assert not Breach.objects.exists()
    watching.judge(moment=NOON + timedelta(hours=1))  # an hour old
    assert not Breach.objects.exists()
    assert len(alerts.unseen(watching.STALE)) == 1

    counted(3, at=NOON + timedelta(hours=1))
    watching.judge(moment=NOON + timedelta(hours=1))
    assert Breach.objects.count() == 1


def reader(house: House, role: str) -> None:
    NoticeBox.objects.create(user=house.users[role], mail=f"{role}@brand.example", wants_alerts=True, wants_digest=True)


def test_each_store_is_judged_for_itself_and_told_to_those_who_see_it(house: House, posted: list[Mail]) -> None:
    for role in (Role.ADMIN, Role.REGION_MANAGER, Role.MANAGER, Role.CLERK):
        reader(house, role)
    rule("fell", limit=50, is_each_store=True)
    for where, value in (("mine", 9), ("near", 1), ("far", 1)):
        counted(value, 10, store_id=house.stores[where].pk)

    watching.judge(moment=NOON)
    posting.drain()
    told = {(one.to.partition("@")[0], "静安店" in one.subject) for one in posted}
    assert told == {(Role.ADMIN, True), (Role.ADMIN, False), (Role.REGION_MANAGER, True)}
    assert "90.0%" in posted[0].subject

    counted(10, 10, store_id=house.stores["near"].pk, at=NOON + MINUTE)
    watching.judge(moment=NOON + MINUTE)
    assert watching.judge(moment=NOON + MINUTE).recovered == 0
    posting.drain()
    assert len(posted) == 5  # two who see that store hear that it is over


def test_a_quiet_rule_notes_and_tells_nobody(house: House, posted: list[Mail]) -> None:
    reader(house, Role.ADMIN)
    rule("below", limit=10, muted_until=NOON + timedelta(days=1))
    counted(3)
    watching.judge(moment=NOON)
    counted(30)
    watching.judge(moment=NOON)

    assert Breach.objects.get().is_muted
    assert not NoticePost.objects.exists()


def test_somebody_whose_right_ended_is_not_told_what_waited(house: House, posted: list[Mail]) -> None:
    reader(house, Role.REGION_MANAGER)
    rule("below", limit=10, store=house.stores["near"])
    counted(3, store_id=house.stores["near"].pk)
    watching.judge(moment=NOON)
    Staff.objects.filter(user=house.users[Role.REGION_MANAGER]).update(is_active=False)

    assert posting.drain() == {"sent": 0, "failed": 1, "postponed": 0}
    assert posted == []


def test_a_mail_that_nobody_knows_of_is_not_sent_again_and_one_that_was_not_taken_is(
    house: House, posted: list[Mail], monkeypatch: pytest.MonkeyPatch, clock
) -> None:
    reader(house, Role.ADMIN)
    posting.post_digest()
    posting.post_digest()
    answers = iter([Outcome("x", "retry", code="DOWN"), Outcome("x", "unknown", code="REPLY_LOST")])
    monkeypatch.setattr(mail, "send_batch", lambda mails: [next(answers) for _one in mails])

    assert posting.drain()["postponed"] == 1
    assert posting.drain() == {"sent": 0, "failed": 0, "postponed": 0}  # not due yet
    clock(NOON + 2 * MINUTE)
    assert posting.drain()["failed"] == 1
    clock(NOON + timedelta(hours=9))
    assert posting.drain() == {"sent": 0, "failed": 0, "postponed": 0}
    assert NoticePost.objects.get().state == NoticePost.State.UNKNOWN


def test_the_digest_says_the_figures_of_the_page_within_the_readers_stores(
    house: House, posted: list[Mail], clock
) -> None:
    a_day.live(house, NOON)
    for role in (Role.ADMIN, Role.MANAGER, Role.ANALYST):
        reader(house, role)
    tomorrow = NOON + timedelta(days=1)
    clock(tomorrow)
    rollup.roll_up(moment=tomorrow)
    posting.post_digest()
    posting.drain()

    texts = {one.to.partition("@")[0]: one.text for one in posted}
    for role in (Role.ADMIN, Role.MANAGER):
        seen = access.of_user(house.users[role]).store_ids(posting.PERMISSION)
        for name, told in board.board(on=TODAY, store_ids=seen).figures.items():
            line = f"{words.WORDS[name].label}：{words.shown(name, told.value)}"
            assert line in texts[role].replace(": ", "：")
    assert "¥80.50" in texts[Role.MANAGER]
    assert "¥483.00" in texts[Role.ADMIN]
    assert str(words.WORDS["tickets.opened"].label) not in texts[Role.ANALYST]


def test_who_reads_in_wecom_is_told_there_once_and_within_their_stores(
    house: House, posted: list[Mail], noted: list[Note]
) -> None:
    for role, userid in ((Role.ADMIN, "wc-admin"), (Role.REGION_MANAGER, "gone"), (Role.MANAGER, "wc-manager")):
        NoticeBox.objects.create(user=house.users[role], wecom=userid, wants_alerts=True)
    NoticeBox.objects.filter(user=house.users[Role.ADMIN]).update(mail="admin@brand.example")
    rule("below", limit=10, store=house.stores["near"])
    counted(3, store_id=house.stores["near"].pk)
    for _again in range(2):
        watching.judge(moment=NOON)

    assert posting.drain() == {"sent": 2, "failed": 1, "postponed": 0}
    assert posting.drain() == {"sent": 0, "failed": 0, "postponed": 0}
    assert [one.to for one in posted] == ["admin@brand.example"]
    assert {one.userid for one in noted} == {"wc-admin", "gone"}
    assert all("静安店" in one.text and one.end.endswith("/console/notices/") for one in noted)


def test_the_morning_in_wecom_is_the_mails_words(house: House, posted: list[Mail], noted: list[Note], clock) -> None:
    a_day.live(house, NOON)
    reader(house, Role.MANAGER)
    NoticeBox.objects.update(wecom="wc-manager")
    clock(NOON + timedelta(days=1))
    rollup.roll_up(moment=NOON + timedelta(days=1))
    posting.post_digest()
    posting.drain()

    (letter,), (note,) = posted, noted
    assert note.text == f"{letter.subject}\n\n{letter.text.removesuffix(note.end).strip()}"
    assert letter.text.endswith(note.end)
