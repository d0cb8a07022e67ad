"""The community manager's day: what stands open in groups, at WeCom and in the pool."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from apps.community import today
from apps.core import clock


@require_safe
def page(request: HttpRequest) -> HttpResponse:
    board = today.board(moment=clock.now())
    count = sum(len(board[name]) for name in ("full", "todos", "sends", "deeds", "codes"))
    facts = board | {"count": count, "may_manage": request.access.can("community.manage")}  # type: ignore[attr-defined]
    return render(request, "console/wecom_today.html", facts)
