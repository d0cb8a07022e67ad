"""Opaque tokens in families: 30 minutes of access, a rotating refresh of 30 days; revocation counts from the next request on.

Only digests are stored. Every look-up reads PostgreSQL, so no process can go on honouring what another one has revoked.

A refresh token is used once; using it again revokes its family, because one of the two users must be a thief. One exception
keeps honest phones signed in: when the answer was lost and the same token comes again within RETRY_SECONDS, and its successor
has not been used, the **same** successor is answered. That needs no stored token: the successor is derived from the old token,
a stored salt and SECRET_KEY. A thief who is as quick holds the same pair as the owner, and the next rotation betrays one of them.
"""

import base64
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256

import structlog
from django.db import transaction
from django.db.models import QuerySet
from django.utils.crypto import salted_hmac

from apps.core import clock
from apps.core.errors import TokenExpired, Unauthenticated
from apps.core.models import TokenFamily, TokenPair

log = structlog.get_logger("siyu.tokens")
ACCESS_LIFE = timedelta(minutes=30)
REFRESH_LIFE = timedelta(days=30)
RETRY_SECONDS = 10
SEEN_EVERY = timedelta(hours=1)
ACCESS_PREFIX, REFRESH_PREFIX = "sya_", "syr_"  # so that scanners for leaked secrets know them
_SALT_BYTES = 16


@dataclass(frozen=True)
class Pair:
    """What a log-in or a rotation hands out; the tokens are shown here once and stored nowhere."""

    access: str
    refresh: str
    access_expires_at: datetime
    refresh_expires_at: datetime
    family_id: int


@dataclass(frozen=True)
class Grant:
    """What a valid token or session stands for."""

    user_id: int
    family_id: int
    client: str
    stepped_up_at: datetime | None


@dataclass(frozen=True)
class Session:
    """One live log-in, for "where you are signed in"."""

    family_id: int
    client: str
    label: str
    created_at: datetime
    seen_at: datetime  # coarse


@transaction.atomic
def open_family(*, user_id: int, client: str, label: str = "") -> Pair:
    """A new log-in. `client` names the door ("portal", "mini:wx123"), `label` the device in the person's words."""
    moment = clock.now()
    family = TokenFamily.objects.create(
        user_id=user_id,
        client=client[:40],
        label=label[:80],
        created_at=moment,
        seen_at=moment,
        expires_at=moment + REFRESH_LIFE,
    )
    return _store(family.pk, _written(secrets.token_bytes(32)), _written(secrets.token_bytes(32)), moment)


def rotate(*, refresh: str) -> Pair:
    """The next pair. Raises TokenExpired, or Unauthenticated: unknown, revoked, or used before (then the family is revoked).

    Call it with no transaction open: a refusal here writes, and must not be rolled back with it.
    """
    with transaction.atomic(durable=True):
        pair, refusal = _rotate(refresh, clock.now())
    if pair is None:
        raise refusal
    return pair


def find(access: str) -> Grant | None:
    """Who holds this access token; None when it is unknown, expired or revoked, or the account is switched off. One statement."""
    pairs = TokenPair.objects.filter(
        access_digest=digest(access),
        access_expires_at__gt=clock.now(),
        family__revoked_at=None,
        family__user__is_active=True,
    )
    rows = pairs.values_list("family__user_id", "family_id", "family__client", "family__stepped_up_at")[:1]
    return next((Grant(*row) for row in rows), None)


def digest(token: str) -> bytes:
    """What is stored of a token: 256 random bits need no slow hash."""
    return sha256(token.encode()).digest()


def is_expired(access: str) -> bool:
    """Whether a token that `find` did not honour is merely too old (`token_expired`) and not unknown or revoked."""
    return TokenPair.objects.filter(
        access_digest=digest(access), access_expires_at__lte=clock.now(), family__revoked_at=None
    ).exists()


def of_family(family_id: int) -> Grant | None:
    """The grant behind a session cookie that names its family; None when it is over. One statement."""
    families = _live().filter(pk=family_id, user__is_active=True)
    rows = families.values_list("user_id", "pk", "client", "stepped_up_at")[:1]
    return next((Grant(*row) for row in rows), None)


def touch(*, family_id: int) -> bool:
    """A session was used: at most once an hour this moves its end 30 days ahead. False: nothing to do."""
    moment = clock.now()
    stale = _live().filter(pk=family_id, seen_at__lte=moment - SEEN_EVERY)
    return bool(stale.update(seen_at=moment, expires_at=moment + REFRESH_LIFE))


def step_up(*, family_id: int) -> bool:
    """Note a fresh proof of who sits there. False: the family is over."""
    return bool(_live().filter(pk=family_id).update(stepped_up_at=clock.now()))


def sessions(user_id: int) -> list[Session]:
    """The live log-ins of an account, last used first."""
    rows = _live().filter(user_id=user_id).order_by("-seen_at", "-pk")
    return [Session(*row) for row in rows.values_list("pk", "client", "label", "created_at", "seen_at")]


def revoke_family(*, family_id: int, user_id: int | None = None, because: str = "signed_out") -> bool:
    """End one log-in; with `user_id` only if it is that account's. False: there is no such live log-in."""
    families = _live().filter(pk=family_id)
    if user_id is not None:
        families = families.filter(user_id=user_id)
    return bool(families.update(revoked_at=clock.now(), revoked_because=because))


def revoke_user(*, user_id: int, but: int | None = None, because: str = "signed_out") -> int:
    """End every log-in of an account, except the family `but`. Returns how many."""
    families = _live().filter(user_id=user_id).exclude(pk=but or 0)
    return families.update(revoked_at=clock.now(), revoked_because=because)


def _rotate(refresh: str, moment: datetime) -> tuple[Pair | None, Unauthenticated | TokenExpired]:
    """The next pair, or why not. Both rows are locked: of two at once the second sees what the first has done."""
    pairs = TokenPair.objects.select_related("family__user").select_for_update(of=("self", "family"))
    pair = pairs.filter(refresh_digest=digest(refresh)).first()
    if pair is None or pair.family.revoked_at or not pair.family.user.is_active:
        return None, Unauthenticated()
    if pair.refresh_expires_at <= moment:
        return None, TokenExpired()
    if pair.rotated_at is None:
        return _succeed(pair, refresh, moment), Unauthenticated()
    again = _answered(pair, refresh) if moment - pair.rotated_at <= timedelta(seconds=RETRY_SECONDS) else None
    if again is None:
        revoke_family(family_id=pair.family_id, because="reuse")
        log.warning("refresh token used twice", family_id=pair.family_id)
    return again, Unauthenticated()


def _succeed(pair: TokenPair, refresh: str, moment: datetime) -> Pair:
    pair.rotated_at, pair.salt = moment, secrets.token_bytes(_SALT_BYTES)
    pair.save(update_fields=["rotated_at", "salt"])
    TokenFamily.objects.filter(pk=pair.family_id).update(seen_at=moment, expires_at=moment + REFRESH_LIFE)
    return _store(pair.family_id, *_derived(refresh, pair.salt), moment)


def _answered(pair: TokenPair, refresh: str) -> Pair | None:
    """The pair that this token was answered with, if nobody has used its refresh token yet."""
    access, following = _derived(refresh, bytes(pair.salt or b""))
    successor = TokenPair.objects.filter(refresh_digest=digest(REFRESH_PREFIX + following), rotated_at=None).first()
    return _shown(successor, access, following) if successor else None


def _store(family_id: int, access: str, refresh: str, moment: datetime) -> Pair:
    pair = TokenPair.objects.create(
        family_id=family_id,
        access_digest=digest(ACCESS_PREFIX + access),
        refresh_digest=digest(REFRESH_PREFIX + refresh),
        access_expires_at=moment + ACCESS_LIFE,
        refresh_expires_at=moment + REFRESH_LIFE,
    )
    return _shown(pair, access, refresh)


def _shown(pair: TokenPair, access: str, refresh: str) -> Pair:
    return Pair(
        access=ACCESS_PREFIX + access,
        refresh=REFRESH_PREFIX + refresh,
        access_expires_at=pair.access_expires_at,
        refresh_expires_at=pair.refresh_expires_at,
        family_id=pair.family_id,
    )


def _derived(refresh: str, salt: bytes) -> tuple[str, str]:
    """Access and refresh token (without prefix) that follow `refresh`; nobody without SECRET_KEY can compute them."""
    access, following = (
        salted_hmac(f"siyu.tokens.{part}.{salt.hex()}", refresh, algorithm="sha256").digest()
        for part in ("access", "refresh")
    )
    return _written(access), _written(following)


def _written(token: bytes) -> str:
    return base64.urlsafe_b64encode(token).rstrip(b"=").decode()


def _live() -> QuerySet[TokenFamily]:
    return TokenFamily.objects.filter(expires_at__gt=clock.now(), revoked_at=None)
