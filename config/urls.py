"""Every route of the house. A route without a line in `config/access.yaml` is refused, and fails `bin/test`."""

from django.urls import include, path
from django.views.i18n import set_language

from apps.activity import views as activity
from apps.care import callbacks
from apps.console import records
from apps.core import health
from apps.gateways import callbacks as gateway_callbacks
from apps.livestream import views as livestream

urlpatterns = [
    path("api/", include("apps.api.urls")),  # tried first: it is asked most often
    path("healthz", health.alive, name="healthz"),
    path("readyz", health.ready, name="readyz"),
    path("metrics", health.metrics, name="metrics"),
    path("language/", set_language, name="set_language"),
    path("s/<str:code>", activity.follow, name="short_link"),
    path("s/<str:code>/<str:bait>", activity.trap, name="short_link_trap"),
    path("hooks/sms/<str:vendor>/<str:word>", callbacks.sms, name="sms_callback"),
    path("hooks/mail/<str:word>", callbacks.mail, name="mail_callback"),
    path("hooks/wecom", gateway_callbacks.wecom, name="wecom_callback"),
    path("live.json", livestream.json_feed, name="live_json"),
    path("live.ics", livestream.ics_feed, name="live_ics"),
    path("live/<str:stream>.ics", livestream.one, name="live_one"),
    path("leave/<str:token>", callbacks.leave, name="mail_leave"),
    records.urls,
    path("my/", include("apps.portal.urls")),
    path("counter/", include("apps.counter.urls")),
    path("", include("apps.console.urls")),
]

handler400 = "apps.core.problems.bad_request"
handler403 = "apps.core.problems.forbidden"
handler404 = "apps.core.problems.not_found"
handler500 = "apps.core.problems.server_error"
