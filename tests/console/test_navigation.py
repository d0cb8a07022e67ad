"""The side bar: what exists and may be opened, and where one is."""

from types import SimpleNamespace

from django.test import RequestFactory
from django.urls import reverse

from apps.console import navigation


def seen(*, path: str = "/console/", allowed: set[str] | None = None) -> dict[str, bool]:
    """Icon of each shown place → whether it is the current one; `allowed` None is everything."""
    request = RequestFactory().get(path)
    request.access = SimpleNamespace(can=lambda permission: allowed is None or permission in allowed)
    return {place.icon: place.current for _label, places in navigation.places(request) for place in places}


def test_a_place_without_the_permission_is_not_shown():
    assert set(seen(allowed={"orders.view"})) == {"bag", "style"}


def test_a_group_without_places_has_no_heading():
    request = RequestFactory().get("/console/")
    request.access = SimpleNamespace(can=lambda permission: permission == "orders.view")
    assert [str(label) for label, _places in navigation.places(request)] == ["会员", "系统"]


def test_a_place_that_does_not_exist_is_not_shown(settings):
    settings.ROOT_URLCONF = "tests.console.only_health"
    assert seen(path="/") == {}


def test_exactly_one_place_is_current_and_the_closest_wins():
    assert [icon for icon, current in seen(path=reverse("console:dashboard")).items() if current] == ["pulse"]
    assert [icon for icon, current in seen(path=reverse("console:style")).items() if current] == ["style"]


def test_a_page_below_a_place_keeps_it_current():
    assert seen(path="/console/members/mem_1/")["users"] is True


def test_without_access_only_open_places_are_shown():
    request = RequestFactory().get("/console/")
    assert [place.icon for _label, places in navigation.places(request) for place in places] == ["style"]
