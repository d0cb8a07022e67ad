"""Every word of the back office comes out of a catalogue, and in Chinese it is Chinese (X5). Record tables are Unfold's own."""

import logging
import re
from collections.abc import Iterator

import pytest
from django.test import Client

from apps.analytics import rollup
from apps.members import tagging
from apps.stores.models import Role
from tests import words
from tests.architecture.test_access import ROUTES, address, samples
from tests.console import world
from tests.console.world import House

pytestmark = pytest.mark.django_db
# Samples in both languages; codes of the audit trail and of requests; names of stored fields in the record of processing.
APART = {"console:style", "console:audit", "console:request_log", "console:privacy"}
# Data of the small house and names of things; texts of the policies that a new house begins with are the brand's own.
DATA = {
    "Ctrl", "Enter",
    "Siyu", "私域", "中文", "admin-", "tea", "test", "pos", "csv", "mine", "near", "far", "华东", "武康路店", "静安店", "春熙路店",
    "海报mine", "海报near", "海报far", "NO-mine", "NO-near", "NO-far",
    "ORDER-mine", "ORDER-near", "ORDER-far",
    "CSV", "元旦", "春节", "清明节", "劳动节", "端午节", "中秋节", "国庆节",
    "何青", "生日问候", "流失关怀", "沉睡唤醒", "赢回答谢", "首购转二购", "上了不少新品", "得空来看看吧", "天没见到您了",
    "口碑达人", "brand", "nickname", "days", "points",
    "since", "order", "海报", "积分", "成长值", "Points", "Growth", "C-manager", "C-clerk", "华西", "MINE", "NEAR", "FAR",
    "抖音", "视频号", "淘宝直播", "快手", "小红书", "Douyin", "WeChat", "Channels", "Taobao", "Live", "Kuaishou", "Xiaohongshu",
}  # fmt: skip
TO_MEMBERS = re.compile(r'<p class="c-sms">.*?</p>', re.DOTALL)  # texts of messages are the brand's own words
LATIN = {"Google Authenticator", "Microsoft Authenticator"}


@pytest.fixture
def house(db: None) -> Iterator[House]:
    logging.disable(logging.CRITICAL)
    made = world.build()
    tagging.set_tags(member_id=made.members["mine"].pk, tags=["tea"])
    rollup.roll_up(moment=made.moment, days=60)
    yield made
    logging.disable(logging.NOTSET)


@pytest.fixture
def client(house: House) -> Client:
    found = Client(raise_request_exception=False)
    world.enter(found, house.users[Role.ADMIN])
    return found


def pages(house: House, client: Client, language: str) -> dict[str, str]:
    """Every page of the console that a GET draws whole."""
    client.cookies["django_language"] = language
    found, given = {}, samples(house)
    for route, path in ROUTES:
        if not route.startswith("console:") or route in APART:
            continue
        answer = client.get(address(route, path, given))
        if answer.status_code == 200 and answer["Content-Type"].startswith("text/html"):
            found[route] = answer.content.decode()
    assert len(found) > 35
    return found


def test_every_word_comes_out_of_a_catalogue_and_none_stands_in_the_other_language(house: House, client: Client):
    with words.bracketed():
        english = {name: TO_MEMBERS.sub("", page) for name, page in pages(house, client, "en").items()}
    chinese = pages(house, client, "zh-hans")

    outside = {name: set(words.outside(page)) - DATA for name, page in english.items()}
    in_chinese = {name: words.sentences(page, of="latin") - LATIN for name, page in chinese.items()}
    in_english = {name: words.sentences(page, of="han") - DATA for name, page in english.items()}

    for strange in (outside, in_chinese, in_english):
        assert {name: found for name, found in strange.items() if found} == {}
