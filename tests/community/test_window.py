"""WeCom's service window: taken in once whatever the callbacks do, answered within what WeCom allows, nothing sent twice."""

import base64
from datetime import timedelta

import pytest

from apps.community import contacts, window, window_out
from apps.community.models import Contact, ServiceAccount, Talk, WindowMessage
from apps.events.models import Event
from apps.gateways import wecom_kf
from apps.gateways.wecom_calls import Unanswered
from apps.members.models import Upload
from tests.community.conftest import NOON, WeCom
from tests.community.test_contacts import member
from tests.pictures_made import drawn

ACCOUNT, SEND = "wksimservice", ["/cgi-bin/kf/send_msg"]


def write(house: WeCom, *texts: str, person: str = "an") -> None:
    for text in texts:
        house.do("kf_say", person=person, text=text)


def sent(house: WeCom) -> list[str]:
    return [doc["text"] for doc in house.wecom_told("kf")["sent"]]


def said() -> list[int]:
    return list(Event.objects.filter(name=window.SAID).order_by("pk").values_list("payload__message_id", flat=True))


def answered(an: int, *texts: str, key: str = "a") -> None:
    for number, text in enumerate(texts):
        assert window_out.answer(member_id=an, key=f"{key}:{number}", text=text)


def test_words_come_once_and_in_their_order_whatever_the_callbacks_do(
    wecom_house: WeCom, monkeypatch: pytest.MonkeyPatch
):
    an = member(1, union="an")
    monkeypatch.setattr(wecom_kf, "PAGE", 2)
    write(wecom_house, *"12345")
    wecom_house.hear(copies=2, is_shuffled=1)
    write(wecom_house, "6")
    wecom_house.hear()

    rows = list(WindowMessage.objects.order_by("pk").values_list("text", "state"))
    assert rows == [(text, "handed") for text in "123456"]
    assert said() == list(WindowMessage.objects.order_by("pk").values_list("pk", flat=True))
    assert (Contact.objects.get().member_id, Talk.objects.get().last_in_at) == (an, NOON)


def test_a_kill_between_pages_loses_nothing_and_takes_nothing_twice(
    wecom_house: WeCom, monkeypatch: pytest.MonkeyPatch
):
    member(1, union="an")
    monkeypatch.setattr(wecom_kf, "PAGE", 2)
    write(wecom_house, *"12345")
    real, calls = window._keep, []

    def dies(*given: object) -> int:
        calls.append(given)
        if len(calls) == 4:  # in the middle of the second page
            raise RuntimeError
        return real(*given)

    monkeypatch.setattr(window, "_keep", dies)
    with pytest.raises(RuntimeError):
        window.pull(ACCOUNT)
    assert (WindowMessage.objects.count(), ServiceAccount.objects.get().cursor[-1]) == (2, "2")
    assert window.pull(ACCOUNT) == 3
    assert (window.hand_over(), window.hand_over(), len(said())) == (5, 0, 5)


def test_a_late_callback_is_pulled_without_its_token_and_older_words_do_not_lengthen_the_48_hours(
    wecom_house: WeCom, clock
):
    member(1, union="an")
    write(wecom_house, "早")
    clock(NOON + timedelta(minutes=11))  # the token is dead
    assert wecom_house.hear() == 1
    assert (WindowMessage.objects.get().state, Talk.objects.get().last_in_at) == ("handed", NOON)
    assert wecom_house.wecom_told("stats")["calls"]["kf/sync_msg"] == {"0": 1, "95007": 1}


def test_a_stranger_is_invited_once_and_their_words_come_in_when_they_are_known(wecom_house: WeCom, settings):
    settings.PUBLIC_URL = "https://siyu.example.com"
    write(wecom_house, "有人吗？", "在吗？", person="bo")
    wecom_house.hear()
    window_out.send_due()
    assert (len(said()), [text.splitlines()[-1] for text in sent(wecom_house)]) == (0, ["https://siyu.example.com/my/"])

    bo = member(2, union="bo")
    contacts.bind()
    assert (window.hand_over(), len(said()), Contact.objects.get().member_id) == (2, 2, bo)
    assert window.forget_strangers(moment=NOON + timedelta(days=8)) == 0


def test_who_stays_a_stranger_is_forgotten_after_a_week(wecom_house: WeCom):
    write(wecom_house, "有人吗？", person="bo")
    wecom_house.hear()
    assert window.forget_strangers(moment=NOON + timedelta(days=7)) == 0
    assert window.forget_strangers(moment=NOON + timedelta(days=7, seconds=1)) == 1
    row = WindowMessage.objects.get(is_ours=False)
    assert (row.text, row.state, row.code) == ("", "handed", "STRANGER")


def test_five_answers_go_the_sixth_waits_for_the_members_next_words(wecom_house: WeCom):
    an = member(1, union="an")
    write(wecom_house, "在吗？")
    wecom_house.hear()
    answered(an, *"abcdef")
    answered(an, *"abcdef")  # again is a no-op
    window_out.send_due()
    assert (sent(wecom_house), window_out.window(an)) == (list("abcde"), (NOON + timedelta(hours=48), 0))
    assert wecom_house.wecom_told("stats")["calls"]["kf/send_msg"] == {"0": 5}

    write(wecom_house, "谢谢")
    wecom_house.hear()
    window_out.send_due()
    assert sent(wecom_house) == list("abcdef")
    assert not WindowMessage.objects.filter(is_ours=True).exclude(text="").exists()


def test_after_48_hours_nothing_goes_and_it_is_told(wecom_house: WeCom, clock):
    an = member(1, union="an")
    write(wecom_house, "在吗？")
    wecom_house.hear()
    answered(an, "晚了")
    clock(NOON + timedelta(hours=48))
    assert window_out.window(an) is None
    assert (window_out.send_due(), sent(wecom_house)) == ({"sent": 0, "failed": 1, "later": 0}, [])
    told = Event.objects.get(name=window_out.FAILED).payload
    assert (told["code"], told["message_key"], told["member_id"]) == ("WINDOW_OVER", "a:0", an)
    assert window_out.send_due()["failed"] == 0


def test_what_wecom_refuses_is_told_and_costs_no_answer(wecom_house: WeCom):
    an = member(1, union="an")
    write(wecom_house, "在吗？")
    wecom_house.hear()
    wecom_house.do("kf_state", person="an", state=3)  # somebody has it in the client
    answered(an, "好的")
    assert window_out.send_due()["failed"] == 1
    row = WindowMessage.objects.get(is_ours=True)
    assert (row.state, row.code, row.text, Talk.objects.get().sent) == ("failed", "NOT_NOW", "", 0)


def test_a_lost_answer_is_never_sent_again_a_busy_platform_is_asked_again(wecom_house: WeCom, clock):
    an = member(1, union="an")
    write(wecom_house, "在吗？")
    wecom_house.hear()
    answered(an, "一")
    wecom_house.faults(drop_reply=1.0, for_calls=1, paths=SEND)
    window_out.send_due()
    answered(an, "二", key="b")
    wecom_house.faults(busy=1.0, for_calls=1, paths=SEND)
    assert window_out.send_due()["later"] == 1
    clock(NOON + timedelta(minutes=2))
    assert window_out.send_due()["sent"] == 1
    assert (sent(wecom_house), Talk.objects.get().sent) == (["一", "二"], 2)
    states = WindowMessage.objects.filter(is_ours=True).order_by("pk").values_list("state", "code")
    assert list(states) == [("unknown", "NO_ANSWER"), ("sent", "")]


def test_who_dies_while_sending_leaves_it_unsent_for_good_and_wecom_can_take_its_word_back(wecom_house: WeCom, clock):
    an = member(1, union="an")
    write(wecom_house, "在吗？")
    wecom_house.hear()
    answered(an, "一")
    assert window_out._claim(WindowMessage.objects.get(is_ours=True).pk) is not None
    clock(NOON + timedelta(minutes=3))
    assert (window_out.send_due()["sent"], sent(wecom_house)) == (0, [])
    assert WindowMessage.objects.get(is_ours=True).state == "unknown"

    answered(an, "二", key="b")
    window_out.send_due()
    row = WindowMessage.objects.get(key="b:0")
    wecom_house.do("kf_fail", msgid=f"siyu-{row.pk}", fail_type=10)
    wecom_house.hear()
    row.refresh_from_db()
    assert (row.state, row.code, Event.objects.filter(name=window_out.FAILED).count()) == ("failed", "FAIL_10", 1)


def test_a_picture_comes_as_a_file_of_the_member_and_what_comes_after_it_waits_with_it(wecom_house: WeCom, clock):
    an = member(1, union="an")
    wecom_house.do("kf_say", person="an", image=base64.b64encode(drawn(size=(40, 30))).decode())
    write(wecom_house, "看图")
    wecom_house.faults(busy=1.0, for_calls=2, paths=["/cgi-bin/media/get"])
    wecom_house.hear()
    assert (len(said()), Upload.objects.count()) == (0, 0)
    assert window.hand_over() == 2
    upload = Upload.objects.get()
    assert (upload.member_id, upload.purpose, said()) == (
        an, Upload.Purpose.TICKET, list(WindowMessage.objects.order_by("pk").values_list("pk", flat=True)),
    )  # fmt: skip
    assert WindowMessage.objects.order_by("pk")[0].upload_id == upload.pk

    wecom_house.do("kf_say", person="an", image=base64.b64encode(b"no picture").decode())
    wecom_house.hear()
    assert (len(said()), Upload.objects.count()) == (3, 1)  # handed on without


def test_a_text_longer_than_wecom_takes_is_cut_between_letters(wecom_house: WeCom):
    an = member(1, union="an")
    write(wecom_house, "在吗？")
    wecom_house.hear()
    answered(an, "扣" * 1_000)
    window_out.send_due()
    assert sent(wecom_house) == ["扣" * 681 + "…"]


def test_nothing_is_read_while_wecom_does_not_answer(wecom_house: WeCom):
    wecom_house.faults(busy=1.0, for_calls=1, paths=["/cgi-bin/kf/sync_msg"])
    with pytest.raises(Unanswered):
        window.pull(ACCOUNT)
    assert ServiceAccount.objects.get().cursor == ""


def test_a_contact_of_the_window_is_the_same_as_the_friend_of_staff(wecom_house: WeCom):
    an = member(1, union="an")
    wecom_house.do("add", userid="sim-lin", person="an")
    write(wecom_house, "在吗？")
    wecom_house.hear()
    assert Contact.objects.get().member_id == an
