"""The check of what members write for others to read: nicknames, words of after-sales, votes. Photos: `core.files.scanning`.

A command of the house (`CONTENT_CHECK`) sees every text; WeChat (`CONTENT_CHECK_WECHAT`) those of members whom it knows and who opened
a mini-program within two hours. A checker that does not answer lets the text pass, on the log: a complaint must not be lost by it.
"""

from django.conf import settings
from django.utils.translation import gettext as _

from apps.core.errors import ValidationFailed
from apps.core.files import scanning
from apps.core.files.errors import ScannerSilent
from apps.gateways import wechat
from apps.members import selectors

PROFILE, COMMENT = 1, 2  # as WeChat counts where a text stands
SECONDS = 3.0  # somebody waits


class ContentRefused(ValidationFailed):
    """As ValidationFailed, by a code of its own."""

    code = "content_refused"


def check(*texts: str, member_id: int, pointer: str, scene: int = COMMENT) -> None:
    """Raises ContentRefused (with the pointer given). Calls programs and platforms: before any row is locked."""
    text = "\n".join(part.strip() for part in texts if part.strip())
    if text and (_is_bad(text) or _is_risky(text, member_id=member_id, scene=scene)):
        message = _("This text has words that may not be published. Please write it differently.")
        raise ContentRefused(errors=[{"pointer": pointer, "code": "content_refused", "message": message}])


def _is_bad(text: str) -> bool:
    if not settings.CONTENT_CHECK:
        return False
    try:
        return scanning.is_bad(settings.CONTENT_CHECK, text.encode("utf-8", "replace"), seconds=SECONDS)
    except ScannerSilent:
        return False


def _is_risky(text: str, *, member_id: int, scene: int) -> bool:
    if not settings.CONTENT_CHECK_WECHAT:
        return False
    for app in settings.WECHAT_APPS:
        openid = selectors.openid(member_id=member_id, app_id=app["app_id"])
        if openid and wechat.is_risky(app_id=app["app_id"], openid=openid, text=text, scene=scene):
            return True
    return False
