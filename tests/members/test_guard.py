"""Who gets a code: limits per phone and network, countries, the guard against floods, and what the victim of one still gets."""

from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime

import pytest
from django.db import connection

from apps.core import clock as house_clock
from apps.members import codes, guard, login, services
from apps.members.errors import CodeSpent, CodeWrong, PhoneNotServed, TooManyCodes
from apps.members.models import CodeAlarm, CodeRequest
from tests.members.conftest import NOON, Phone

Noon = Callable[[float], datetime]
NUMBER = "17000000042"
HOUR, DAY = 3600, 86_400


@pytest.fixture(autouse=True)
def _answers_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """While an alarm is open every answer takes equally long; test_attacks.py watches that, here it would be waited for."""
    monkeypatch.setattr(codes, "EVEN_SECONDS", 0)


def ask(number: str = NUMBER, *, network: str = "203.0.113.9", device: str = "") -> str:
    return login.request_code(phone=number, network=network, device=device).request_id


def refused(number: str = NUMBER, **more: str) -> int:
    """Seconds to wait; the ask must have been refused."""
    before = CodeRequest.objects.count()
    with pytest.raises(TooManyCodes) as refusal:
        ask(number, **more)
    assert CodeRequest.objects.count() == before
    return int(str(refusal.value.facts["retry_after"]))


def prove(phone: Phone, number: str, **more: str) -> None:
    """Ask and come in: the phone is a member's from here on."""
    request_id = ask(number, **more)
    login.log_in_by_code(request_id=request_id, code=phone.code(number[-4:]), source="portal")


def networks(first: int = 0) -> Iterator[str]:
    """Addresses that share no network."""
    return (f"10.{n // 250}.{n % 250}.7" for n in range(first, 60_000))


def flood(count: int, *, number: int = 13_900_000_000, network: int = 0) -> None:
    """Codes to newcomers that nobody uses, each from a network of its own."""
    for step, address in zip(range(count), networks(network), strict=False):
        ask(str(number + step), network=address)


@pytest.mark.django_db
def test_a_phone_gets_one_code_a_minute(phone: Phone, noon: Noon):
    ask()
    noon(15)
    assert refused() == 46
    noon(59.9)
    assert refused() == 1
    noon(60.1)
    ask()
    assert len(phone.texts("0042")) == 2


@pytest.mark.django_db
def test_strangers_share_three_codes_an_hour_and_six_a_day_of_a_phone(phone: Phone, noon: Noon):
    for at in (0, 61, 122, HOUR + 1, HOUR + 62, HOUR + 123):
        noon(at)
        ask()
    assert refused() > HOUR / 2
    noon(3 * HOUR)
    assert refused() > 20 * HOUR
    noon(DAY + 1)
    ask()
    assert len(phone.texts("0042")) == 7


@pytest.mark.django_db
def test_on_a_device_of_its_own_a_phone_gets_five_an_hour_and_ten_a_day(phone: Phone, noon: Noon):
    prove(phone, NUMBER, device="mine")
    for at in range(1, 5):
        noon(61 * at)
        ask(device="mine")
    noon(61 * 5)
    assert 3000 < refused(device="mine") < HOUR
    for at in range(5):
        noon(HOUR + 61 * (4 + at))
        ask(device="mine")
    noon(3 * HOUR)
    assert refused(device="mine") > 20 * HOUR
    assert CodeRequest.objects.count() == 10


@pytest.mark.django_db
def test_an_attacker_who_takes_all_the_strangers_share_does_not_lock_the_victim_out(phone: Phone, noon: Noon):
    prove(phone, NUMBER, device="mine")
    attacker = networks()
    for at in (61, 122, 183):
        noon(at)
        request_id = ask(network=next(attacker))
        for _ in range(5):  # and guesses, which kill only the attacker's own request
            with pytest.raises((CodeWrong, CodeSpent)):
                login.log_in_by_code(request_id=request_id, code="x", source="portal")
    noon(244)
    assert refused(network=next(attacker)) > HOUR / 2

    came = ask(device="mine")
    assert login.log_in_by_code(request_id=came, code=phone.code("0042"), source="portal").is_new is False


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("inside", "beside"),
    [
        ([f"203.0.113.{n}" for n in range(1, 31)], "203.0.114.1"),
        ([f"2001:db8:1:2::{n:x}" for n in range(1, 31)], "2001:db8:1:3::1"),
        ([f"::ffff:203.0.113.{n}" for n in range(1, 31)], "203.0.114.1"),
    ],
)
def test_a_network_gets_thirty_codes_an_hour(phone: Phone, noon: Noon, inside: list[str], beside: str):
    for n, address in enumerate(inside):
        ask(f"1700000{n:04d}", network=address)

    assert refused("17000009999", network=inside[0]) == HOUR + 1
    ask("17000009998", network=beside)
    noon(HOUR + 1)
    ask("17000009999", network=inside[0])


@pytest.mark.django_db
@pytest.mark.parametrize("number", ["+14155550123", "+85291234567", "+8617100000042", "16500000042", "16200000042"])
def test_foreign_countries_and_virtual_ranges_get_no_code(settings, phone: Phone, noon: Noon, number: str):
    settings.CODE_VIRTUAL_RANGES = ["162", "165", "167", "170", "171"]

    with pytest.raises(PhoneNotServed):
        ask(number)
    assert CodeRequest.objects.count() == 0


@pytest.mark.django_db
def test_a_country_is_allowed_by_a_setting(settings, phone: Phone, noon: Noon):
    settings.CODE_COUNTRIES = ["+86", "+852"]

    ask("+85291234567")
    assert CodeRequest.objects.count() == 1


@pytest.mark.django_db
def test_codes_that_nobody_uses_open_an_alarm_and_newcomers_are_held_back_unawares(phone: Phone, noon: Noon):
    services.register(source="import", phone="17000000001")
    flood(50)
    assert CodeAlarm.objects.count() == 0

    flood(5, number=13_800_000_000, network=100)  # the probes
    alarm = CodeAlarm.objects.get()
    assert (alarm.sent, alarm.used, alarm.closed_at) == (50, 0, None)
    held = login.request_code(phone="17000009999", network="198.51.100.1")
    assert (held.resend_after, held.expires_in, len(held.request_id)) == (60, 300, 28)
    assert phone.texts("9999") == []
    for _ in range(4):
        with pytest.raises(CodeWrong):
            login.log_in_by_code(request_id=held.request_id, code="000000", source="portal")
    with pytest.raises(CodeSpent):
        login.log_in_by_code(request_id=held.request_id, code="000000", source="portal")

    prove(phone, "17000000001", network="198.51.100.2")  # a member's phone, from anywhere
    ask("17000008888", network="198.51.100.3")  # where a member has just come in
    assert len(phone.texts("8888")) == 1
    assert CodeRequest.objects.filter(state="held").count() == 1


@pytest.mark.django_db
def test_the_alarm_closes_when_half_of_the_newcomers_let_through_use_their_codes(phone: Phone, noon: Noon):
    flood(51)
    noon(HOUR)
    for n in range(5):
        prove(phone, f"1700000010{n}", network=f"198.51.{n}.1")
    ask("17000000200", network="198.51.200.1")

    assert CodeAlarm.objects.get().closed_at is not None
    assert len(phone.texts("0200")) == 1


@pytest.mark.django_db
def test_the_alarm_closes_when_nobody_was_held_back_for_a_while(phone: Phone, noon: Noon):
    flood(59)
    noon(899)
    ask("17000000200", network="198.51.200.1")
    assert CodeRequest.objects.filter(state="held").count() == 5  # 50 sent, 5 let through
    noon(1800)
    ask("17000000201", network="198.51.200.2")

    assert CodeAlarm.objects.get().closed_at is not None
    assert len(phone.texts("0201")) == 1


@pytest.mark.django_db
def test_a_crowd_of_real_newcomers_raises_no_alarm(phone: Phone, noon: Noon):
    """A live stream sends them: four in five use their code within half a minute."""
    waiting: list[str] = []
    for n in range(160):
        noon(n)
        number = f"1700001{n:04d}"
        ask(number, network=f"10.1.{n}.1")
        waiting.append(number)
        if n >= 30 and n % 5:
            first = waiting[n - 30]
            request = CodeRequest.objects.order_by("pk")[n - 30]
            login.log_in_by_code(request_id=request.key, code=phone.code(first[-4:]), source="portal")
    assert CodeAlarm.objects.count() == 0
    assert CodeRequest.objects.filter(state="held").count() == 0


@pytest.mark.django_db(transaction=True)
def test_twenty_simultaneous_asks_for_one_phone_send_one_code(phone: Phone):
    def press(n: int) -> str:
        try:
            ask(network=f"10.0.{n}.1")
            return "sent"
        except TooManyCodes:
            return "refused"
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as pool:
        assert Counter(pool.map(press, range(20))) == {"sent": 1, "refused": 19}
    assert len(phone.texts("0042")) == 1


@pytest.mark.django_db(transaction=True)
def test_forty_simultaneous_asks_from_one_network_send_thirty(phone: Phone):
    def press(n: int) -> str:
        try:
            with house_clock.frozen(NOON):
                ask(f"1700000{n:04d}", network=f"203.0.113.{n}")
            return "sent"
        except TooManyCodes:
            return "refused"
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as pool:
        assert Counter(pool.map(press, range(40))) == {"sent": 30, "refused": 10}
    assert phone.client.stats()["deliveries"] == 30


def test_networks_are_told_apart_by_their_prefix():
    assert guard.network_of("203.0.113.77") == "203.0.113.0/24"
    assert guard.network_of("2001:db8:1:2:3:4:5:6") == "2001:db8:1:2::/64"
    assert guard.network_of("::ffff:203.0.113.77") == "203.0.113.0/24"
    assert guard.network_of("fe80::1%eth0") == "fe80::/64"
    assert guard.network_of("unix:") == "unix:"
