"""The door for vendors that call us. They sign nothing: a word in the address is all that tells them from a stranger."""

import json
from secrets import compare_digest
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods, require_POST

from apps.care import mailing, receipts, replies
from apps.core.errors import NotFound
from apps.gateways import bounces
from apps.gateways.sms_lines import VENDORS
from apps.tickets import mail_back, mail_in

MOST = 1000  # rows of one call; vendors send 500 at the most


@csrf_exempt
@require_POST
def sms(request: HttpRequest, vendor: str, word: str) -> HttpResponse:
    """Receipts or replies of an SMS vendor, told apart by their shape. Told again, they change nothing."""
    line = VENDORS.get(vendor)
    if line is None or not _is_known(word):
        raise NotFound
    rows = _rows(request.body)
    if rows is None:
        return JsonResponse({"code": 1, "result": 1, "msg": "a list is expected"}, status=400)
    receipts.take(line.receipts(rows))
    replies.take_answers(line.answers(rows))
    return JsonResponse(line.acknowledged())


@csrf_exempt
@require_POST
def mail(request: HttpRequest, word: str) -> HttpResponse:
    """A raw message, as a mail server's pipe posts it: a report of one that came back, or words for the service desk."""
    if not _is_known(word):
        raise NotFound
    raw = request.read(mail_in.MOST_BYTES + 1)  # photos come along: more than forms may hold
    bounce = bounces.read(raw)
    if bounce is not None:
        if not mail_back.came_back(bounce):
            mailing.came_back(bounce)
        return JsonResponse({"taken": True})
    said = mail_in.take(raw)
    return JsonResponse({"taken": said.ticket_id is not None, "outcome": said.outcome})


@csrf_exempt
@require_http_methods(["GET", "HEAD", "POST"])
def leave(request: HttpRequest, token: str) -> HttpResponse:
    """One click, by the mailbox (RFC 8058) or by a person. Looking changes nothing: scanners look at every link."""
    if request.method == "POST":
        mailing.leave(token)
    answer = render(request, "leave.html", {"is_done": request.method == "POST"})
    answer["Referrer-Policy"] = "no-referrer"
    return answer


def _is_known(word: str) -> bool:
    secret = settings.CALLBACK_SECRET
    return bool(secret) and compare_digest(word.encode(), secret.encode())


def _rows(body: bytes) -> list[Any] | None:
    try:
        content = json.loads(body)
    except (ValueError, RecursionError):
        return None
    rows = content if isinstance(content, list) else [content]
    return rows if len(rows) <= MOST else None
