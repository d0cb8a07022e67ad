"""A key makes one effect, whoever sends how many copies of it at the same time."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from threading import Barrier

import pytest
from django.db import connection

from apps.core import audit, idempotency, ratelimits
from apps.core.idempotency import Answer, Claim, IdempotencyInProgress, IdempotencyKeyRequired, IdempotencyKeyReused
from apps.core.models import AuditEntry, IdempotencyKey
from apps.core.ratelimits import Mark

NOON = datetime(2026, 11, 22, 4, 0, tzinfo=UTC)
COPIES, AT_ONCE, KEYS = 50, 10, 8


def claim(*, key: str = "k1", actor: str = "user:7", body: bytes = b"{}") -> Claim:
    return Claim(actor=actor, route="POST /api/v1/orders", key=key, digest=sha256(body).digest())


def effect(status: int = 201, body: bytes = b'{"id":"ord_1"}') -> Answer:
    audit.record("test.effect")
    return Answer(status=status, body=body, headers={"ETag": '"e"'})


def effects() -> int:
    return AuditEntry.objects.filter(action="test.effect").count()


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("with_valkey", [True, False])
def test_fifty_copies_of_each_key_have_one_effect_and_one_answer(with_valkey: bool):
    gate = Barrier(AT_ONCE)

    def send(number: int) -> str | bytes:
        mine = claim(key=f"k{number // COPIES}")
        try:
            gate.wait()
            mark = ratelimits.ask([], mark=mine.mark).mark if with_valkey else Mark.UNKNOWN
            return idempotency.once(mine, mark=mark, act=lambda: effect(body=str(number).encode())).body
        except IdempotencyInProgress as refusal:
            return refusal.code
        finally:
            connection.close()

    with ThreadPoolExecutor(AT_ONCE) as pool:
        outcomes = list(pool.map(send, range(COPIES * KEYS)))

    assert effects() == KEYS
    for key in range(KEYS):
        answers = {x for x in outcomes[key * COPIES : (key + 1) * COPIES] if x != "idempotency_in_progress"}
        assert answers == {bytes(IdempotencyKey.objects.get(key=f"k{key}").body)}


@pytest.mark.django_db
def test_a_repeat_gets_the_stored_answer_to_the_byte_also_a_refusal():
    idempotency.once(claim(), mark=Mark.FRESH, act=lambda: effect(409, b'{"code":"order_not_open"}'))

    again = idempotency.once(claim(), mark=Mark.SEEN, act=effect)

    assert again == Answer(409, b'{"code":"order_not_open"}', {"ETag": '"e"'}, is_replayed=True)
    assert effects() == 0, "what a refusal wrote before is undone"


@pytest.mark.django_db
def test_a_refusal_that_was_overtaken_gives_way_to_what_the_other_copy_did():
    def overtaken() -> Answer:
        return effect(409, b'{"code":"order_not_open"}')

    idempotency.once(claim(), mark=Mark.FRESH, act=effect)

    late = idempotency.once(claim(), mark=Mark.FRESH, act=overtaken)  # Valkey lost its memory

    assert (late.status, late.is_replayed, effects()) == (201, True, 1)


@pytest.mark.django_db
def test_the_same_key_with_another_body_is_refused_and_has_no_effect():
    idempotency.once(claim(), mark=Mark.FRESH, act=effect)

    with pytest.raises(IdempotencyKeyReused):
        idempotency.once(claim(body=b'{"a":1}'), mark=Mark.SEEN, act=effect)
    with pytest.raises(IdempotencyKeyReused):  # Valkey lost its memory
        idempotency.once(claim(body=b'{"a":1}'), mark=Mark.FRESH, act=effect)

    assert effects() == 1


@pytest.mark.django_db
def test_another_actor_with_the_same_key_is_another_request():
    idempotency.once(claim(), mark=Mark.FRESH, act=lambda: effect(body=b"mine"))

    other = idempotency.once(claim(actor="user:8"), mark=Mark.FRESH, act=lambda: effect(body=b"yours"))

    assert (other.body, other.is_replayed) == (b"yours", False)
    assert effects() == 2


@pytest.mark.django_db
@pytest.mark.parametrize("status", [401, 429, 500, 503])
def test_an_answer_that_may_be_another_one_next_time_is_not_stored_and_leaves_nothing(status: int):
    first = claim()
    assert ratelimits.ask([], mark=first.mark).mark == Mark.FRESH

    idempotency.once(first, mark=Mark.FRESH, act=lambda: effect(status))

    assert (effects(), IdempotencyKey.objects.count()) == (0, 0)
    assert ratelimits.ask([], mark=first.mark).mark == Mark.FRESH


@pytest.mark.django_db
def test_a_crash_leaves_neither_effect_nor_answer():
    def crash() -> Answer:
        effect()
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        idempotency.once(claim(), mark=Mark.FRESH, act=crash)

    assert (effects(), IdempotencyKey.objects.count()) == (0, 0)


@pytest.mark.django_db
def test_a_copy_of_a_request_at_work_is_told_so():
    with pytest.raises(IdempotencyInProgress):
        idempotency.once(claim(), mark=Mark.BUSY, act=effect)

    assert effects() == 0


@pytest.mark.django_db
def test_after_24_hours_the_key_is_free_again_and_is_swept_away(clock):
    clock(NOON)
    idempotency.once(claim(), mark=Mark.FRESH, act=effect)
    clock(NOON + timedelta(hours=23, minutes=59))
    assert idempotency.once(claim(), mark=Mark.SEEN, act=effect).is_replayed
    assert idempotency.purge() == 0

    clock(NOON + timedelta(hours=24, seconds=1))
    assert not idempotency.once(claim(body=b"other"), mark=Mark.SEEN, act=effect).is_replayed
    assert effects() == 2

    clock(NOON + timedelta(hours=49))
    assert idempotency.purge() == 1


def test_keys_are_read_quoted_or_bare():
    assert idempotency.read_key('"8e03978e-40d5"') == idempotency.read_key("8e03978e-40d5") == "8e03978e-40d5"
    assert idempotency.read_key('"a\\"b\\\\c"') == 'a"b\\c'
    assert idempotency.read_key("x" * 255) == "x" * 255
    for bad in ("", '""', '"', '"a', '"a\\"', '"a"b"', '"a\\b"', " a", "a\n", "\xa0a", "   ", "x" * 256, "键", "a\tb"):
        with pytest.raises(IdempotencyKeyRequired):
            idempotency.read_key(bad)
