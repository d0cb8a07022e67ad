"""Tills: browsers bound to a store. The device key stands in a cookie that no script can read; a revoked one is refused at once.

A till also has a key pair that its browser made (ECDSA P-256, the private half cannot be taken out of it): with it the browser signs
what it takes in while the network is away.
"""

from base64 import b64decode
from dataclasses import dataclass
from typing import TypeVar

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_der_public_key
from django.conf import settings
from django.core import signing
from django.db import transaction
from django.http import HttpRequest
from django.http.response import HttpResponseBase

from apps.core import audit
from apps.core.errors import NotFound, ValidationFailed
from apps.stores import credentials
from apps.stores.errors import ScanKeyKnown
from apps.stores.models import Scope, Store, Till

COOKIE, PATH, SALT = "till", "/counter/", "stores.till"
LIFE = 400 * 24 * 3600  # seconds: as long as browsers keep a cookie
COORDINATE = 32  # bytes of each half of a raw P-256 signature
Answer = TypeVar("Answer", bound=HttpResponseBase)


@dataclass(frozen=True)
class Known:
    """The till behind a request."""

    device_id: int
    store_id: int
    name: str
    store: str
    store_code: str
    has_scan_key: bool


@transaction.atomic
def bind(*, name: str, store_id: int, staff_id: int | None) -> credentials.Issued:
    """A new till of a store; its secret goes into the cookie (`remember`). Raises ValidationFailed (name), NotFound (store)."""
    if not Store.objects.filter(pk=store_id, is_open=True).exists():
        raise NotFound
    issued = credentials.issue_device(name=name, store_id=store_id, scopes=[Scope.COUNTER])
    Till.objects.create(device_id=issued.id, bound_by_id=staff_id)
    return issued


def remember(response: Answer, *, secret: str) -> Answer:
    """Make the browser that gets this answer the till."""
    response.set_cookie(
        COOKIE, signing.dumps(secret, salt=SALT), max_age=LIFE, path=PATH,
        secure=settings.SESSION_COOKIE_SECURE, httponly=True, samesite="Strict",
    )  # fmt: skip
    return response


def of(request: HttpRequest) -> Known | None:
    """The till that asks; None when the browser is none, or its key was revoked."""
    try:
        secret = signing.loads(request.COOKIES.get(COOKIE, ""), salt=SALT)
    except signing.BadSignature:
        return None
    found = credentials.find(secret)
    if found is None or found.kind != "device" or Scope.COUNTER not in found.scopes or found.store_id is None:
        return None
    row = Till.objects.select_related("device__store").filter(device_id=found.id).first()
    if row is None:
        return None
    device, store = row.device, row.device.store
    return Known(device.pk, store.pk, device.name, store.name, store.code, row.scan_key is not None)


@transaction.atomic
def keep_scan_key(*, device_id: int, public_key: bytes) -> None:
    """The public half (DER) of the browser's own key, once; the same again is a no-op. Raises ValidationFailed, ScanKeyKnown."""
    _key(public_key)
    if not Till.objects.filter(device_id=device_id, scan_key=None).update(scan_key=public_key):
        if Till.objects.filter(device_id=device_id, scan_key=public_key).exists():
            return
        raise ScanKeyKnown
    audit.record("till.scan_key_kept", object_type="device", object_id=device_id)


def is_signed(*, device_id: int, text: str, signature: str) -> bool:
    """Did this till's browser sign the text? `signature` is base64 of the 64 bytes that WebCrypto gives."""
    stored = Till.objects.filter(device_id=device_id).values_list("scan_key", flat=True).first()
    try:
        raw = b64decode(signature, validate=True)
    except ValueError:
        return False
    if stored is None or len(raw) != 2 * COORDINATE:
        return False
    halves = (int.from_bytes(raw[:COORDINATE]), int.from_bytes(raw[COORDINATE:]))
    try:
        _key(bytes(stored)).verify(encode_dss_signature(*halves), text.encode(), ec.ECDSA(SHA256()))
    except InvalidSignature:
        return False
    return True


def _key(der: bytes) -> ec.EllipticCurvePublicKey:
    try:
        key = load_der_public_key(der)
    except ValueError:
        key = None
    if not isinstance(key, ec.EllipticCurvePublicKey) or not isinstance(key.curve, ec.SECP256R1):
        raise ValidationFailed(errors=[{"pointer": "/key", "code": "invalid", "message": "P-256"}])
    return key
