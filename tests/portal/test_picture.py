"""The profile picture in the member's pages: chosen, shown to its owner alone, changed, taken away."""

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from apps.members import services as members
from apps.members import uploads
from apps.members.models import Member, Upload
from tests import pictures_made as made
from tests.pictures_made import PLACE, drawn, photo
from tests.portal.doors import browser_of

pytestmark = pytest.mark.django_db
ADDRESS = "/my/me/picture/"


@pytest.fixture
def client() -> Client:
    return browser_of(members.register(source="test", nickname="林若溪", phone="19900000011"))


def choose(client: Client, content: bytes, name: str = "IMG_0001.jpg"):
    return client.post(ADDRESS, {"picture": SimpleUploadedFile(name, content)})


def test_a_picture_is_chosen_and_shown_on_both_pages(client: Client):
    assert "/my/me/picture/" not in client.get("/my/me/").content.decode()

    answer = choose(client, photo())

    assert answer["Location"] == "/my/me/profile/"
    shown = f'src="{ADDRESS}?v={Member.objects.get().avatar_id}"'
    assert shown in client.get("/my/me/profile/").content.decode()
    assert shown in client.get("/my/me/").content.decode()
    picture = client.get(ADDRESS)
    assert (picture.status_code, picture["Content-Type"]) == (200, "image/jpeg")
    assert picture["Cache-Control"] == "private, max-age=3600"
    assert PLACE not in picture.content
    assert Upload.objects.get().expires_at is None


def test_nobody_else_sees_it(client: Client):
    choose(client, drawn())
    other = browser_of(members.register(source="test", nickname="周远", phone="19900000012"))

    assert other.get(ADDRESS).status_code == 404
    assert Client().get(ADDRESS).status_code == 302


@pytest.mark.parametrize(
    ("content", "status"),
    [(made.SVG, 415), (made.heic(), 415), (b"", 415), (made.png_header(50_000, 50_000), 413)],
)
def test_what_is_no_picture_is_said_beside_the_button_and_nothing_is_kept(client: Client, content: bytes, status: int):
    answer = choose(client, content)

    assert answer.status_code == status
    page = answer.content.decode()
    assert 'id="picture-e"' in page
    assert 'aria-invalid="true"' in page
    assert 'name="nickname"' in page
    assert (Upload.objects.count(), Member.objects.get().avatar_id) == (0, None)


def test_a_form_without_a_file_is_refused_as_well(client: Client):
    assert client.post(ADDRESS, {}).status_code == 415


def test_it_can_be_changed_and_taken_away(client: Client):
    choose(client, drawn(colour="#111111"))
    first = Member.objects.get().avatar_id
    choose(client, drawn(colour="#222222"))
    assert Member.objects.get().avatar_id not in {None, first}
    assert uploads.sweep()["expired"] == 1

    assert client.post(ADDRESS, {"remove": "1"})["Location"] == "/my/me/profile/"

    assert Member.objects.get().avatar_id is None
    assert client.get(ADDRESS).status_code == 404
    assert uploads.sweep()["expired"] == 1
    assert Upload.objects.count() == 0
