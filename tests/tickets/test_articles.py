"""Help articles: found by what members call things, held out before a request is sent, and counted by what came of it."""

import pytest
from django.test import Client

from apps.core import ids
from apps.core.errors import ValidationFailed
from apps.tickets import articles
from apps.tickets.article_models import Article, Suggestion
from apps.tickets.errors import ArticleChanged
from apps.tickets.models import Ticket
from tests.portal.doors import browser_of
from tests.tickets import desk as of

pytestmark = pytest.mark.django_db
BUTTON = {
    "topic": "care",
    "title": "扣子掉了怎么补",
    "body": "带到门店，免费缝好。",
    "words": "纽扣 缝",
    "is_published": True,
}


def written(**more: object) -> Article:
    return articles.save(article_id=None, values=BUTTON | more, staff_id=None)


def test_articles_are_found_by_title_and_search_words_and_drafts_never():
    button = written()
    returns = written(
        topic="returns", title="几天内可以退货", words="退换 不合适", title_en="Days to return", body_en="Seven days."
    )
    written(title="纽扣草稿", is_published=False)
    found = {text: [row.pk for row in articles.find(text)] for text in (
        "第二颗纽扣松了", "大衣不合适，想退货", "return my coat", "请问你好可以吗", "", "天气", "x' or 1=1 --",
    )}  # fmt: skip
    assert list(found.values()) == [[button.pk], [returns.pk], [returns.pk], [], [], [], []]


def test_a_page_of_long_ago_saves_nothing_and_half_an_english_neither():
    row = written()
    for wrong in ({"title": ""}, {"title": "长" * 81}, {"topic": "x"}, {"title_en": "Only a title"}):
        with pytest.raises(ValidationFailed):
            articles.save(article_id=row.pk, values=BUTTON | wrong, staff_id=None, version=1)
    articles.save(article_id=row.pk, values=BUTTON | {"title": "新标题"}, staff_id=None, version=1)
    with pytest.raises(ArticleChanged):
        articles.save(article_id=row.pk, values=BUTTON, staff_id=None, version=1)
    row.refresh_from_db()
    assert (row.title, row.version, articles.find("新标题")[0].pk) == ("新标题", 2, row.pk)


def test_what_is_held_out_opened_solved_or_sent_all_the_same_is_counted():
    desk = of.build()
    row = written()
    key, client = ids.encode("art", row.pk), browser_of(desk.member)
    for token in ("first-token", "second-token"):
        shown = client.post("/my/help/suggest/", {"text": "纽扣掉了", "token": token}).content.decode()
        assert f"/my/help/{key}/?of={token}" in shown
    client.get(f"/my/help/{key}/?of=first-token")
    client.post(f"/my/help/{key}/solved/", {"token": "first-token"})
    client.post(f"/my/help/{key}/solved/", {"token": "never-shown"})
    form = {"token": "second-token", "kind": "question", "text": "纽扣掉了，能补吗"}
    assert row.title in client.post("/my/tickets/new/?kind=question", form).content.decode()
    client.post("/my/tickets/new/?kind=question", form | {"send": "1"})
    each, whole = articles.figures()
    assert each[row.pk] == articles.Figures(shown=2, opened=1, helped=1, sent=1)
    assert (whole, Ticket.objects.count(), Suggestion.objects.count()) == (articles.Whole(2, 1, 1), 1, 2)
    nobody = Client()
    api = "/api/v1/articles"
    for word in ("third-form", "x"):  # one letter is no form's word
        assert [one["id"] for one in nobody.get(f"{api}?q=纽扣掉了&writing={word}").json()] == [key]
    for article, word in ((key, "third-form"), (key, "never-shown"), ("art_0", "third-form")):
        said = {"article": article, "writing": word}
        assert nobody.post(f"{api}/helped", said, content_type="application/json").status_code == 204
    assert (articles.figures()[1], Suggestion.objects.count()) == (articles.Whole(3, 2, 1), 3)
    assert row.title in nobody.get("/my/help/").content.decode()
    assert row.title in nobody.get("/my/help/?q=扣子").content.decode()
    Article.objects.update(is_published=False)
    assert nobody.get(f"/my/help/{key}/").status_code == 404
