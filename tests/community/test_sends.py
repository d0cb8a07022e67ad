"""Group sends: planned against the quota, one task per colleague and text, confirmed, reminded, called off, handed over waiting."""

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from datetime import date, datetime, timedelta

import pytest
from django.db import connection, transaction

from apps.community import contacts, queueing, quotas, sending
from apps.community.models import Contact, Send, SendItem
from apps.community.send_errors import RemindedEnough, SendSettled
from apps.core import brand
from apps.core import clock as house_clock
from apps.events.models import Event
from apps.gateways.models import PlatformLimit
from tests.community.conftest import CHEN, LIN, NOON, WeCom
from tests.waiting import somebody_waits, until

OK, FULL, NOBODY = "OK", queueing.QUOTA, queueing.NO_STAFF


def queue(*people: str, text: str = "春季新品", key: str = "k") -> list[str]:
    notes = [queueing.Note(f"{key}:{person}", f"wmsim{person}", text) for person in people]
    return [outcome.code for outcome in queueing.queue(notes, moment=house_clock.now())]


def items() -> dict[str, tuple[str, str]]:
    return {key: (state, code) for key, state, code in SendItem.objects.values_list("key", "state", "code")}


@pytest.fixture
def house(wecom_house: WeCom) -> WeCom:
    """Lin has an and bo, Chen has ci; all known here."""
    for person, userid in (("an", LIN), ("bo", LIN), ("ci", CHEN)):
        wecom_house.do("add", userid=userid, person=person)
    wecom_house.hear()
    return wecom_house


@pytest.mark.parametrize(
    ("span", "day", "first", "last", "most"),
    [
        ("month", date(2026, 2, 10), date(2026, 2, 1), date(2026, 2, 28), 28),
        ("month", date(2025, 11, 16), date(2025, 11, 1), date(2025, 11, 30), 4),  # the day before the new rule
        ("month", date(2025, 11, 17), date(2025, 11, 1), date(2025, 11, 30), 30),
        ("week", date(2026, 3, 1), date(2026, 2, 23), date(2026, 3, 1), 7),
        ("day", date(2026, 3, 1), date(2026, 3, 1), date(2026, 3, 1), 1),
    ],
)
def test_the_quota_is_the_platforms_of_that_day(db: None, span: str, day: date, first: date, last: date, most: int):
    brand.write(quotas.SPAN, span)
    assert quotas.window(day) == (first, last, most)


def test_the_ledger_says_no_before_wecom_does(house: WeCom, clock: Callable[[datetime], datetime]):
    brand.write(quotas.SPAN, "day")
    assert queue("an", "zz") == [OK, NOBODY]
    assert queue("an", "bo", key="again") == [FULL, OK]
    assert queue("an") == [OK]  # the same key was taken over already
    assert [item.key for item in SendItem.objects.order_by("pk")] == ["k:an", "again:bo"]
    clock(NOON + timedelta(hours=12))  # midnight in Shanghai
    assert queue("an", key="tomorrow") == [OK]


def test_two_messages_of_one_handing_over_count_as_two(house: WeCom):
    brand.write(quotas.SPAN, "day")
    notes = [queueing.Note(f"k:{n}", "wmsiman", "春季新品") for n in range(3)]

    assert [o.code for o in queueing.queue(notes, moment=NOON)] == [OK, FULL, FULL]


def test_equal_texts_become_one_task_per_colleague_and_count_when_confirmed(
    house: WeCom, run_flows: Callable[..., None]
):
    queue("an", "bo", "ci")
    queue("an", text="另一条", key="other")
    assert sending.round_of_sends()["made"] == 3
    made = house.wecom_told("sends")["sends"]
    assert sorted((s["text"], {u: sorted(p["targets"]) for u, p in s["people"].items()}.popitem()) for s in made) == [
        ("另一条", (LIN, ["wmsiman"])),
        ("春季新品", (CHEN, ["wmsimci"])),
        ("春季新品", (LIN, ["wmsiman", "wmsimbo"])),
    ]
    house.do("confirm", userid=LIN)
    figures = sending.round_of_sends()

    assert (figures["confirmed"], figures["waiting"]) == (2, 1)
    assert {state for key, (state, _) in items().items() if "ci" not in key} == {"delivered"}
    assert items()["k:ci"] == ("tasked", "")
    assert set(SendItem.objects.filter(state="delivered").values_list("text", "spent_on")) == {("", date(2026, 3, 2))}


def test_what_wecom_did_not_deliver_is_told_and_gives_the_quota_back(house: WeCom):
    queue("an", "bo")
    sending.round_of_sends()
    house.do("drop", userid=LIN, external_userid="wmsiman")
    house.do("confirm")
    sending.round_of_sends()

    assert items() == {"k:an": ("failed", "NO_FRIEND"), "k:bo": ("delivered", "")}
    assert SendItem.objects.get(key="k:an").spent_on is None
    told = Event.objects.filter(name=sending.ENDED).order_by("pk")
    assert [len(event.payload["item_ids"]) for event in told] == [1, 1]


def test_reminders_keep_to_working_hours_and_the_platforms_number_a_day_until_it_is_called_off(
    house: WeCom, clock: Callable[[datetime], datetime]
):
    PlatformLimit.objects.filter(platform="wecom", name="reminders_per_day").update(value=2)
    queue("an")
    sending.round_of_sends()
    told = []
    for hours in range(1, 50):
        clock(NOON + timedelta(hours=hours))
        figures = sending.round_of_sends()
        if figures["reminded"]:
            told.append(hours)
        if figures["called_off"]:
            told.append(-hours)

    assert told == [
        4,
        21,
        28,
        45,
        -48,
    ]  # 16:00, 9:00; 13:00 would be a third within a day; 16:00, 9:00; the end of the second day
    assert items() == {"k:an": ("failed", "NOT_CONFIRMED")}
    assert house.wecom_told("sends")["sends"][0]["is_off"]


def test_messages_that_wait_go_to_the_heir_and_none_goes_twice(house: WeCom, clock: Callable[[datetime], datetime]):
    queue("an", "bo")
    sending.round_of_sends()
    queue("an", text="还没成任务", key="later")
    assert sending.take_back(LIN, moment=NOON) == 2
    contacts.keep_only("wmsiman", [], ending="handed_over", asked_at=NOON)
    house.do("add", userid=CHEN, person="an")
    clock(NOON + timedelta(minutes=1))
    house.hear()
    sending.round_of_sends()
    house.do("confirm")

    delivered = house.wecom_told("delivered")["delivered"]
    assert sorted((d["userid"], d["target"], d["text"]) for d in delivered) == [
        (CHEN, "wmsiman", "春季新品"),
        (CHEN, "wmsiman", "还没成任务"),
        (LIN, "wmsimbo", "春季新品"),
    ]


def test_a_lost_answer_is_never_made_again_and_a_busy_platform_is(house: WeCom):
    path = ["/cgi-bin/externalcontact/add_msg_template"]
    house.faults(busy=1.0, for_calls=1, paths=path)
    queue("an")
    assert sending.round_of_sends()["made"] == 0
    assert (items(), Send.objects.count()) == ({"k:an": ("queued", "")}, 0)
    house.faults(drop_reply=1.0, for_calls=1, paths=path)
    sending.round_of_sends()
    sending.round_of_sends()

    assert items() == {"k:an": ("failed", "NO_ANSWER")}
    assert Send.objects.get().state == "unknown"
    assert SendItem.objects.get().spent_on == date(2026, 3, 2)  # it may have gone out
    assert len(house.wecom_told("sends")["sends"]) == 1


@contextmanager
def _closing() -> Iterator[None]:
    try:
        yield
    finally:
        connection.close()


@pytest.mark.django_db(transaction=True)
def test_two_drains_at_once_never_see_the_same_room(house: WeCom):
    brand.write(quotas.SPAN, "day")

    def one(number: int, then: Callable[[], None] = lambda: None) -> str:
        with _closing(), transaction.atomic():
            outcomes = queueing.queue([queueing.Note(f"k:{number}", "wmsiman", "春季新品")], moment=NOON)
            then()
        return outcomes[0].code

    with ThreadPoolExecutor(2) as pool:
        others: list[Future[str]] = []

        def another_comes() -> None:
            others.append(pool.submit(one, 2))
            until(lambda: somebody_waits() or others[0].done())

        codes = [pool.submit(one, 1, another_comes).result(), others[0].result()]

    assert codes == [OK, FULL]
    assert Contact.objects.count() == 3


def test_by_hand_it_is_reminded_as_often_as_wecom_allows_and_called_off(wecom_house: WeCom):
    wecom_house.do("add", userid=LIN, person="an")
    wecom_house.hear()
    queueing.queue([queueing.Note("k:1", "wmsiman", "春季新品")], moment=NOON)
    sending.round_of_sends()
    send = Send.objects.get()
    for minute in range(3):
        sending.by_hand(send_id=send.pk, do="remind", moment=NOON + timedelta(minutes=minute))
    with pytest.raises(RemindedEnough):
        sending.by_hand(send_id=send.pk, do="remind", moment=NOON + timedelta(hours=23))
    assert wecom_house.calls("remind_groupmsg_send") == {"0": 3}
    sending.by_hand(send_id=send.pk, do="off", moment=NOON + timedelta(hours=23))
    assert SendItem.objects.values_list("state", "code").get() == ("failed", sending.UNWANTED)
    with pytest.raises(SendSettled):
        sending.by_hand(send_id=send.pk, do="off", moment=NOON + timedelta(hours=23))
    assert wecom_house.do("confirm")["delivered"] == 0
    queueing.queue([queueing.Note("k:2", "wmsiman", "再一条")], moment=NOON)
    sending.round_of_sends()
    wecom_house.do("confirm")  # just before somebody calls it off
    with pytest.raises(SendSettled):
        sending.by_hand(send_id=Send.objects.get(settled_at=None).pk, do="off", moment=NOON)
    assert SendItem.objects.get(key="k:2").state == "delivered"
