"""Second factors of staff: an authenticator app, security keys, recovery codes. allauth.mfa keeps and checks them; every code
opens once, and the database decides which of two tries that was.
"""

import hmac
from base64 import b64decode, b64encode
from dataclasses import dataclass
from typing import Any

from allauth.account.utils import user_pk_to_url_str
from allauth.core import context
from allauth.mfa.adapter import DefaultMFAAdapter
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal.auth import TOTP, format_hotp_value, generate_totp_secret, hotp_value
from allauth.mfa.utils import decrypt, encrypt
from allauth.mfa.webauthn.internal import auth as webauthn
from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import connection, transaction
from django.utils.translation import gettext as _

from apps.core import audit, brand, ciphers, clock, ratelimits
from apps.core.models import User
from apps.core.ratelimits import Limit
from apps.stores.errors import FactorNeeded, ProofWrong, TooManyTries
from apps.stores.models import Role

PERIOD = 30  # seconds that an app's code lasts; the one before and the one after pass too, for clocks that differ
DRIFT = 1
TRIES = 5
LOCK_SECONDS = 300
MOST_KEYS = 8
Kind = Authenticator.Type
_SEALED = "second-factor"

# A code counts once: the newest counter that opened is kept, and only a later one opens again.
_CLAIM = """
update mfa_authenticator set data = jsonb_set(data, '{counter}', to_jsonb(%(counter)s::bigint)), last_used_at = %(now)s
where id = %(id)s and coalesce((data ->> 'counter')::bigint, -1) < %(counter)s
"""

_REWRAP = """
update mfa_authenticator set data = jsonb_set(data, array[%(name)s::text], to_jsonb(%(fresh)s::text))
where id = %(id)s and data ->> %(name)s = %(stale)s
"""


def _check_roles(value: Any) -> None:
    if value is not None and (not isinstance(value, list) or not set(value) <= set(Role.values)):
        raise ValueError(f"a list of roles is expected: {', '.join(Role.values)}; or null for the installation's own")


brand.declare("stores.second_factor_roles", default=None, check=_check_roles)


class Adapter(DefaultMFAAdapter):
    """What allauth asks of the house: sealing, names, and who we are to a security key."""

    def encrypt(self, text: str) -> str:
        return ciphers.seal_text(text, context=_SEALED)

    def decrypt(self, encrypted_text: str) -> str:
        return ciphers.open_text(encrypted_text, context=_SEALED)

    def get_totp_issuer(self) -> str:
        return brand.name()

    def get_public_key_credential_rp_entity(self) -> dict[str, str]:
        return {"id": context.request.get_host().partition(":")[0], "name": brand.name()}

    def get_public_key_credential_user_entity(self, user: Any) -> dict[str, Any]:
        return {"id": user_pk_to_url_str(user).encode(), "display_name": user.username, "name": user.username}


@dataclass(frozen=True)
class Factors:
    """What a person has set up. Recovery codes alone are no factor."""

    app: Authenticator | None
    keys: tuple[Authenticator, ...]
    codes_left: int

    @property
    def is_on(self) -> bool:
        return self.app is not None or bool(self.keys)


def of(user: User) -> Factors:
    rows = list(Authenticator.objects.filter(user_id=user.pk).order_by("pk"))
    app = next((row for row in rows if row.type == Kind.TOTP), None)
    codes = next((row for row in rows if row.type == Kind.RECOVERY_CODES), None)
    left = len(RecoveryCodes(codes).get_unused_codes()) if codes else 0
    return Factors(app, tuple(row for row in rows if row.type == Kind.WEBAUTHN), left)


def is_on(user: User) -> bool:
    return Authenticator.objects.filter(user_id=user.pk, type__in=(Kind.TOTP, Kind.WEBAUTHN)).exists()


def is_required(role: str) -> bool:
    """By the brand setting `stores.second_factor_roles`, else by SECOND_FACTOR_ROLES."""
    chosen = brand.read("stores.second_factor_roles")
    return role in (settings.SECOND_FACTOR_ROLES if chosen is None else chosen)


def new_secret() -> str:
    return generate_totp_secret()


def app_address(*, user: User, secret: str) -> str:
    """The otpauth: address that an authenticator app reads from a picture."""
    return Adapter().build_totp_url(user, secret)


@transaction.atomic
def add_app(*, user: User, secret: str, code: str) -> list[str]:
    """Turn the app on with its first code. Returns the recovery codes if these are the first, else none. Raises ProofWrong."""
    counter = _counter_of(secret, code)
    if counter is None or Authenticator.objects.filter(user_id=user.pk, type=Kind.TOTP).exists():
        raise ProofWrong
    made = TOTP.activate(user, secret).instance
    _claim(made, counter)
    audit.record("second_factor.added", object_type="core_user", object_id=user.pk, after={"kind": Kind.TOTP})
    return _first_codes(user)


def key_options(user: User) -> dict:
    """What the browser needs to make a new key. The challenge waits in the session of the present request."""
    return webauthn.begin_registration(user, False)


@transaction.atomic
def add_key(*, user: User, name: str, credential: dict) -> list[str]:
    """Keep a key that the browser made. Returns recovery codes as `add_app` does. Raises ProofWrong."""
    if Authenticator.objects.filter(user_id=user.pk, type=Kind.WEBAUTHN).count() >= MOST_KEYS:
        raise ProofWrong
    try:
        webauthn.parse_registration_response(credential)
        webauthn.complete_registration(credential)
    except (ValidationError, ValueError, TypeError, KeyError) as unfit:
        raise ProofWrong from unfit
    webauthn.WebAuthn.add(user, name.strip()[:40] or _("Security key"), credential)
    audit.record("second_factor.added", object_type="core_user", object_id=user.pk, after={"kind": Kind.WEBAUTHN})
    return _first_codes(user)


def proof_options(user: User) -> dict:
    """What the browser needs to ask one of the person's keys. The challenge waits in the session of the present request."""
    return webauthn.begin_authentication(user)


def check_key(*, user: User, credential: dict) -> None:
    """Raises ProofWrong, TooManyTries."""
    with _counted(user):
        try:
            webauthn.parse_authentication_response(credential)
            webauthn.complete_authentication(user, credential).record_usage()
        except (ValidationError, ValueError, TypeError, KeyError) as unfit:
            raise ProofWrong from unfit


def check_code(*, user: User, code: str) -> str:
    """Spend a code of the app or a recovery code; which of the two it was. Raises ProofWrong, TooManyTries."""
    code = "".join(code.split()).replace("-", "")
    with _counted(user):
        for row in Authenticator.objects.filter(user_id=user.pk, type__in=(Kind.TOTP, Kind.RECOVERY_CODES)):
            if _opens(row, code):
                if row.type == Kind.RECOVERY_CODES:
                    audit.record("second_factor.recovered", object_type="core_user", object_id=user.pk)
                return str(row.type)
        raise ProofWrong


def check_password(*, user: User, password: str) -> None:
    """Raises ProofWrong, TooManyTries."""
    with _counted(user):
        if not user.check_password(password):
            raise ProofWrong


@transaction.atomic
def new_codes(user: User) -> list[str]:
    """Ten fresh recovery codes; the old ones open nothing any more. Nobody can show them again."""
    Authenticator.objects.filter(user_id=user.pk, type=Kind.RECOVERY_CODES).delete()
    audit.record("second_factor.codes_made", object_type="core_user", object_id=user.pk)
    return RecoveryCodes.activate(user).generate_codes()


@transaction.atomic
def remove(*, user: User, factor_id: int, role: str) -> None:
    """Take one away; recovery codes go with the last. Raises FactorNeeded where the role may not be without."""
    others = Authenticator.objects.filter(user_id=user.pk, type__in=(Kind.TOTP, Kind.WEBAUTHN)).exclude(pk=factor_id)
    is_last = not others.exists()
    if is_last and is_required(role):
        raise FactorNeeded
    gone = Authenticator.objects.filter(user_id=user.pk, type__in=(Kind.TOTP, Kind.WEBAUTHN), pk=factor_id)
    if not gone.delete()[0]:
        return
    if is_last:
        Authenticator.objects.filter(user_id=user.pk).delete()
    audit.record("second_factor.removed", object_type="core_user", object_id=user.pk)


@transaction.atomic
def reset(user: User) -> int:
    """Everything off, for somebody who lost phone, keys and codes; how many rows went."""
    gone = Authenticator.objects.filter(user_id=user.pk).delete()[0]
    audit.record("second_factor.reset", object_type="core_user", object_id=user.pk)
    return gone


def seal(text: str) -> str:
    """For a secret that waits in a session until its first code."""
    return encrypt(text)


def unseal(text: str) -> str:
    return decrypt(text)


def rewrap_secrets() -> int:
    """Put every secret under the newest field key (see `members.rotation`); how many changed. Repeatable.

    One that somebody changed meanwhile is left for the next run. Raises BadCipher when an old field key is missing.
    """
    newest, done = next(iter(settings.FIELD_KEYS)), 0
    for row in Authenticator.objects.filter(type__in=(Kind.TOTP, Kind.RECOVERY_CODES)).order_by("pk"):
        name = "secret" if row.type == Kind.TOTP else "seed"
        wrapped, _dot, sealed = row.data[name].partition(".")
        if ciphers.key_id(b64decode(wrapped)) == newest:
            continue
        fresh = f"{b64encode(ciphers.rewrap(b64decode(wrapped))).decode()}.{sealed}"
        with connection.cursor() as cursor:
            cursor.execute(_REWRAP, {"id": row.pk, "name": name, "stale": row.data[name], "fresh": fresh})
            done += cursor.rowcount
    return done


def _first_codes(user: User) -> list[str]:
    if Authenticator.objects.filter(user_id=user.pk, type=Kind.RECOVERY_CODES).exists():
        return []
    return new_codes(user)


def _opens(row: Authenticator, code: str) -> bool:
    if row.type == Kind.RECOVERY_CODES:
        if not RecoveryCodes(row).validate_code(code):
            return False
        row.refresh_from_db()
        row.record_usage()
        return True
    counter = _counter_of(decrypt(row.data["secret"]), code)
    return counter is not None and _claim(row, counter)


def _counter_of(secret: str, code: str) -> int | None:
    """Which half-minute the code belongs to, among those that pass now."""
    present = int(clock.now().timestamp()) // PERIOD
    for counter in range(present - DRIFT, present + DRIFT + 1):
        if hmac.compare_digest(format_hotp_value(hotp_value(secret, counter)).encode(), code.encode()):
            return counter
    return None


def _claim(row: Authenticator, counter: int) -> bool:
    with connection.cursor() as cursor:
        cursor.execute(_CLAIM, {"id": row.pk, "counter": counter, "now": clock.now()})
        return cursor.rowcount == 1


class _counted:
    """Counts wrong proofs per person; the sixth within five minutes is not looked at. A right one clears the count."""

    def __init__(self, user: User) -> None:
        self._limit = Limit("second-factor", str(user.pk), TRIES, LOCK_SECONDS, closed=True)

    def __enter__(self) -> None:
        if ratelimits.ask([self._limit]).refusal:
            raise TooManyTries

    def __exit__(self, kind: type[BaseException] | None, *_rest: object) -> None:
        if kind is None:
            ratelimits.clear(self._limit)
