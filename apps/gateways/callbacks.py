"""The door for WeCom, which signs what it tells. It wants its answer within five seconds; we give it before we look closer."""

import structlog
from celery import current_app
from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods
from kombu.exceptions import OperationalError

from apps.gateways import wecom_inbox
from apps.gateways.wecom_crypto import EnvelopeRefused

log = structlog.get_logger("siyu.wecom")


@csrf_exempt
@require_http_methods(["GET", "POST"])
def wecom(request: HttpRequest) -> HttpResponse:
    """GET proves that the address is ours; POST keeps one event. A bad signature keeps nothing and says nothing."""
    query = {name: str(value) for name, value in request.GET.items()}
    try:
        if request.method == "GET":
            return HttpResponse(wecom_inbox.echo(query), content_type="text/plain")
        is_new, is_waiting = wecom_inbox.take(query, request.body)
    except EnvelopeRefused as refused:
        log.warning("wecom callback refused", code=refused.code)
        return HttpResponse(status=400)
    if is_new and is_waiting:
        _wake()
    return HttpResponse("success", content_type="text/plain")


def _wake() -> None:
    """A customer waits for the welcome, 20 seconds at most. Without a broker the next beat finds it."""
    try:
        current_app.send_task("community.take_events")
    except OperationalError as trouble:
        log.warning("broker does not answer", error=type(trouble).__name__)
