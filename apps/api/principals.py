"""Who calls the API: a member by access token, a program by client key, a till by device key; never a session."""

from dataclasses import dataclass, field
from datetime import datetime

from apps.core import tokens
from apps.core.errors import TokenExpired
from apps.gateways import sandbox
from apps.members import login
from apps.stores import credentials


@dataclass(frozen=True)
class Principal:
    """`actor` is what the audit trail says: "user:7", "client:3", "device:5"; empty for nobody."""

    kind: str  # nobody | member | client | device
    actor: str = ""
    member_id: int | None = None
    user_id: int | None = None
    family_id: int | None = None
    stepped_up_at: datetime | None = None
    credential_id: int | None = None
    store_id: int | None = None
    scopes: frozenset[str] = field(default_factory=frozenset)
    is_sandbox: bool = False

    def satisfies(self, need: str) -> bool:
        """`member`, `client:<scope>` or `device:<scope>`."""
        kind, _, scope = need.partition(":")
        return self.kind == kind and (kind == "member" or scope in self.scopes)


NOBODY = Principal(kind="nobody")


def find(secret: str) -> Principal:
    """Who holds this secret, in one statement; NOBODY when it is unknown or revoked. Raises TokenExpired."""
    if secret.startswith(("sk_", "dk_")):
        return _program(secret)
    return _member(secret)


def _member(access: str) -> Principal:
    found = login.principal(access)
    if found is None:
        if tokens.is_expired(access):
            raise TokenExpired
        return NOBODY
    return Principal(
        kind="member",
        actor=f"user:{found.user_id}",
        member_id=found.member_id,
        user_id=found.user_id,
        family_id=found.family_id,
        stepped_up_at=found.stepped_up_at,
    )


def _program(secret: str) -> Principal:
    """A sandbox key is nobody's where real members are."""
    found = credentials.find_lately(secret)
    return NOBODY if found is None else _of(found)


def of_client(credential_id: int) -> Principal:
    """A program whose call is over while its work goes on; NOBODY once its key is revoked."""
    found = credentials.living(kind="client", credential_id=credential_id)
    return NOBODY if found is None else _of(found)


def _of(found: credentials.Credential) -> Principal:
    if found.is_sandbox and not sandbox.is_open():
        return NOBODY
    return Principal(
        kind=found.kind,
        actor=f"{found.kind}:{found.id}",
        credential_id=found.id,
        store_id=found.store_id,
        scopes=found.scopes,
        is_sandbox=found.is_sandbox,
    )
