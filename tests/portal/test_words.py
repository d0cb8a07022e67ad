"""Every word of the members' pages comes out of a catalogue, and in Chinese it is Chinese (X5)."""

import re

import pytest
from django.test import Client

from apps.core import clock, tokens
from apps.gateways import inbox
from apps.members import services as members
from apps.orders import services as orders
from apps.stores.models import Store
from tests import words
from tests.console import world
from tests.console.world import House
from tests.e2e.portal_walk import every_page
from tests.portal.doors import browser_of, family_of

pytestmark = pytest.mark.django_db
# What is data or a name on these pages, whatever the language.
DATA = {
    "中文",
    "Siyu",
    "mine",
    "iPhone",
    "WeChat",
    "NO-mine",
    "NO",
    "ORDER-mine",
    "ORDER",
    "EN",
    "English",
    "News",
    "news",
    "sms",
    "ok",
    "Shawl",
    "Oolong",
    "Tote",
    "Notebook",
}
LATIN = {"SMS", "EN", "English", "Siyu", "WeChat", "iPhone", "JPEG", "PNG", "WebP", "SHA"}


@pytest.fixture
def house(db: None) -> House:
    made = world.build()
    letter = inbox.Letter(key="note:1", member_id=made.members["mine"].pk, title="News", body="news")
    inbox.deliver_batch([letter], moment=clock.now())
    orders.refund(order_id=made.orders["mine"].pk, amount_cents=500, source="t")
    Store.objects.update(name="S1")
    members.change_profile(member_id=made.members["mine"].pk, nickname="mine")
    return made


@pytest.fixture
def client(house: House) -> Client:
    browser = browser_of(house.members["mine"].pk)
    browser_of(house.members["mine"].pk)
    tokens.step_up(family_id=family_of(browser))
    return browser


def pages(house: House, client: Client, language: str) -> dict[str, str]:
    client.cookies["django_language"] = language
    found = {name: client.get(path).content.decode() for name, path in every_page(house).items()}
    found["profile-wrong"] = client.post(
        "/my/me/profile/", {"nickname": "x" * 41, "birthday": "1700-01-01"}
    ).content.decode()
    found["erase-wrong"] = client.post("/my/privacy/erase/").content.decode()
    found["phone-wrong"] = client.post("/my/me/phone/", {"phone": "1"}).content.decode()
    stranger = Client()
    stranger.cookies["django_language"] = language
    found["login"] = stranger.get("/my/login/").content.decode()
    found["login-wrong"] = stranger.post("/my/login/", {"phone": "1", "agree": "1"}).content.decode()
    found["login-untied"] = stranger.post("/my/login/", {"phone": "1"}).content.decode()
    found["code-wrong"] = stranger.post("/my/login/code/", {"phone": "19900000009", "request_id": "x"}).content.decode()
    found["gone"] = stranger.post("/my/inbox/read/").content.decode()
    return found


def test_no_word_stands_outside_the_catalogues(house: House, client: Client):
    with words.bracketed():
        strange = {name: set(words.outside(page)) - DATA for name, page in pages(house, client, "en").items()}

    assert {name: found for name, found in strange.items() if found} == {}


def test_chinese_pages_hold_no_english_sentence_and_english_ones_no_chinese(house: House, client: Client):
    chinese = {
        name: set(re.findall(r"[A-Za-z]{3,}", " ".join(words.texts(page)))) - DATA - LATIN
        for name, page in pages(house, client, "zh-hans").items()
    }
    english = {
        name: set(re.findall(r"[\u4e00-\u9fff]+", " ".join(words.texts(page)))) - {"中文"}
        for name, page in pages(house, client, "en").items()
    }

    assert {name: found for name, found in chinese.items() if found} == {}
    assert {name: found for name, found in english.items() if found} == {}
