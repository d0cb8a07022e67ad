"""The only place that reads the environment. Every name read here is documented in `docs/operations.md` (a test compares)."""

import base64
import binascii
import json
import os

from django.core.exceptions import ImproperlyConfigured
from psycopg.conninfo import conninfo_to_dict

_MISSING = object()


def text(name: str, default: object = _MISSING) -> str:
    """The variable as text; without a default a missing or empty one stops the start."""
    value = os.environ.get(name, "")
    if value:
        return value
    if default is _MISSING:
        raise ImproperlyConfigured(f"{name} is not set; see docs/operations.md")
    return str(default)


def flag(name: str, default: bool) -> bool:
    value = text(name, "").lower()
    if value not in {"", "0", "1", "true", "false", "yes", "no"}:
        raise ImproperlyConfigured(f"{name} must be 1 or 0, not {value!r}")
    return default if value == "" else value in {"1", "true", "yes"}


def integer(name: str, default: int) -> int:
    value = text(name, default)
    try:
        return int(value)
    except ValueError as wrong:
        raise ImproperlyConfigured(f"{name} must be a whole number, not {value!r}") from wrong


def words(name: str, default: str = "") -> list[str]:
    """A comma-separated list."""
    return [word.strip() for word in text(name, default).split(",") if word.strip()]


def key_bytes(name: str, default: object = _MISSING) -> bytes:
    """32 bytes written as base64."""
    return _decode(name, text(name, default))


def keyring(name: str, default: object = _MISSING) -> dict[str, bytes]:
    """JSON `{"k2": "<base64>", "k1": "<base64>"}`; the first key encrypts, all decrypt."""
    try:
        entries = json.loads(text(name, default))
    except json.JSONDecodeError as wrong:
        raise ImproperlyConfigured(f"{name} must be a JSON object of base64 keys") from wrong
    return {key_id: _decode(name, encoded) for key_id, encoded in entries.items()}


def objects(name: str, default: object = _MISSING) -> list[dict]:
    """A JSON list of objects."""
    try:
        entries = json.loads(text(name, default))
    except json.JSONDecodeError as wrong:
        raise ImproperlyConfigured(f"{name} must be a JSON list of objects") from wrong
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise ImproperlyConfigured(f"{name} must be a JSON list of objects")
    return entries


def database(url: str) -> dict[str, object]:
    """Django's description of `postgresql://user:password@host:port/name?host=/socket/folder`."""
    parts = conninfo_to_dict(url)
    known = {"user": "USER", "password": "PASSWORD", "host": "HOST", "port": "PORT", "dbname": "NAME"}
    settings: dict[str, object] = {"ENGINE": "django.db.backends.postgresql"}
    settings.update({django: str(parts.pop(ours)) for ours, django in known.items() if parts.get(ours)})
    # Only statements of `apps.core.prepared` are ever prepared: Django's own cursors bind values themselves.
    settings["OPTIONS"] = {**parts, "prepare_threshold": 1 if flag("DATABASE_PREPARE", True) else None}
    return settings


def _decode(name: str, encoded: str) -> bytes:
    try:
        key = base64.b64decode(encoded, validate=True)
    except binascii.Error as wrong:
        raise ImproperlyConfigured(f"{name} is not base64") from wrong
    if len(key) != 32:
        raise ImproperlyConfigured(f"{name} must hold 32 bytes, it holds {len(key)}")
    return key
