"""T-F1 and T-S6: an attacker who pumps messages while customers come in; an attacker who wants to know who is a member."""

import random
import statistics
import time
from bisect import bisect_right
from collections import Counter
from collections.abc import Callable
from datetime import datetime

import pytest

from apps.core.errors import DomainError
from apps.members import codes, guard, login, services
from apps.members.errors import PhoneNotServed, TooManyCodes
from apps.members.models import CodeAlarm, CodeRequest
from tests.members.conftest import Figure, Phone

Noon = Callable[[float], datetime]
VIRTUAL = ["162", "165", "167", "170", "171"]
QUARTER = 900


def ask(number: str, address: str) -> str:
    return login.request_code(phone=number, network=address).request_id


def come_in(phone: Phone, number: str, address: str) -> bool:
    """One customer: asks, reads the message, types the code."""
    try:
        request_id = ask(number, address)
        key = f"code:{CodeRequest.objects.get(key=request_id).pk}"
        messages = phone.client.messages(key=key)
        if not messages:
            return False
        code = messages[0]["text"].split("：")[1][:6]
        login.log_in_by_code(request_id=request_id, code=code, source="portal")
    except DomainError:
        return False
    return True


def pump(n: int, dice: random.Random) -> str:
    """One shot of the attacker from one of 500 addresses in 125 networks: sequential numbers, one in ten foreign or virtual."""
    address = f"198.{18 + n % 500 // 250}.{n % 125}.{n % 4 + 1}"
    number = str(13_900_000_000 + n)
    if n % 20 == 0:
        number = f"+1415555{n % 10_000:04d}"
    elif n % 20 == 1:
        number = f"1710{dice.randrange(10**7):07d}"
    elif n % 20 == 2:
        number = "13900000777"  # one victim, bombed
    try:
        ask(number, address)
    except (PhoneNotServed, TooManyCodes) as refusal:
        return refusal.code
    return "answered"


def siege(phone: Phone, noon: Noon, *, shots: int, customers: int, figure: Figure) -> None:
    """Half an hour of attack while customers keep coming: 80 % members, 17 % new where others came in, 3 % new anywhere."""
    dice = random.Random(11)
    for n in range(customers):
        services.register(source="import", phone=str(18_600_000_000 + n))
    for n in range(20):  # a morning as any other: shops and homes where somebody has come in
        noon(-QUARTER - 61 * n)
        assert come_in(phone, str(18_700_000_000 + n), f"192.0.{n}.1")
    before = phone.client.stats()["deliveries"]
    seconds = 2 * QUARTER
    acts = [(seconds * n / shots, "attack", n) for n in range(shots)]
    acts += [(seconds * (n + 0.5) / customers, "customer", n) for n in range(customers)]
    outcomes: Counter[str] = Counter()
    inside = 0
    for at, who, n in sorted(acts):
        noon(at)
        if who == "attack":
            outcomes[pump(n, dice)] += 1
        elif n % 100 < 80:
            inside += come_in(phone, str(18_600_000_000 + n), f"100.{n % 200}.{n // 200}.1")
        elif n % 100 < 97:
            inside += come_in(phone, str(18_800_000_000 + n), f"192.0.{n % 20}.{n % 200 + 2}")
        else:
            inside += come_in(phone, str(18_900_000_000 + n), f"100.{n % 200}.{n // 200}.2")
    spend = phone.client.stats()["deliveries"] - before - inside
    figure(
        f"T-F1: {shots} asks by the attacker cost {spend} SMS ({dict(outcomes)}); "
        f"customers inside: {inside} of {customers} ({inside / customers:.1%})"
    )
    assert spend <= 300
    assert inside >= 0.95 * customers
    assert CodeAlarm.objects.get().closed_at is None
    assert len(phone.texts("0777")) <= 5


@pytest.mark.django_db
def test_pumping_messages_costs_little_and_customers_come_in(
    settings, phone: Phone, noon: Noon, figure: Figure, monkeypatch
):
    settings.CODE_VIRTUAL_RANGES = VIRTUAL
    monkeypatch.setattr(codes, "EVEN_SECONDS", 0)  # the attacker's waiting would be ours
    siege(phone, noon, shots=360, customers=60, figure=figure)


@pytest.mark.nightly
@pytest.mark.django_db
def test_ten_thousand_asks_cost_at_most_300_messages(settings, phone: Phone, noon: Noon, figure: Figure, monkeypatch):
    settings.CODE_VIRTUAL_RANGES = VIRTUAL
    monkeypatch.setattr(codes, "EVEN_SECONDS", 0)
    siege(phone, noon, shots=10_000, customers=600, figure=figure)


def same_distribution(ours: list[float], theirs: list[float]) -> float:
    """p of the two-sample Kolmogorov-Smirnov test (asymptotic form)."""
    ours, theirs = sorted(ours), sorted(theirs)
    gap = max(
        abs(bisect_right(ours, value) / len(ours) - bisect_right(theirs, value) / len(theirs))
        for value in (*ours, *theirs)
    )
    n = len(ours) * len(theirs) / (len(ours) + len(theirs))
    x = (n**0.5 + 0.12 + 0.11 / n**0.5) * gap
    return min(
        1.0, max(0.0, 2 * sum((-1) ** (k - 1) * 2.718281828459045 ** (-2 * (k * x) ** 2) for k in range(1, 101)))
    )


def timed(act: Callable[[], object]) -> tuple[float, object]:
    """Milliseconds, and what a client would see of the answer."""
    begun = time.perf_counter()
    try:
        answer = act()
    except DomainError as refusal:
        answer = (refusal.code, refusal.status, str(refusal))
    return 1000 * (time.perf_counter() - begun), answer


def compare(noon: Noon, pairs: int, figure: Figure, *, what: str) -> tuple[float, float]:
    """Ask for known and unknown phones by turns, then guess; the answers must be the same. Returns medians' gap and p."""
    asking: dict[bool, list[float]] = {True: [], False: []}
    guessing: dict[bool, list[float]] = {True: [], False: []}
    seen: set[object] = set()
    for n in range(2 * pairs):
        noon(n / 100)
        known, number, address = n % 2 == 0, str(18_600_000_000 + n), f"100.{n // 250}.{n % 250}.1"
        took, sent = timed(lambda number=number, address=address: login.request_code(phone=number, network=address))
        asking[known].append(took)
        assert isinstance(sent, login.CodeSent)
        took, answer = timed(
            lambda sent=sent: login.log_in_by_code(request_id=sent.request_id, code="no", source="portal")
        )
        guessing[known].append(took)
        seen |= {(sent.resend_after, sent.expires_in, len(sent.request_id)), answer}
    assert len(seen) == 2
    worst_gap, least_p = 0.0, 1.0
    for name, times in (("asking", asking), ("guessing", guessing)):
        gap = abs(statistics.median(times[True]) - statistics.median(times[False]))
        p = same_distribution(times[True], times[False])
        figure(f"T-S6 {what}, {name}: {pairs}+{pairs} phones, medians {gap:.2f} ms apart, KS p = {p:.3f}")
        worst_gap, least_p = max(worst_gap, gap), min(least_p, p)
    return worst_gap, least_p


@pytest.mark.django_db
def test_answers_to_known_and_unknown_phones_are_the_same(phone: Phone, noon: Noon, figure: Figure, monkeypatch):
    """In quiet times; the sample of the conversion guard is out of reach, so that every phone gets its message."""
    monkeypatch.setattr(guard, "LEAST_SAMPLE", 10**6)
    for n in range(0, 160, 2):
        services.register(source="import", phone=str(18_600_000_000 + n))
    gap, _ = compare(noon, 80, figure, what="in quiet times")
    assert gap < 5
    assert CodeRequest.objects.filter(state="held").count() == 0


@pytest.mark.nightly
@pytest.mark.django_db
def test_answers_are_the_same_while_newcomers_are_held_back(phone: Phone, noon: Noon, figure: Figure, monkeypatch):
    monkeypatch.setattr(guard, "LEAST_SAMPLE", 1)
    monkeypatch.setattr(guard, "PROBES", 0)
    monkeypatch.setattr(codes, "EVEN_SECONDS", 0.3)
    for n in range(0, 40, 2):
        services.register(source="import", phone=str(18_600_000_000 + n))
    gap, _ = compare(noon, 20, figure, what="under an alarm")
    assert gap < 100, "ms; without the wait for all alike it is some 250. The night measures to 5"
    assert CodeRequest.objects.filter(state="held").count() == 19


@pytest.mark.nightly
@pytest.mark.django_db
def test_a_thousand_known_and_a_thousand_unknown_phones_cannot_be_told_apart(
    phone: Phone, noon: Noon, figure: Figure, monkeypatch
):
    """T-S6."""
    monkeypatch.setattr(guard, "LEAST_SAMPLE", 10**6)
    for n in range(0, 2000, 2):
        services.register(source="import", phone=str(18_600_000_000 + n))
    gap, p = compare(noon, 1000, figure, what="in quiet times")
    assert gap < 5
    assert p > 0.01
