"""Ready journeys in the back office."""

from collections.abc import Callable

import pytest
from django.test import Client
from django.urls import reverse

from apps.care.journeys import ready
from apps.care.models import Journey
from apps.stores.models import Role

pytestmark = pytest.mark.django_db


def test_the_page_shows_them_and_takes_one_over_as_a_draft(at: Callable[..., Client]) -> None:
    client = at(Role.MARKETER)
    body = client.get(reverse("console:ready_journeys")).content.decode()
    assert body.count('<h2 id="ready-') == len(ready.READY)
    answer = client.post(reverse("console:ready_journey_take", args=["lapsing"]), follow=True)
    assert (answer.request["PATH_INFO"], answer.status_code) == ("/console/journeys/lapsing/", 200)
    assert 'href="/console/journeys/lapsing/"' in client.get(reverse("console:ready_journeys")).content.decode()
    assert "/console/ready-journeys/" in client.get("/console/journeys/").content.decode()
    made = Journey.objects.values_list("key", "status", "version")
    assert list(made) == [("lapsing", "draft", 0)]
    assert client.post(reverse("console:ready_journey_take", args=["nothing"])).status_code == 404
    assert at(Role.ANALYST).post(reverse("console:ready_journey_take", args=["lapsing"])).status_code == 403
    assert made.count() == 1
