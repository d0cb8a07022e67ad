"""WeChat's own scanner, for a till that is opened inside WeChat."""

from django.http import HttpRequest, JsonResponse
from django.urls import reverse
from django.views.decorators.http import require_safe

from apps.core.errors import NotFound
from apps.gateways import wechat_pages

BROWSER = "MicroMessenger"  # in the name of WeChat's own


def is_lent(request: HttpRequest) -> bool:
    """Is this WeChat, and a house that it lends its scanner to?"""
    return BROWSER in request.headers.get("User-Agent", "") and wechat_pages.is_set_up()


@require_safe
def scanner(request: HttpRequest) -> JsonResponse:
    """What the page at `?url=` shows WeChat; only the till's own page gets it. The till uses its camera where this fails."""
    url, ours = request.GET.get("url", "")[:2_000], request.build_absolute_uri(reverse("counter:home"))
    if url.partition("?")[0] != ours or "#" in url:
        raise NotFound
    shown = wechat_pages.pass_for(url)
    told = {"appId": shown.app_id, "timestamp": shown.stamp, "nonceStr": shown.nonce, "signature": shown.signature}
    answer = JsonResponse(told)
    answer["Cache-Control"] = "no-store"
    return answer
