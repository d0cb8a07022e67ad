"""Behind TLS, on servers of one's own. Refuses to start when something unsafe is set."""

from django.core.exceptions import ImproperlyConfigured

from config import env
from config.settings.base import *  # noqa: F403 - settings are inherited whole
from config.settings.base import FIELD_KEYS, INDEX_KEY, PUBLIC_ID_KEY, SECRET_KEY, UPLOADS_STORAGE

ALLOWED_HOSTS = env.words("ALLOWED_HOSTS")
CSRF_TRUSTED_ORIGINS = [f"https://{host.lstrip('.')}" for host in ALLOWED_HOSTS]

SECOND_FACTOR_ROLES = env.words("SECOND_FACTOR_ROLES", "admin")

SECURE_SSL_REDIRECT = True
SECURE_REDIRECT_EXEMPT = [r"^healthz$", r"^readyz$"]
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
SECURE_HSTS_SECONDS = 31_536_000
SECURE_HSTS_INCLUDE_SUBDOMAINS = True
SECURE_HSTS_PRELOAD = True
SESSION_COOKIE_SECURE = True
CSRF_COOKIE_SECURE = True
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "uploads": UPLOADS_STORAGE,
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
}


def _refuse_unsafe() -> None:
    if env.flag("DEBUG", False):
        raise ImproperlyConfigured("DEBUG may not be on in production")
    if not ALLOWED_HOSTS or "*" in ALLOWED_HOSTS:
        raise ImproperlyConfigured("ALLOWED_HOSTS must name the hosts that serve this brand")
    if len(SECRET_KEY) < 50 or len(set(SECRET_KEY)) < 12:
        raise ImproperlyConfigured("SECRET_KEY must be 50 random characters or more")
    keys = [*FIELD_KEYS.values(), INDEX_KEY, PUBLIC_ID_KEY]
    if len(set(keys)) != len(keys) or any(len(set(key)) < 12 for key in keys):
        raise ImproperlyConfigured("FIELD_KEYS, INDEX_KEY and PUBLIC_ID_KEY must be random and different")
    for name in ("SMS_PROVIDER", "WECHAT_PROVIDER", "WECOM_PROVIDER"):
        if env.text(name, "simulator") == "simulator" and not env.flag("ALLOW_SIMULATOR", False):
            raise ImproperlyConfigured(f"{name} is the simulator; set ALLOW_SIMULATOR=1 on a rehearsal system only")
    _refuse_unsafe_vendors()
    if env.flag("API_SANDBOX", False) and env.text("WECHAT_PROVIDER", "simulator") != "simulator":
        raise ImproperlyConfigured(
            "API_SANDBOX is for an installation of invented people: WECHAT_PROVIDER is real here"
        )
    if env.flag("OUTBOUND_LOOPBACK", False) and not env.flag("API_SANDBOX", False):
        raise ImproperlyConfigured("OUTBOUND_LOOPBACK lets staff reach this machine's own services: for a sandbox only")
    if env.text("WECHAT_PROVIDER", "simulator") == "weixin" and not env.text("WECHAT_APPS", ""):
        raise ImproperlyConfigured("WECHAT_APPS must be set for WECHAT_PROVIDER=weixin")
    _refuse_unsafe_wecom()


def _refuse_unsafe_wecom() -> None:
    """The simulator's callback key stands in the source: whoever read it could tell us anything."""
    if env.text("WECOM_PROVIDER", "simulator") in ("simulator", "none"):
        return
    for name in ("WECOM_CORP_ID", "WECOM_SECRET", "WECOM_CALLBACK_TOKEN", "WECOM_CALLBACK_KEY"):
        if not env.text(name, ""):
            raise ImproperlyConfigured(f"{name} must be set for WECOM_PROVIDER={env.text('WECOM_PROVIDER', '')}")


SMS_NEEDS = {
    "aliyun": ("ALIYUN_SMS_KEY_ID", "ALIYUN_SMS_KEY_SECRET"),
    "tencent": ("TENCENT_SMS_APP_ID", "TENCENT_SMS_SECRET_ID", "TENCENT_SMS_SECRET_KEY"),
}


def _refuse_unsafe_vendors() -> None:
    """SMS vendors in use are known, have their keys, are reached by TLS, and their callbacks by a word nobody guesses."""
    lines = [name for name in (env.text("SMS_PROVIDER", "simulator"), env.text("SMS_FALLBACK", "")) if name]
    if lines[0] == "simulator" and len(lines) > 1:
        raise ImproperlyConfigured("SMS_FALLBACK stands behind a vendor, not behind the simulator")
    for line in lines:
        if line not in {*SMS_NEEDS, "simulator"}:
            raise ImproperlyConfigured(f"there is no SMS vendor {line!r}: aliyun, tencent")
        if missing := [name for name in SMS_NEEDS.get(line, ()) if not env.text(name, "")]:
            raise ImproperlyConfigured(f"{missing[0]} must be set for the SMS vendor {line}")
        address = env.text(f"{line.upper()}_SMS_URL", "https://")
        if not address.startswith("https://") and not env.flag("ALLOW_SIMULATOR", False):
            raise ImproperlyConfigured(f"{line.upper()}_SMS_URL must begin with https://")
    mail = env.text("MAIL_URL", "")
    if mail and not (mail.startswith(("smtp://", "smtps://")) and "@" in env.text("MAIL_FROM", "")):
        raise ImproperlyConfigured(
            "MAIL_URL must begin with smtp:// (STARTTLS) or smtps://, with the sender in MAIL_FROM"
        )
    if (lines != ["simulator"] or mail) and len(env.text("CALLBACK_SECRET", "")) < 24:
        raise ImproperlyConfigured("CALLBACK_SECRET must be 24 random characters or more where vendors call back")


_refuse_unsafe()
