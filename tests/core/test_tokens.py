"""Token families: rotation, reuse, lost answers, revocation; races with real threads."""

from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta, timezone

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from apps.core import clock as house_clock
from apps.core import tokens
from apps.core.errors import TokenExpired, Unauthenticated
from apps.core.models import TokenFamily, TokenPair, User

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=timezone(timedelta(hours=8)))
Clock = Callable[[datetime], datetime]


@pytest.fixture
def user(db: None) -> User:
    return User.objects.create_user("mem-1")


def test_an_access_token_lives_thirty_minutes_and_is_looked_up_in_one_statement(user: User, clock: Clock):
    clock(NOON)
    pair = tokens.open_family(user_id=user.pk, client="mini:wx1", label="iPhone")

    with CaptureQueriesContext(connection) as statements:
        grant = tokens.find(pair.access)
    assert grant == tokens.Grant(user_id=user.pk, family_id=pair.family_id, client="mini:wx1", stepped_up_at=None)
    assert len(statements) == 1
    assert pair.access_expires_at == NOON + timedelta(minutes=30)
    assert pair.refresh_expires_at == NOON + timedelta(days=30)

    clock(NOON + timedelta(minutes=29, seconds=59))
    assert tokens.find(pair.access) == grant
    assert tokens.is_expired(pair.access) is False
    clock(NOON + timedelta(minutes=30))
    assert tokens.find(pair.access) is None
    assert tokens.is_expired(pair.access) is True
    assert tokens.find(pair.refresh) is None
    assert tokens.find("sya_guess") is None
    assert tokens.is_expired("sya_guess") is False


def test_only_digests_are_stored(user: User):
    first = tokens.open_family(user_id=user.pk, client="portal")
    second = tokens.rotate(refresh=first.refresh)

    stored = repr(
        [[bytes(v) if isinstance(v, memoryview) else v for v in row] for row in TokenPair.objects.values_list()]
    )
    for token in (first.access, first.refresh, second.access, second.refresh):
        assert token not in stored
        assert token[4:] not in stored


def test_a_refresh_brings_a_new_pair_and_moves_the_end_of_the_family(user: User, clock: Clock):
    clock(NOON)
    first = tokens.open_family(user_id=user.pk, client="mini:wx1")
    clock(NOON + timedelta(days=29))
    second = tokens.rotate(refresh=first.refresh)

    assert second.family_id == first.family_id
    assert len({first.access, first.refresh, second.access, second.refresh}) == 4
    assert second.refresh_expires_at == NOON + timedelta(days=59)
    assert TokenFamily.objects.get().expires_at == NOON + timedelta(days=59)
    assert tokens.find(second.access) is not None


def test_an_expired_or_unknown_refresh_is_refused_and_nothing_is_written(user: User, clock: Clock):
    clock(NOON)
    pair = tokens.open_family(user_id=user.pk, client="mini:wx1")
    clock(NOON + timedelta(days=30))

    with pytest.raises(TokenExpired):
        tokens.rotate(refresh=pair.refresh)
    with pytest.raises(Unauthenticated):
        tokens.rotate(refresh=pair.access)
    with pytest.raises(Unauthenticated):
        tokens.rotate(refresh="syr_guess")
    assert TokenPair.objects.count() == 1
    assert TokenFamily.objects.get().revoked_at is None


def test_a_used_refresh_revokes_the_family_and_only_that_one(user: User, clock: Clock):
    clock(NOON)
    other = tokens.open_family(user_id=user.pk, client="portal")
    first = tokens.open_family(user_id=user.pk, client="mini:wx1")
    second = tokens.rotate(refresh=first.refresh)
    clock(NOON + timedelta(seconds=11))

    with pytest.raises(Unauthenticated):
        tokens.rotate(refresh=first.refresh)
    assert tokens.find(second.access) is None
    assert tokens.is_expired(second.access) is False
    with pytest.raises(Unauthenticated):
        tokens.rotate(refresh=second.refresh)
    assert tokens.find(other.access) is not None
    assert TokenFamily.objects.get(pk=first.family_id).revoked_because == "reuse"


def test_a_lost_answer_is_given_again_while_its_pair_is_unused(user: User, clock: Clock):
    clock(NOON)
    first = tokens.open_family(user_id=user.pk, client="mini:wx1")
    second = tokens.rotate(refresh=first.refresh)
    clock(NOON + timedelta(seconds=10))

    assert tokens.rotate(refresh=first.refresh) == second
    assert TokenPair.objects.count() == 2
    third = tokens.rotate(refresh=second.refresh)
    with pytest.raises(Unauthenticated):  # the successor has been used: this is no lost answer
        tokens.rotate(refresh=first.refresh)
    assert tokens.find(third.access) is None


def test_sessions_list_live_log_ins_and_revoking_counts_at_once(user: User, clock: Clock):
    stranger = User.objects.create_user("mem-2")
    clock(NOON)
    phone = tokens.open_family(user_id=user.pk, client="mini:wx1", label="iPhone")
    clock(NOON + timedelta(hours=2))
    web = tokens.open_family(user_id=user.pk, client="portal", label="Chrome")
    assert [session.label for session in tokens.sessions(user.pk)] == ["Chrome", "iPhone"]

    assert tokens.revoke_family(family_id=phone.family_id, user_id=stranger.pk) is False
    assert len(tokens.sessions(user.pk)) == 2
    assert tokens.revoke_family(family_id=phone.family_id, user_id=user.pk) is True
    assert tokens.revoke_family(family_id=phone.family_id, user_id=user.pk) is False
    assert tokens.find(phone.access) is None
    assert tokens.of_family(phone.family_id) is None
    with pytest.raises(Unauthenticated):
        tokens.rotate(refresh=phone.refresh)

    third = tokens.open_family(user_id=user.pk, client="portal")
    assert tokens.revoke_user(user_id=user.pk, but=web.family_id) == 1
    assert tokens.find(third.access) is None
    assert tokens.of_family(web.family_id) is not None
    assert tokens.revoke_user(user_id=user.pk) == 1
    assert tokens.sessions(user.pk) == []


def test_an_account_that_is_switched_off_is_refused_everywhere(user: User):
    pair = tokens.open_family(user_id=user.pk, client="portal")
    User.objects.update(is_active=False)

    assert tokens.find(pair.access) is None
    assert tokens.of_family(pair.family_id) is None
    with pytest.raises(Unauthenticated):
        tokens.rotate(refresh=pair.refresh)


def test_a_used_session_lives_on_and_is_written_once_an_hour(user: User, clock: Clock):
    clock(NOON)
    family_id = tokens.open_family(user_id=user.pk, client="portal").family_id
    clock(NOON + timedelta(minutes=59))
    assert tokens.touch(family_id=family_id) is False
    clock(NOON + timedelta(days=29))
    assert tokens.touch(family_id=family_id) is True
    clock(NOON + timedelta(days=58))
    assert tokens.of_family(family_id) is not None
    clock(NOON + timedelta(days=59))
    assert tokens.of_family(family_id) is None
    assert tokens.touch(family_id=family_id) is False


@pytest.mark.django_db(transaction=True)
def test_sixteen_simultaneous_rotations_of_one_refresh_make_one_pair_and_answer_it_to_all():
    user = User.objects.create_user("mem-1")
    first = tokens.open_family(user_id=user.pk, client="mini:wx1")

    def rotate(_: int) -> str:
        try:
            return tokens.rotate(refresh=first.refresh).refresh
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as pool:
        answers = Counter(pool.map(rotate, range(16)))

    assert list(answers.values()) == [16]
    assert TokenPair.objects.count() == 2
    assert tokens.rotate(refresh=next(iter(answers))).family_id == first.family_id


@pytest.mark.django_db(transaction=True)
def test_a_thief_and_the_owner_at_once_end_with_the_family_revoked():
    """The owner has rotated on; then ten copies of the stolen token arrive together."""
    user = User.objects.create_user("mem-1")
    with house_clock.frozen(NOON):
        first = tokens.open_family(user_id=user.pk, client="mini:wx1")
        second = tokens.rotate(refresh=first.refresh)

    def steal(_: int) -> str:
        try:
            with house_clock.frozen(NOON + timedelta(minutes=1)):
                tokens.rotate(refresh=first.refresh)
            return "in"
        except Unauthenticated:
            return "refused"
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as pool:
        outcomes = Counter(pool.map(steal, range(10)))

    assert outcomes == {"refused": 10}
    with house_clock.frozen(NOON + timedelta(minutes=1)):
        assert tokens.find(second.access) is None
    assert TokenPair.objects.count() == 2


@pytest.mark.django_db(transaction=True)
def test_a_rotation_inside_a_transaction_is_refused_because_its_refusal_must_be_written():
    with pytest.raises(RuntimeError), transaction.atomic():
        tokens.rotate(refresh="syr_any")
