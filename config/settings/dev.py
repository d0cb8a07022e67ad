"""One machine, loopback only: what `bin/start` runs."""

from config import env
from config.settings.base import *  # noqa: F403 - settings are inherited whole
from config.settings.base import UPLOADS_STORAGE

DEBUG = False  # the demo shows the real error pages; a developer sets DEBUG=1
DEBUG = env.flag("DEBUG", DEBUG)
ALLOWED_HOSTS = ["localhost", "127.0.0.1", "[::1]"]
CODE_VIRTUAL_RANGES = env.words("CODE_VIRTUAL_RANGES")  # the demo's invented phones stand in such a range
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "uploads": UPLOADS_STORAGE,
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
}
