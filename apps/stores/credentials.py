"""Keys of programs: API clients (servers) and devices (tills of one store). Only digests are stored; a revoked key is refused
on the next request of a page, and within `BELIEVED` seconds by every process that serves the API.

`sk_live_…` and `sk_test_…` belong to clients, `dk_live_…` and `dk_test_…` to devices; test keys see the sandbox only.
"""

import secrets
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Literal

from django.core.exceptions import ValidationError as InvalidAddress
from django.core.validators import validate_email
from django.db import transaction
from django.db.models import F, Func, Value
from django.utils.translation import gettext as _

from apps.core import audit, clock, ids, prepared
from apps.core.errors import NotFound, ValidationFailed
from apps.stores.models import ApiClient, Device, Scope, Store

Kind = Literal["client", "device"]
USED_EVERY = timedelta(hours=1)
BELIEVED = 2.0  # seconds in which a process that serves the API does not ask again for a key that was good
KINDS: tuple[Kind, ...] = ("client", "device")
_PREFIXES: dict[Kind, str] = {"client": "sk", "device": "dk"}
_PUBLIC: dict[Kind, str] = {"client": "cli", "device": "dev"}
_MODELS: dict[Kind, type[ApiClient] | type[Device]] = {"client": ApiClient, "device": Device}
_FIND: dict[Kind, str] = {  # asked at every call of a program
    "client": """select id, scopes, is_sandbox, null::bigint, last_used_at
                   from stores_apiclient where digest = %s and revoked_at is null""",
    "device": """select id, scopes, is_sandbox, store_id, last_used_at
                   from stores_device where digest = %s and revoked_at is null""",
}


@dataclass(frozen=True)
class Issued:
    """A new key. `secret` is shown now and never again."""

    kind: Kind
    id: int
    secret: str


@dataclass(frozen=True)
class Credential:
    """What a valid key may do. `store_id`: devices only."""

    kind: Kind
    id: int
    scopes: frozenset[str]
    is_sandbox: bool
    store_id: int | None = None


@dataclass(frozen=True)
class Listed:
    """One key for people to look at."""

    kind: Kind
    id: int
    name: str
    last_four: str
    scopes: tuple[str, ...]
    is_sandbox: bool
    store_id: int | None
    created_at: datetime
    last_used_at: datetime | None  # to the hour
    revoked_at: datetime | None
    contact: str = ""  # clients only


_good: dict[bytes, tuple[float, Credential]] = {}  # of this process: digest → believed until, who


def issue_client(*, name: str, scopes: Sequence[str], is_sandbox: bool = False, contact: str = "") -> Issued:
    """A key for a server of ours or of a partner; `contact` hears by mail that a version ends. Raises ValidationFailed."""
    return _issue("client", name=name, scopes=scopes, is_sandbox=is_sandbox, contact=_address(contact))


@transaction.atomic
def set_contact(*, client_id: int, contact: str) -> None:
    """Who hears of changes from now on; "" nobody. Raises ValidationFailed, NotFound (also for a revoked key)."""
    rows = ApiClient.objects.filter(pk=client_id, revoked_at=None)
    if not rows.update(contact=_address(contact)):
        raise NotFound
    audit.record(
        "client_key.contact", object_type="client_key", object_id=client_id, after={"has_contact": bool(contact)}
    )


def reachable() -> list[tuple[int, str, str]]:
    """(id, name, contact) of the programs that want to hear of changes."""
    rows = ApiClient.objects.filter(revoked_at=None).exclude(contact="").order_by("pk")
    return list(rows.values_list("pk", "name", "contact"))


def claim_notice(*, client_id: int, notice: str) -> bool:
    """Whether it is still to be told to this program; from now on it counts as told. Two at once: one of them."""
    rows = ApiClient.objects.filter(pk=client_id, revoked_at=None).exclude(told__contains=[notice])
    return bool(rows.update(told=Func(F("told"), Value(notice), function="array_append")))


def unclaim_notice(*, client_id: int, notice: str) -> None:
    """It did not go out."""
    ApiClient.objects.filter(pk=client_id).update(told=Func(F("told"), Value(notice), function="array_remove"))


def issue_device(*, name: str, store_id: int, scopes: Sequence[str], is_sandbox: bool = False) -> Issued:
    """A key for one till of one store. Raises ValidationFailed, NotFound (store)."""
    if not Store.objects.filter(pk=store_id).exists():
        raise NotFound
    return _issue("device", name=name, scopes=scopes, is_sandbox=is_sandbox, store_id=store_id)


def find(secret: str) -> Credential | None:
    """Whose key this is; None when unknown or revoked. One statement, and once an hour a second one that notes the use."""
    kind = next((kind for kind, prefix in _PREFIXES.items() if secret.startswith(f"{prefix}_")), None)
    if kind is None:
        return None
    row = prepared.row(_FIND[kind], [_digest(secret)])
    if row is None:
        return None
    key_id, scopes, is_sandbox, store_id, used_at = row
    _note_use(kind, key_id, used_at)
    return Credential(kind=kind, id=key_id, scopes=frozenset(scopes), is_sandbox=is_sandbox, store_id=store_id)


def find_lately(secret: str) -> Credential | None:
    """As `find`, but a key that was good is believed for `BELIEVED` seconds in this process: what is read at every call of a
    program is a tenth of what a grant of points costs.
    """
    digest = _digest(secret)
    until, found = _good.get(digest, (0.0, None))
    if until > time.monotonic():
        return found
    found = find(secret)
    if found is None:
        _good.pop(digest, None)
    else:
        _good[digest] = (time.monotonic() + BELIEVED, found)
    return found


def living(*, kind: Kind, credential_id: int) -> Credential | None:
    """What a key may do that was shown earlier, for work that goes on without it; None once it is revoked."""
    row = _MODELS[kind].objects.filter(pk=credential_id, revoked_at=None).first()
    return _credential(kind, row) if row else None


@transaction.atomic
def revoke(*, kind: Kind, credential_id: int) -> bool:
    """End a key for good. False: there is none that lives."""
    rows = _MODELS[kind].objects.filter(pk=credential_id, revoked_at=None)
    if not rows.update(revoked_at=clock.now()):
        return False
    _good.clear()
    audit.record(f"{kind}_key.revoked", object_type=f"{kind}_key", object_id=credential_id)
    return True


def public_id(*, kind: Kind, credential_id: int) -> str:
    """`cli_…` or `dev_…`: how people name a key."""
    return ids.encode(_PUBLIC[kind], credential_id)


def named(text: str) -> tuple[Kind, int]:
    """The key that a public id names. Raises NotFound for any other text."""
    kind = next((kind for kind in KINDS if text.startswith(f"{_PUBLIC[kind]}_")), None)
    if kind is None:
        raise NotFound
    return kind, ids.decode(_PUBLIC[kind], text)


def listed(kind: Kind) -> list[Listed]:
    """All keys of a kind, living ones first, newest first."""
    rows = _MODELS[kind].objects.order_by("-id")
    found = [
        Listed(
            kind=kind,
            id=row.pk,
            name=row.name,
            last_four=row.last_four,
            scopes=tuple(row.scopes),
            is_sandbox=row.is_sandbox,
            store_id=row.store_id if isinstance(row, Device) else None,
            created_at=row.created_at,
            last_used_at=row.last_used_at,
            revoked_at=row.revoked_at,
            contact=row.contact if isinstance(row, ApiClient) else "",
        )
        for row in rows
    ]
    return sorted(found, key=lambda key: key.revoked_at is not None)


@transaction.atomic
def _issue(kind: Kind, *, name: str, scopes: Sequence[str], is_sandbox: bool, **more: int | str) -> Issued:
    name, wanted = " ".join(name.split()), sorted(set(scopes))
    _check(name, wanted)
    secret = f"{_PREFIXES[kind]}_{'test' if is_sandbox else 'live'}_{secrets.token_urlsafe(32)}"
    row = _MODELS[kind].objects.create(
        name=name,
        digest=_digest(secret),
        last_four=secret[-4:],
        scopes=wanted,
        is_sandbox=is_sandbox,
        created_at=clock.now(),
        **more,
    )
    facts = {"scopes": wanted, "is_sandbox": is_sandbox}
    audit.record(f"{kind}_key.issued", object_type=f"{kind}_key", object_id=row.pk, after=facts)
    return Issued(kind=kind, id=row.pk, secret=secret)


def _address(text: str) -> str:
    """Raises ValidationFailed."""
    address = text.strip()
    try:
        if address:
            validate_email(address)
    except InvalidAddress:
        message = _("Enter a mail address, such as it@example.com.")
        raise ValidationFailed(errors=[{"pointer": "/contact", "code": "invalid", "message": message}]) from None
    return address


def _check(name: str, scopes: list[str]) -> None:
    errors = []
    if not 2 <= len(name) <= 60:
        errors.append(
            {"pointer": "/name", "code": "invalid", "message": _("Give the key a name of 2 to 60 characters.")}
        )
    if not scopes or any(scope not in Scope.values for scope in scopes):
        errors.append({"pointer": "/scopes", "code": "invalid", "message": _("Choose at least one of the scopes.")})
    if errors:
        raise ValidationFailed(errors=errors)


def _credential(kind: Kind, row: ApiClient | Device) -> Credential:
    return Credential(
        kind=kind,
        id=row.pk,
        scopes=frozenset(row.scopes),
        is_sandbox=row.is_sandbox,
        store_id=row.store_id if isinstance(row, Device) else None,
    )


def _note_use(kind: Kind, key_id: int, used_at: datetime | None) -> None:
    moment = clock.now()
    if used_at is None or used_at <= moment - USED_EVERY:
        _MODELS[kind].objects.filter(pk=key_id).update(last_used_at=moment)


def _digest(secret: str) -> bytes:
    """256 random bits need no slow hash."""
    return sha256(secret.encode()).digest()
