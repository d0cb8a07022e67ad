"""Pages that are opened inside WeChat: what one must show before WeChat lends it its own scanner.

The official account whose JS-safe domain is ours stands in `WECHAT_PAGES`. Without one, pages use the camera of the browser.
"""

import hashlib
import secrets
from dataclasses import dataclass

import structlog
from django.conf import settings

from apps.core import clock
from apps.gateways import errcode_calls, wechat_calls
from apps.gateways.errors import ProviderUnavailable

LIBRARY = "https://res.wx.qq.com"  # WeChat's script is loaded from there and from nowhere else

log = structlog.get_logger("siyu.wechat")


@dataclass(frozen=True, slots=True)
class Pass:
    """What `wx.config` takes; `stamp` in Unix seconds."""

    app_id: str
    stamp: int
    nonce: str
    signature: str


def is_set_up() -> bool:
    return bool(settings.WECHAT_PAGES)


def pass_for(url: str) -> Pass:
    """For the page at this address, as the browser has it, without what stands behind a `#`. Raises ProviderUnavailable, also where
    no official account is set up."""
    if not is_set_up():
        raise ProviderUnavailable(provider="wechat")
    app_id = settings.WECHAT_PAGES[0]["app_id"]
    try:
        ticket = tickets.get(app_id)
    except errcode_calls.Unanswered as failure:
        log.warning("wechat lends no ticket", app_id=app_id, trouble=failure.code)
        raise ProviderUnavailable(provider="wechat") from failure
    nonce, stamp = secrets.token_hex(8), int(clock.now().timestamp())
    return Pass(app_id, stamp, nonce, signed(ticket=ticket, nonce=nonce, stamp=stamp, url=url))


def signed(*, ticket: str, nonce: str, stamp: int, url: str) -> str:
    """As WeChat's page of the JS-SDK describes it; it asks for SHA-1."""
    text = f"jsapi_ticket={ticket}&noncestr={nonce}&timestamp={stamp}&url={url}"
    return hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest()


def _fetch(app_id: str) -> dict:
    answer = wechat_calls.get_as(app_id, "/cgi-bin/ticket/getticket", {"type": "jsapi"})
    return {**answer, "access_token": answer.get("ticket")}


tickets = errcode_calls.Tokens("wechat-page", fetch=_fetch)
