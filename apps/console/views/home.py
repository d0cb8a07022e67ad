"""The front door: whoever runs a store lands on its day, the others on the first page their role may open."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect

from apps.console import navigation
from apps.core.errors import Forbidden
from apps.stores.models import Role

RUN_STORES = {Role.MANAGER, Role.REGION_MANAGER}


def home(request: HttpRequest) -> HttpResponse:
    if request.access.role in RUN_STORES:  # type: ignore[attr-defined]
        return redirect("console:today")
    for _label, places in navigation.places(request):
        for place in places:
            return redirect(place.href)
    raise Forbidden
