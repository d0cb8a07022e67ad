"""Settings shared by all environments. Values that differ come from `config/env.py`."""

import json
import shlex
from pathlib import Path

from celery.schedules import crontab
from csp.constants import NONCE, NONE, SELF
from django.utils.translation import gettext_lazy as _

from apps.console import unfold
from config import env

BASE_DIR = Path(__file__).resolve().parent.parent.parent
SIYU_HOME = Path(env.text("SIYU_HOME", BASE_DIR / ".siyu"))

SECRET_KEY = env.text("SECRET_KEY")
FIELD_KEYS = env.keyring("FIELD_KEYS")
INDEX_KEY = env.key_bytes("INDEX_KEY")
PUBLIC_ID_KEY = env.key_bytes("PUBLIC_ID_KEY")

DEBUG = False
ALLOWED_HOSTS: list[str] = []
BRAND_NAME = env.text("BRAND_NAME", "Siyu")

INSTALLED_APPS = [
    "apps.console",
    "apps.portal",
    "apps.counter",
    "unfold",
    "unfold.contrib.filters",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.postgres",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    "django_htmx",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "csp",
    "channels",
    "apps.core",
    "apps.events",
    "apps.gateways",
    "apps.stores",
    "apps.members",
    "apps.catalog",
    "apps.orders",
    "apps.activity",
    "apps.points",
    "apps.coupons",
    "apps.community",
    "apps.followups",
    "apps.livestream",
    "apps.bookings",
    "apps.referral",
    "apps.tickets",
    "apps.segments",
    "apps.care",
    "apps.webhooks",
    "apps.analytics",
    "apps.flows",
    "apps.api",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
]

MIDDLEWARE = [
    "apps.core.middleware.RequestContext",
    "django.middleware.security.SecurityMiddleware",
    "apps.api.frame.ApiFrame",  # calls of the API leave the chain here
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "apps.portal.sessions.MemberSessions",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "apps.core.middleware.ReadableForms",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "apps.core.problems.ProblemMiddleware",
    "apps.stores.access.AccessMiddleware",
]

CSRF_FAILURE_VIEW = "apps.core.problems.form_outdated"
ROOT_URLCONF = "config.urls"
WSGI_APPLICATION = "config.wsgi.application"
ASGI_APPLICATION = "config.asgi.application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "django.template.context_processors.i18n",
                "csp.context_processors.nonce",
                "apps.console.context.house",
            ],
        },
    }
]

DATABASES = {"default": env.database(env.text("DATABASE_URL"))}
DATABASES["default"].update(CONN_MAX_AGE=0, CONN_HEALTH_CHECKS=False)
DATABASE_OWNER_URL = env.text("DATABASE_OWNER_URL", env.text("DATABASE_URL"))
DATABASE_POOL_SIZE = env.integer("DATABASE_POOL_SIZE", 8)
if DATABASE_POOL_SIZE:
    DATABASES["default"]["OPTIONS"]["pool"] = {"min_size": 1, "max_size": DATABASE_POOL_SIZE, "timeout": 10}  # type: ignore[index]
else:
    DATABASES["default"]["CONN_MAX_AGE"] = 600  # each thread keeps its own
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

REDIS_URL = env.text("REDIS_URL")
CACHES = {"default": {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": REDIS_URL}}
CHANNEL_LAYERS = {
    "default": {
        "BACKEND": "channels_redis.pubsub.RedisPubSubChannelLayer",
        "CONFIG": {"hosts": [env.text("CHANNELS_REDIS_URL", REDIS_URL)]},
    }
}

CELERY_BROKER_URL = env.text("CELERY_BROKER_URL")
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_MAX_MEMORY_PER_CHILD = 600_000  # kB; a child that grew past it is replaced between tasks
CELERY_TASK_SERIALIZER = "json"
CELERY_TIMEZONE = "Asia/Shanghai"
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_BROKER_TRANSPORT_OPTIONS = {"visibility_timeout": 3600}
CELERY_BEAT_SCHEDULE = {
    "sweep-events": {"task": "flows.sweep_events", "schedule": 5.0},
    "purge-sessions": {"task": "portal.purge_sessions", "schedule": crontab(hour=4, minute=20)},
    "purge-requests": {"task": "core.purge_requests", "schedule": crontab(minute=25)},
    "forget-codes": {"task": "members.forget_codes", "schedule": 300.0},
    "purge-expired": {"task": "flows.purge_expired", "schedule": crontab(hour=4, minute=40)},
    "privacy": {"task": "flows.privacy", "schedule": crontab(minute="*/10")},
    "heartbeat": {"task": "core.beat", "schedule": 15.0},
    "refresh-stats": {"task": "segments.refresh_stats", "schedule": crontab(minute="*/10")},
    "move-tracks": {"task": "segments.move_tracks", "schedule": 60.0},
    "build-segments": {"task": "segments.build", "schedule": 60.0},
    "score-members": {"task": "segments.score_members", "schedule": crontab(hour=2, minute=40)},
    "fit-predictions": {"task": "segments.fit_predictions", "schedule": crontab(hour=1, minute=30, day_of_week=1)},
    "run-care": {"task": "care.run", "schedule": crontab(hour="8-21", minute=5)},
    "decide-campaigns": {"task": "care.decide_campaigns", "schedule": 600.0},
    "walk-journeys": {"task": "care.walk_journeys", "schedule": 60.0},
    "drain-care": {"task": "care.drain", "schedule": 10.0},
    "drain-webhooks": {"task": "webhooks.drain", "schedule": 5.0},
    "read-ledgers": {"task": "webhooks.read_ledgers", "schedule": 10.0},
    "take-replies": {"task": "care.take_replies", "schedule": 20.0},
    "rollup": {"task": "analytics.roll_up", "schedule": crontab(minute="*/5")},
    "watch-figures": {
        "task": "analytics.watch_figures",
        "schedule": crontab(minute="1-56/5"),
    },  # a minute after each count
    "count-studies": {"task": "analytics.study", "schedule": crontab(minute=12)},
    "count-all-studies": {"task": "analytics.study_whole", "schedule": crontab(hour=4, minute=5)},
    "morning-digest": {"task": "analytics.morning_digest", "schedule": crontab(hour=8, minute=30)},
    "post-notices": {"task": "analytics.post_notices", "schedule": 60.0},
    "reward-birthdays": {"task": "points.reward_birthdays", "schedule": crontab(hour=0, minute=15)},
    "reward-events": {"task": "points.reward_events", "schedule": crontab(minute="*/10")},
    "keep-activity": {"task": "activity.keep", "schedule": crontab(hour=3, minute=20)},
    "measure-quality": {"task": "analytics.measure_quality", "schedule": crontab(minute=25)},
    "find-duplicates": {"task": "members.find_duplicates", "schedule": crontab(hour=2, minute=15)},
    "count-coupons": {"task": "analytics.coupon_days", "schedule": crontab(minute="*/5")},
    "count-all-coupons": {"task": "analytics.coupon_days_whole", "schedule": crontab(hour=3, minute=35)},
    "purge-exports": {"task": "analytics.purge_exports", "schedule": crontab(hour=1, minute=10)},
    "expire-tags": {"task": "members.expire_tags", "schedule": crontab(hour=0, minute=5)},
    "sweep-uploads": {"task": "members.sweep_uploads", "schedule": crontab(minute=35)},
    "exchange-by-itself": {"task": "points.exchange_all", "schedule": crontab(minute="*/5")},
    "sweep-mall": {"task": "points.sweep_mall", "schedule": 60.0},
    "settle-merges": {"task": "flows.settle_merges", "schedule": crontab(minute="3-59/10")},
    "release-holds": {"task": "points.release_holds", "schedule": 30.0},
    "release-coupons": {"task": "coupons.release_reservations", "schedule": 30.0},
    "settle-points": {"task": "points.settle", "schedule": crontab(minute="*/5")},  # midnight among them
    "tally-points": {"task": "points.tally", "schedule": crontab(minute=7)},
    "check-ledgers": {"task": "points.check_ledgers", "schedule": crontab(hour=3, minute=50)},
    "check-coupons": {"task": "coupons.check", "schedule": crontab(hour=4, minute=20)},
    "warn-expiring": {"task": "points.warn_expiring", "schedule": crontab(hour=0, minute=30)},
    "expire-coupons": {"task": "coupons.expire", "schedule": crontab(minute="*/5")},  # midnight among them
    "warn-expiring-coupons": {"task": "coupons.warn_expiring", "schedule": crontab(hour=9, minute=10)},
    "take-wecom-events": {"task": "community.take_events", "schedule": 5.0},
    "keep-community": {"task": "community.keep", "schedule": 60.0},
    "recycle-customers": {"task": "community.recycle", "schedule": 3600.0},
    "sweep-bookings": {"task": "bookings.sweep", "schedule": 60.0},
    "tell-boards": {"task": "analytics.tell_boards", "schedule": 2.0, "options": {"expires": 4}},
    "sweep-streams": {"task": "livestream.sweep", "schedule": 60.0},
    "sweep-referral": {"task": "referral.sweep", "schedule": crontab(minute="*/10")},
    "sweep-followups": {"task": "followups.sweep", "schedule": crontab(minute="*/10")},
    "post-tickets": {"task": "tickets.post", "schedule": 20.0},
    "tick-tickets": {"task": "tickets.tick", "schedule": 60.0},
    "tell-deprecations": {"task": "api.tell_deprecations", "schedule": crontab(hour=10, minute=20)},
    "warn-low-coupons": {"task": "coupons.warn_low", "schedule": 60.0},
    "move-tiers": {"task": "flows.move_tiers", "schedule": crontab(minute=2)},
    "warn-of-falls": {"task": "points.warn_of_falls", "schedule": crontab(hour=8, minute=40)},
    "notice-hands": {"task": "points.by_hand_often", "schedule": crontab(hour=6, minute=30)},
    "seal-audit": {"task": "core.seal_audit", "schedule": crontab(minute="4-59/5")},
    "check-audit": {"task": "core.check_audit", "schedule": crontab(hour=4, minute=50)},
    "lapse-approvals": {"task": "core.lapse_approvals", "schedule": crontab(minute=50)},
    "demo-tick": {"task": "flows.demo_tick", "schedule": 60.0},
}

AUTH_USER_MODEL = "core.User"
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "apps.stores.passwords.LongEnough", "OPTIONS": {"min_length": 10}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
]
LOGIN_URL = "console:login"
LOGIN_REDIRECT_URL = "console:root"
LOGOUT_REDIRECT_URL = "console:login"

# Second factors of staff (`apps/stores/second_factor.py`): allauth keeps them; its own pages and e-mails are not used.
MFA_ADAPTER = "apps.stores.second_factor.Adapter"
MFA_SUPPORTED_TYPES = ["totp", "webauthn", "recovery_codes"]
ACCOUNT_USER_MODEL_EMAIL_FIELD = None
ACCOUNT_SIGNUP_FIELDS = ["username*", "password1*"]
ACCOUNT_LOGIN_METHODS = {"username"}
ACCOUNT_EMAIL_VERIFICATION = "none"
SECOND_FACTOR_ROLES = env.words("SECOND_FACTOR_ROLES")

LANGUAGE_CODE = "zh-hans"
LANGUAGES = [("zh-hans", _("Simplified Chinese")), ("en", _("English"))]
LOCALE_PATHS = [BASE_DIR / "locale"]
FORMAT_MODULE_PATH = "config.formats"
USE_I18N = True
USE_TZ = True
TIME_ZONE = "Asia/Shanghai"

STATIC_URL = "/static/"
STATIC_ROOT = env.text("STATIC_ROOT", SIYU_HOME / "static_root")
STATICFILES_DIRS = [BASE_DIR / "static"]
MEDIA_ROOT = Path(env.text("MEDIA_ROOT", SIYU_HOME / "media"))
# Where members' sealed files lie: any storage of Django's. What it is given says nothing without the members' keys.
UPLOADS_STORAGE = {
    "BACKEND": env.text("UPLOADS_STORAGE", "apps.core.files.vault.OnDisk"),
    "OPTIONS": json.loads(env.text("UPLOADS_STORAGE_OPTIONS", "{}")),
}
UPLOAD_SCANNER = shlex.split(env.text("UPLOAD_SCANNER", ""))  # reads a file from its input; 0: clean, 1: bad
CONTENT_CHECK = shlex.split(env.text("CONTENT_CHECK", ""))  # reads a text of a member's; 0: fit, 1: not
CONTENT_CHECK_WECHAT = env.flag("CONTENT_CHECK_WECHAT", False)
UPLOAD_SCANNER_SECONDS = env.integer("UPLOAD_SCANNER_SECONDS", 30)
ERASURES_FILE = Path(env.text("ERASURES_FILE", SIYU_HOME / "erasures.jsonl"))
FILE_UPLOAD_TEMP_DIR = None
FILE_UPLOAD_MAX_MEMORY_SIZE = 11 * 1024 * 1024  # members' pictures stay in memory until they are sealed
DATA_UPLOAD_MAX_MEMORY_SIZE = 5 * 1024 * 1024
POINTS_WARN_DAYS = env.integer("POINTS_WARN_DAYS", 30)
IMPORT_MAX_BYTES = env.integer("IMPORT_MAX_BYTES", 1_200_000_000)

RECIPIENTS_ABROAD = env.words(
    "RECIPIENTS_ABROAD"
)  # hosting, sms, wechat: shown in the record of processing and to members
MEMBER_COOL_OFF_DAYS = min(env.integer("MEMBER_COOL_OFF_DAYS", 7), 7)  # a person who leaves waits a week at the most
PACK_LEAST_MEMBERS = env.integer("PACK_LEAST_MEMBERS", 1000)
SEGMENT_SLOW_SECONDS = env.integer("SEGMENT_SLOW_SECONDS", 30)
COUPON_WELCOME_DAYS = env.integer("COUPON_WELCOME_DAYS", 730)
MEMBER_DEPARTURE_DAYS = env.integer("MEMBER_DEPARTURE_DAYS", 180)

SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_AGE = 12 * 3600
CSRF_COOKIE_HTTPONLY = True
CSRF_USE_SESSIONS = False
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"


CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [SELF],
        "script-src": [SELF, NONCE],
        "style-src": [SELF, NONCE],
        "img-src": [SELF, "data:"],
        "connect-src": [SELF],
        "object-src": [NONE],
        "base-uri": [NONE],
        "form-action": [SELF],
        "frame-ancestors": [NONE],
    }
}
# Alpine inside Unfold evaluates expressions and sets style attributes; nothing else may.
UNFOLD = unfold.UNFOLD
RECORDS_CSP = {"script-src": [SELF, "'unsafe-eval'"], "style-src": [SELF, "'unsafe-inline'"]}

SIMULATOR_URL = env.text("SIMULATOR_URL", "")
SMS_PROVIDER = env.text("SMS_PROVIDER", "simulator")
SMS_FALLBACK = env.text("SMS_FALLBACK", "")
ALIYUN_SMS_URL = env.text("ALIYUN_SMS_URL", "https://dysmsapi.aliyuncs.com")
ALIYUN_SMS_KEY_ID = env.text("ALIYUN_SMS_KEY_ID", "")
ALIYUN_SMS_KEY_SECRET = env.text("ALIYUN_SMS_KEY_SECRET", "")
TENCENT_SMS_URL = env.text("TENCENT_SMS_URL", "https://sms.tencentcloudapi.com")
TENCENT_SMS_REGION = env.text("TENCENT_SMS_REGION", "ap-guangzhou")
TENCENT_SMS_APP_ID = env.text("TENCENT_SMS_APP_ID", "")
TENCENT_SMS_SECRET_ID = env.text("TENCENT_SMS_SECRET_ID", "")
TENCENT_SMS_SECRET_KEY = env.text("TENCENT_SMS_SECRET_KEY", "")
# Vendors sign none of their callbacks: this word in the address is all that tells them from a stranger.
CALLBACK_SECRET = env.text("CALLBACK_SECRET", "")
MAIL_URL = env.text("MAIL_URL", "")
MAIL_FROM = env.text("MAIL_FROM", "")
SMS_SIGNATURE = env.text("SMS_SIGNATURE", "")
TRUSTED_PROXIES = env.integer("TRUSTED_PROXIES", 0)
CODE_COUNTRIES = env.words("CODE_COUNTRIES", "+86")
CODE_VIRTUAL_RANGES = env.words("CODE_VIRTUAL_RANGES", "162,165,167,170,171")
WECHAT_PROVIDER = env.text("WECHAT_PROVIDER", "simulator")
# The simulator's own mini-program (`apps/gateways/simulator/wechat_rules.py`); its secret opens nothing else.
WECHAT_APPS = env.objects(
    "WECHAT_APPS",
    """[{"app_id": "wx5170000000000001", "secret": "simulator-only-secret", "scenes": {
        "live_reminder": ["sim-live-reminder"],
        "order_ready": ["sim-order-ready"],
        "coupon": ["sim-coupon-expiring"],
        "ticket": ["sim-ticket-reply"]}}]""",
)
# The official account whose JS-safe domain is ours, for pages that are opened inside WeChat.
WECHAT_PAGES = env.objects("WECHAT_PAGES", "[]")
WECOM_PROVIDER = env.text("WECOM_PROVIDER", "simulator")
# The simulator's own company (`apps/gateways/simulator/wecom_rules.py`); its secrets open nothing else.
WECOM_CORP_ID = env.text("WECOM_CORP_ID", "ww5170000000000001")
WECOM_SECRET = env.text("WECOM_SECRET", "simulator-only-secret")
# The app in whose name staff get notices in WeCom; 0: they get none there.
WECOM_AGENT_ID = env.integer("WECOM_AGENT_ID", 1_000_002 if WECOM_PROVIDER == "simulator" else 0)
WECOM_CALLBACK_TOKEN = env.text("WECOM_CALLBACK_TOKEN", "simulatorToken")
WECOM_CALLBACK_KEY = env.text("WECOM_CALLBACK_KEY", "c2ltdWxhdG9yLW9ubHkta2V5LTMyLWJ5dGVzLWxvbmc")
# Exchanges of one member in a day: a stolen log-in empties no account at once.
MALL_PER_DAY = env.integer("MALL_PER_DAY", 10)
# The API: sizes it takes, and whether sandbox keys and their test clock are welcome here (never where real members are).
API_BODY_MAX_BYTES = 1024 * 1024
API_UPLOAD_MAX_BYTES = env.integer("API_UPLOAD_MAX_BYTES", 10 * 1024 * 1024)
API_LOGIN_PATHS = ("/api/v1/auth/",)
API_SANDBOX = env.flag("API_SANDBOX", False)
API_MAINTENANCE = env.integer("API_MAINTENANCE", 0)  # seconds after which programs shall come again; 0: they are served
# Calls to addresses that staff enter may go to this machine, by http too: for trying out, and for tests.
OUTBOUND_LOOPBACK = env.flag("OUTBOUND_LOOPBACK", False)
API_REQUEST_LOG_THREAD = True
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["apps.api.authentication.Known"],
    "DEFAULT_PERMISSION_CLASSES": [],  # config/access.yaml has decided before any view runs
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["apps.api.parsers.StrictJson"],
    "DEFAULT_SCHEMA_CLASS": "apps.api.schema.Operation",
    "EXCEPTION_HANDLER": "apps.api.answers.handle",
    "URL_FORMAT_OVERRIDE": None,
    "UNAUTHENTICATED_USER": None,
    "DATETIME_FORMAT": None,
}
SHORT_LINK_HOSTS = [host.lower() for host in env.words("SHORT_LINK_HOSTS")]
PUBLIC_URL = env.text("PUBLIC_URL", "").rstrip("/")
SPECTACULAR_SETTINGS = {
    "TITLE": "Siyu API",
    "DESCRIPTION": "The private-domain CRM of one brand, for its mini-program, apps, shop systems and tills.",
    "VERSION": "2026-12-01",
    "OAS_VERSION": "3.1.0",
    "SCHEMA_PATH_PREFIX": "/api/v1",
    "COMPONENT_SPLIT_REQUEST": False,
    "ENUM_GENERATE_CHOICE_DESCRIPTION": False,
    "POSTPROCESSING_HOOKS": ["apps.api.document.finish"],
    "APPEND_COMPONENTS": {
        "securitySchemes": {
            "member": {"type": "http", "scheme": "bearer", "description": "Access token of a member, from /auth/…"},
            "client": {"type": "http", "scheme": "bearer", "description": "Key of a program: sk_live_… or sk_test_…"},
            "device": {"type": "http", "scheme": "bearer", "description": "Key of a till"},
        }
    },
}
ACCESS_FILE = BASE_DIR / "config" / "access.yaml"

LOGGING_CONFIG = None  # apps.core.logs sets logging up
LOG_FORMAT = env.text("LOG_FORMAT", "json")
LOG_LEVEL = env.text("LOG_LEVEL", "INFO")
