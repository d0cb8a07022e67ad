"""Care by e-mail against the strict SMTP simulator: one click out, bounces hard and soft, complaints, answers that never came."""

from collections import Counter
from datetime import datetime, timedelta

import pytest
from django.test import Client as Browser

from apps.care import dispatch, mailing, services
from apps.care.models import Receipt, Touch
from apps.core.errors import ValidationFailed
from apps.gateways import bounces, mail
from apps.gateways.messages import Outcome
from apps.gateways.models import InboxMessage, Suppression
from apps.gateways.simulator.client import Client
from apps.members import identities, mail_addresses
from apps.members.models import ConsentNow, Member
from tests.care.conftest import Shop

WORD = "a-word-that-nobody-guesses"
pytestmark = pytest.mark.django_db(transaction=True)  # receipts are written on a connection of their own


@pytest.fixture
def post(platform: Client, settings: object) -> Client:
    for name, value in {
        "MAIL_URL": platform.smtp_url(), "MAIL_FROM": "care@brand.example", "CALLBACK_SECRET": WORD,
        "PUBLIC_URL": "https://siyu.example.com",
    }.items():  # fmt: skip
        setattr(settings, name, value)
    return platform


def reader(shop: Shop, local: str = "anna") -> Member:
    member = shop.lapsing_member(consents=(("care", "email"), ("marketing", "email"), ("care", "inbox")))
    identities.add_identity(member_id=member.pk, kind="email", value=f"{local}{member.pk}@mail.example")
    return member


def write(shop: Shop, key: str = "letter", **more: object) -> None:
    draft = {"channel": "email", "template": "{{ nickname }}，好久不见。", "content": {"subject": "好久不见"}} | more
    shop.policy(key, **draft)


def states() -> list[tuple[str, str]]:
    return list(Touch.objects.order_by("pk").values_list("state", "reason"))


def hand_in(raw: bytes, *, word: str = WORD) -> int:
    return Browser().post(f"/hooks/mail/{word}", data=raw, content_type="message/rfc822").status_code


def email_consents(member: Member) -> dict[str, bool]:
    rows = ConsentNow.objects.filter(member=member, channel="email")
    return dict(rows.values_list("purpose", "is_granted"))


def test_a_mail_server_that_is_gone_costs_the_first_five_a_try_and_the_others_none(
    shop: Shop, noon: datetime, post: Client, settings: object
) -> None:
    settings.MAIL_URL = "smtp://127.0.0.1:9"  # type: ignore[attr-defined]
    for _ in range(12):
        reader(shop)
    write(shop)
    services.run(moment=noon)
    assert Counter(Touch.objects.values_list("state", "tries")) == {("planned", 1): 5, ("planned", 0): 7}


def test_a_mail_goes_out_with_one_click_out_and_the_click_is_final(
    shop: Shop, noon: datetime, post: Client, clock
) -> None:
    member = reader(shop)
    write(shop)
    services.run(moment=noon)
    [shown] = post.mails()
    assert states() == [("sent", "")]
    assert (shown["to"], shown["subject"]) == (f"anna{member.pk}@mail.example", "好久不见")
    assert shown["text"].splitlines()[0] == "林溪，好久不见。"
    assert mail.key_of(shown["sender"]) == f"touch:{Touch.objects.get().pk}"
    path = shown["leave"].removeprefix("https://siyu.example.com")

    assert Browser().get(path).status_code == 200
    assert email_consents(member) == {"care": True, "marketing": True}  # a scanner looked
    strict = Browser(enforce_csrf_checks=True)
    for _ in range(2):
        assert strict.post(path, {"List-Unsubscribe": "One-Click"}).status_code == 200
    assert email_consents(member) == {"care": False, "marketing": False}
    assert Browser().post(path[:-1] + "x").status_code == 404

    write(shop, "second")
    services.run(moment=clock(noon + timedelta(days=1)))
    assert states()[1] == ("skipped", "no_consent")


def test_what_the_server_says_of_an_address(shop: Shop, noon: datetime, post: Client, clock) -> None:
    reader(shop, "nobody")
    reader(shop, "grey")
    reader(shop, "full")
    write(shop, fallback=[{"channel": "inbox", "template": "好久不见"}])
    services.run(moment=noon)
    dispatch.drain()
    for minutes in (2, 5):
        clock(noon + timedelta(minutes=minutes))
        dispatch.drain()

    rows = Touch.objects.order_by("pk").values_list("channel", "state")
    assert list(rows) == [("inbox", "delivered"), ("email", "sent"), ("email", "planned")]
    assert (Suppression.objects.get().reason, InboxMessage.objects.count()) == ("hard", 1)
    assert len(post.mails()) == 1


def test_a_broken_line_after_the_text_is_never_sent_again(shop: Shop, noon: datetime, post: Client, clock) -> None:
    reader(shop, "drops")
    write(shop, fallback=[{"channel": "inbox", "template": "好久不见"}])
    services.run(moment=noon)
    for hours in (1, 4, 25):
        clock(noon + timedelta(hours=hours))
        dispatch.drain()

    assert states() == [("unknown", "no_answer")]
    assert (len(post.mails()), InboxMessage.objects.count()) == (1, 0)


@pytest.mark.parametrize(
    ("local", "touch", "closed", "consent"),
    [
        ("later", ("failed", "DSN_5.1.1"), ["hard"], True),
        ("latersoft", ("failed", "DSN_4.2.2"), [], True),
        ("angry", ("sent", ""), ["complaint"], False),
    ],
)
def test_what_comes_back_is_taken_once(
    shop: Shop, noon: datetime, post: Client, local: str, touch: tuple[str, str], closed: list[str], consent: bool
) -> None:
    member = reader(shop, local)
    write(shop)
    services.run(moment=noon)
    raw = post.mail_report(f"{local}{member.pk}@mail.example")

    assert [hand_in(raw), hand_in(raw)] == [200, 200]
    assert states() == [touch]
    assert list(Suppression.objects.values_list("reason", flat=True)) == closed
    assert email_consents(member) == {"care": consent, "marketing": consent}
    assert Receipt.objects.count() == 1


def test_a_closed_address_is_written_to_no_more_whatever_its_consent(shop: Shop, noon: datetime, post: Client) -> None:
    member = reader(shop)
    mail_addresses.close(member_id=member.pk, reason="hard")
    write(shop)
    services.run(moment=noon)

    assert states() == [("skipped", "suppressed")]
    assert post.mails() == []


def test_a_closed_address_is_passed_over_for_the_next_channel(shop: Shop, noon: datetime, post: Client) -> None:
    member = reader(shop)
    write(shop, fallback=[{"channel": "inbox", "template": "好久不见"}])
    services.plan(moment=noon)
    mail_addresses.close(member_id=member.pk, reason="hard")
    services.run(moment=noon)
    dispatch.drain()

    assert list(Touch.objects.values_list("state", "channel")) == [("delivered", "inbox")]
    assert post.mails() == []


def test_a_full_mailbox_and_the_bounce_of_another_channel_close_no_address(
    shop: Shop, noon: datetime, post: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    reader(shop)
    write(shop)
    services.plan(moment=noon)
    monkeypatch.setattr(
        mailing.mail, "send_batch", lambda mails: [Outcome(m.key, "refused", code="SMTP_552") for m in mails]
    )
    services.run(moment=noon)
    assert states() == [("failed", "SMTP_552")]

    touch = Touch.objects.get()
    Touch.objects.update(channel="sms")
    mailing.came_back(bounces.Bounce(f"touch:{touch.pk}", "hard", "DSN_5.1.1"))

    assert (Suppression.objects.count(), Receipt.objects.count()) == (0, 0)


def test_forged_reports_and_strangers_change_nothing(shop: Shop, noon: datetime, post: Client) -> None:
    member = reader(shop, "later")
    write(shop)
    services.run(moment=noon)
    raw = post.mail_report(f"later{member.pk}@mail.example")
    key = f"touch-{Touch.objects.get().pk}-".encode()
    at = raw.index(key) + len(key)
    forged = raw[:at] + b"0" * 12 + raw[at + 12 :]

    assert hand_in(raw, word="wrong") == 404
    assert hand_in(forged) == 200
    assert (bounces.read(forged), bounces.read(b"hello"), states()) == (None, None, [("sent", "")])


def test_a_draft_without_a_subject_is_refused(shop: Shop) -> None:
    with pytest.raises(ValidationFailed) as refused:
        write(shop, content={})
    assert [e["pointer"] for e in refused.value.facts["errors"]] == ["/content/subject"]  # type: ignore[union-attr]


def test_no_server_is_no_message_s_fault(shop: Shop, noon: datetime, post: Client, settings) -> None:
    reader(shop)
    settings.MAIL_URL = "smtp+plain://127.0.0.1:1"
    write(shop)
    services.run(moment=noon)

    assert states() == [("planned", "")]
    assert Touch.objects.get().attempts.get().state == "retry"
