"""Second factors of staff: every code opens once, whoever tries it twice at the same time (T-S13)."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import connections

from apps.core import brand
from apps.core import clock as house_clock
from apps.core.models import AuditEntry, User
from apps.stores import second_factor
from apps.stores.errors import FactorNeeded, ProofWrong, TooManyTries
from apps.stores.models import Role

MORNING = datetime(2026, 3, 2, 1, 0, tzinfo=UTC)
SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"


@pytest.fixture
def lin(db: None, clock: Callable[[datetime], datetime]) -> User:
    clock(MORNING)
    return User.objects.create_user("lin", "long-enough-2026")


def code(moment: datetime = MORNING) -> str:
    return format_hotp_value(hotp_value(SECRET, int(moment.timestamp()) // 30))


def with_app(user: User, clock: Callable[[datetime], datetime]) -> list[str]:
    """The app set up a minute ago: its code of now is unused. Returns the recovery codes."""
    clock(MORNING - timedelta(minutes=1))
    codes = second_factor.add_app(user=user, secret=SECRET, code=code(MORNING - timedelta(minutes=1)))
    clock(MORNING)
    return codes


def test_codes_are_those_of_the_published_standard():
    secret = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"  # RFC 6238, appendix B, cut to six digits

    shown = [format_hotp_value(hotp_value(secret, at // 30)) for at in (59, 1111111109, 1234567890, 2000000000)]

    assert shown == ["287082", "081804", "005924", "279037"]


def test_setting_up_the_app_needs_its_code_and_gives_ten_recovery_codes_once(lin: User):
    with pytest.raises(ProofWrong):
        second_factor.add_app(user=lin, secret=SECRET, code="000000")
    assert not second_factor.is_on(lin)

    codes = second_factor.add_app(user=lin, secret=SECRET, code=code())

    assert len(set(codes)) == 10
    assert {len(found) for found in codes} == {8}
    assert second_factor.of(lin).codes_left == 10
    with pytest.raises(ProofWrong):
        second_factor.add_app(user=lin, secret=SECRET, code=code())
    assert AuditEntry.objects.filter(action="second_factor.added", object_id=str(lin.pk)).count() == 1


def test_the_code_of_the_set_up_does_not_open_afterwards(lin: User):
    second_factor.add_app(user=lin, secret=SECRET, code=code())

    with pytest.raises(ProofWrong):
        second_factor.check_code(user=lin, code=code())


def test_a_code_opens_once_and_an_older_one_never_again(lin: User, clock):
    with_app(lin, clock)
    assert second_factor.check_code(user=lin, code=f"{code()[:3]} {code()[3:]}") == "totp"

    for spent in (code(), code(MORNING - timedelta(seconds=30))):
        with pytest.raises(ProofWrong):
            second_factor.check_code(user=lin, code=spent)

    assert second_factor.check_code(user=lin, code=code(MORNING + timedelta(seconds=30))) == "totp"


@pytest.mark.parametrize(("seconds", "opens"), [(-60, False), (-30, True), (0, True), (30, True), (60, False)])
def test_a_clock_may_differ_by_half_a_minute(lin: User, clock, seconds: int, opens: bool):
    clock(MORNING - timedelta(hours=1))
    second_factor.add_app(user=lin, secret=SECRET, code=code(MORNING - timedelta(hours=1)))
    clock(MORNING)
    shown = code(MORNING + timedelta(seconds=seconds))

    if opens:
        assert second_factor.check_code(user=lin, code=shown) == "totp"
    else:
        with pytest.raises(ProofWrong):
            second_factor.check_code(user=lin, code=shown)


def test_a_recovery_code_opens_once(lin: User, clock):
    first, second, *_ = with_app(lin, clock)

    assert second_factor.check_code(user=lin, code=f"{first[:4]} {first[4:]}") == "recovery_codes"
    with pytest.raises(ProofWrong):
        second_factor.check_code(user=lin, code=first)

    assert second_factor.of(lin).codes_left == 9
    assert second_factor.check_code(user=lin, code=second) == "recovery_codes"
    assert AuditEntry.objects.filter(action="second_factor.recovered", object_id=str(lin.pk)).count() == 2


def test_new_recovery_codes_end_the_old_ones(lin: User, clock):
    old = with_app(lin, clock)
    new = second_factor.new_codes(lin)

    with pytest.raises(ProofWrong):
        second_factor.check_code(user=lin, code=old[0])
    assert second_factor.check_code(user=lin, code=new[0]) == "recovery_codes"


@pytest.mark.parametrize("kind", ["totp", "recovery_codes"])
@pytest.mark.django_db(transaction=True)
def test_of_many_simultaneous_tries_with_one_code_one_opens(kind: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(second_factor, "TRIES", 1000)
    user = User.objects.create_user("lin", "long-enough-2026")
    with house_clock.frozen(MORNING - timedelta(minutes=1)):
        codes = second_factor.add_app(user=user, secret=SECRET, code=code(MORNING - timedelta(minutes=1)))
    shown = code() if kind == "totp" else codes[0]

    def attempt(_: int) -> str:
        try:
            with house_clock.frozen(MORNING):
                return second_factor.check_code(user=user, code=shown)
        except ProofWrong:
            return ""
        finally:
            connections.close_all()

    with ThreadPoolExecutor(8) as pool:
        opened = [found for found in pool.map(attempt, range(24)) if found]

    assert opened == [kind]


def test_the_sixth_wrong_try_is_not_looked_at(lin: User, clock):
    with_app(lin, clock)
    for _ in range(5):
        with pytest.raises(ProofWrong):
            second_factor.check_code(user=lin, code="000000")

    with pytest.raises(TooManyTries):
        second_factor.check_code(user=lin, code=code())


def test_a_right_code_clears_the_count(lin: User, clock):
    codes = with_app(lin, clock)
    for right in codes[:3]:
        for _ in range(4):
            with pytest.raises(ProofWrong):
                second_factor.check_code(user=lin, code="000000")
        assert second_factor.check_code(user=lin, code=right) == "recovery_codes"


def test_one_persons_code_opens_nothing_of_another(lin: User, clock):
    codes = with_app(lin, clock)
    mei = User.objects.create_user("mei", "long-enough-2026")

    for found in (code(), codes[0]):
        with pytest.raises(ProofWrong):
            second_factor.check_code(user=mei, code=found)


def test_neither_secret_nor_recovery_seed_can_be_read_in_the_database(lin: User, clock):
    codes = with_app(lin, clock)

    stored = str(list(Authenticator.objects.values_list("data", flat=True)))

    assert SECRET not in stored
    assert not any(found in stored for found in codes)


def test_after_a_key_rotation_the_old_field_key_may_go(lin: User, clock, settings):
    codes = with_app(lin, clock)
    (old_id, old), *_ = settings.FIELD_KEYS.items()
    settings.FIELD_KEYS = {"k2": bytes(range(7, 39)), old_id: old}

    assert second_factor.rewrap_secrets() == 2
    assert second_factor.rewrap_secrets() == 0

    settings.FIELD_KEYS = {"k2": bytes(range(7, 39))}
    assert second_factor.check_code(user=lin, code=code()) == "totp"
    assert second_factor.check_code(user=lin, code=codes[0]) == "recovery_codes"


def test_the_last_one_takes_the_recovery_codes_with_it(lin: User, clock):
    with_app(lin, clock)
    app = second_factor.of(lin).app
    assert app is not None

    second_factor.remove(user=lin, factor_id=app.pk, role=Role.MARKETER)

    assert Authenticator.objects.count() == 0
    assert AuditEntry.objects.filter(action="second_factor.removed").count() == 1


def test_a_role_that_needs_one_keeps_its_last(lin: User, clock):
    brand.write("stores.second_factor_roles", ["admin"])
    with_app(lin, clock)
    app = second_factor.of(lin).app
    assert app is not None

    with pytest.raises(FactorNeeded):
        second_factor.remove(user=lin, factor_id=app.pk, role=Role.ADMIN)

    assert second_factor.is_on(lin)


def test_nobody_removes_another_persons(lin: User, clock):
    with_app(lin, clock)
    app = second_factor.of(lin).app
    mei = User.objects.create_user("mei", "long-enough-2026")
    assert app is not None

    second_factor.remove(user=mei, factor_id=app.pk, role=Role.MARKETER)

    assert second_factor.is_on(lin)


def test_the_brand_or_else_the_installation_says_which_roles_need_one(db: None, settings):
    settings.SECOND_FACTOR_ROLES = ["admin"]
    assert [second_factor.is_required(role) for role in ("admin", "clerk")] == [True, False]

    brand.write("stores.second_factor_roles", ["clerk"])

    assert [second_factor.is_required(role) for role in ("admin", "clerk")] == [False, True]
    with pytest.raises(ValueError, match="list of roles"):
        brand.write("stores.second_factor_roles", ["cook"])


def test_an_administrator_at_the_machine_can_reset_somebody_who_lost_everything(lin: User, clock):
    with_app(lin, clock)

    call_command("reset_second_factor", "lin")

    assert not second_factor.is_on(lin)
    assert AuditEntry.objects.filter(action="second_factor.reset", object_id=str(lin.pk)).count() == 1
    with pytest.raises(CommandError):
        call_command("reset_second_factor", "nobody")
