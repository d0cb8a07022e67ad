"""A member says a day themselves: by agreeing, on tracks opened for it, and never on another member's."""

from datetime import UTC, datetime

import pytest
from django.test import Client

from apps.core import ids
from apps.members import services as members
from apps.segments.models import Placement, TrackMove
from apps.segments.tracks import services
from tests.portal.doors import browser_of
from tests.segments.test_tracks import BABY, END

pytestmark = pytest.mark.django_db
PAGE = "/my/me/tracks/"


@pytest.fixture
def client(clock) -> Client:
    clock(datetime(2026, 11, 22, 4, 0, tzinfo=UTC))
    return browser_of(members.register(source="test", phone="19900000011"))


def test_a_day_is_said_corrected_and_taken_back(client: Client) -> None:
    assert PAGE not in client.get("/my/me/").content.decode()
    for key in ("baby", "closed"):
        services.create(key=key, name="宝宝", anchor="预产期", steps=BABY, ends=END, is_told=key == "baby")
    assert PAGE in client.get("/my/me/").content.decode()
    said = {"do": "place", "track": "baby", "day": "2026-12-01", "is_agreed": "on"}
    unsaid = {name: value for name, value in said.items() if name != "is_agreed"}
    for wrong, status in ((unsaid, 422), (said | {"day": "2026-02-30"}, 422), (said | {"track": "closed"}, 404)):
        assert client.post(PAGE, wrong).status_code == status
    assert not Placement.objects.exists()
    assert client.post(PAGE, said).status_code == 302
    place = Placement.objects.get()
    assert (place.step, place.source) == ("pregnant", "portal")
    assert "孕期" in client.get(PAGE).content.decode()
    public = ids.encode("plc", place.pk)
    stranger = browser_of(members.register(source="test", phone="19900000012"))
    for do in (f"leave:{public}", f"correct:{public}"):
        assert stranger.post(PAGE, {"do": do, "day": "2026-11-01"}).status_code == 404
    client.post(PAGE, {"do": f"correct:{public}", "day": "2026-11-01"})
    client.post(PAGE, {"do": f"leave:{public}"})
    told = TrackMove.objects.order_by("id").values_list("after", "cause")
    assert list(told) == [("pregnant", "placed"), ("m0", "corrected"), ("", "left")]
