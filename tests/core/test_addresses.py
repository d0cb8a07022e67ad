"""Whose address counts: behind our own proxies the one that they tell, never one that a client made up."""

import pytest
from django.http import HttpRequest, HttpResponse
from django.test import RequestFactory

from apps.core import requests
from apps.core.middleware import RequestContext


def seen(forwarded: str = "") -> str:
    """The address that services see of a request from the peer 192.0.2.1."""
    found: list[str] = []

    def view(request: HttpRequest) -> HttpResponse:
        found.append(requests.origin().address)
        assert request.META["REMOTE_ADDR"] == found[0]
        return HttpResponse()

    request = RequestFactory().get("/", REMOTE_ADDR="192.0.2.1", headers={"X-Forwarded-For": forwarded})
    request.resolver_match = None
    RequestContext(view)(request)
    return found[0]


@pytest.mark.parametrize(
    ("proxies", "forwarded", "address"),
    [
        (0, "", "192.0.2.1"),
        (0, "203.0.113.9", "192.0.2.1"),
        (1, "", "192.0.2.1"),
        (1, "203.0.113.9", "203.0.113.9"),
        (1, "10.9.9.9, 203.0.113.9", "203.0.113.9"),
        (2, "10.9.9.9, 203.0.113.9, 198.51.100.4", "203.0.113.9"),
        (2, "203.0.113.9", "203.0.113.9"),
        (1, " , ", "192.0.2.1"),
    ],
)
def test_the_address_is_the_one_that_the_outermost_own_proxy_saw(settings, proxies: int, forwarded: str, address: str):
    settings.TRUSTED_PROXIES = proxies

    assert seen(forwarded) == address
