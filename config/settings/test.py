"""Used by `bin/test`: no pool (databases are dropped), plain static files, fast password hashes."""

from pathlib import Path

from config.settings.base import *  # noqa: F403 - settings are inherited whole
from config.settings.base import DATABASES, STATIC_ROOT, UPLOADS_STORAGE

ALLOWED_HOSTS = ["localhost", "127.0.0.1", "testserver"]
CODE_VIRTUAL_RANGES = []  # invented phones stand in such a range
DATABASES["default"]["OPTIONS"].pop("pool", None)  # type: ignore[attr-defined]
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "uploads": UPLOADS_STORAGE,
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}
Path(STATIC_ROOT).mkdir(parents=True, exist_ok=True)
API_REQUEST_LOG_THREAD = False  # tests store the log themselves, inside their own transaction
