"""Where a tracked code may lead: a page of this site, a mini-program page, or a host the operator has allowed. Nowhere else.

Written as `/my/coupons/`, `mini:pages/live/room?id=7` or `https://host/path`. Checked when a code is made and again when it is
opened, so that a host taken off the list is closed at once.
"""

import re
from urllib.parse import quote, urlsplit

from django.conf import settings

from apps.activity.errors import TargetRefused

HOME = "/my/"
_MINI = "mini:"
_OWN = re.compile(r"/(?![/\\])[^\s\\\x00-\x1f\x7f]*").fullmatch
_PAGE = re.compile(r"([A-Za-z0-9_/-]{1,128})(?:\?([A-Za-z0-9_=&%.~-]{0,300}))?").fullmatch
_PRINTED = re.compile(r"[^\s\\\x00-\x1f\x7f]+").fullmatch
MOST = 500


def checked(target: str) -> str:
    """The target as it is stored. Raises TargetRefused."""
    text = target.strip()
    if len(text) > MOST or not (_is_own(text) or _is_mini(text) or _is_allowed_host(text)):
        raise TargetRefused(target=text[:MOST])
    return text


def address(target: str, *, is_in_wechat: bool) -> str:
    """What a browser is sent to. Raises TargetRefused for a target that is no longer allowed.

    A mini-program page opens by WeChat's own scheme. WeChat's built-in browser refuses that scheme; there the portal's home
    is shown, unless the code's address is registered with the mini-program, which WeChat then opens without asking us.
    """
    text = checked(target)
    if not _is_mini(text):
        return text
    if is_in_wechat or not settings.WECHAT_APPS:
        return HOME
    page, _mark, query = text.removeprefix(_MINI).partition("?")
    app = settings.WECHAT_APPS[0]["app_id"]
    return f"weixin://dl/business/?appid={app}&path={quote(page)}&query={quote(query)}"


def _is_own(text: str) -> bool:
    return _OWN(text) is not None


def _is_mini(text: str) -> bool:
    return text.startswith(_MINI) and _PAGE(text.removeprefix(_MINI)) is not None


def _is_allowed_host(text: str) -> bool:
    if not text.startswith("https://") or not _PRINTED(text):
        return False
    try:
        parts = urlsplit(text)
        return "@" not in parts.netloc and parts.netloc.lower() in settings.SHORT_LINK_HOSTS
    except ValueError:
        return False
