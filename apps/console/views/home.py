"""The front door: everybody lands on the first page their role may open."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect

from apps.console import navigation
from apps.core.errors import Forbidden


def home(request: HttpRequest) -> HttpResponse:
    for _label, places in navigation.places(request):
        for place in places:
            return redirect(place.href)
    raise Forbidden
