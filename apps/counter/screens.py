"""Parts of the till's one page, as the server draws them. `X-Place` says where each goes: "view", "result" (over all) or "lock"."""

from collections.abc import Callable
from functools import wraps
from typing import Any, Literal

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_POST

from apps.core.errors import DomainError
from apps.counter import reasons

Place = Literal["view", "result", "lock", "offers"]
View = Callable[[HttpRequest], HttpResponse]


def part(
    request: HttpRequest, template: str, facts: dict[str, Any], *, place: Place, status: int = 200, sound: str = ""
) -> HttpResponse:
    answer = render(request, f"counter/{template}", facts, status=status)
    answer["X-Place"] = place
    answer["X-Sound"] = sound
    answer["Cache-Control"] = "no-store"
    return answer


def no(request: HttpRequest, refusal: DomainError, **facts: Any) -> HttpResponse:
    """The red screen."""
    words = reasons.of(refusal)
    answer = part(request, "_no.html", {"no": words, **facts}, place="result", status=words.status, sound="no")
    answer["X-Problem"] = words.code
    return answer


def act(view: View) -> View:
    """A form of the till: what the rules refuse becomes the red screen."""

    @require_POST
    @wraps(view)
    def guarded(request: HttpRequest) -> HttpResponse:
        try:
            return view(request)
        except DomainError as refusal:
            return no(request, refusal)

    return guarded


def posted(request: HttpRequest, name: str, most: int = 200) -> str:
    return request.POST.get(name, "").strip()[:most]
