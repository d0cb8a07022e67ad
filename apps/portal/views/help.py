"""Help before anybody is asked: articles by topic, searched, held out while a request is written, and whether that solved it."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from apps.core import ids
from apps.portal import sessions, shell
from apps.portal.shell import Facts
from apps.tickets import articles
from apps.tickets.article_models import Article

ARTICLE = "art"
LONGEST_QUESTION, LONGEST_TOKEN = 200, 40


@require_safe
def index(request: HttpRequest) -> HttpResponse:
    """`?q=` searches; without it, everything by topic."""
    asked = request.GET.get("q", "")[:LONGEST_QUESTION].strip()
    found = articles.find(asked) if asked else []
    topics: dict[str, list[Facts]] = {}
    for row in [] if asked else articles.published():
        topics.setdefault(str(Article.Topic(row.topic).label), []).append(_row(row))
    facts: Facts = {"asked": asked, "found": [_row(row) for row in found], "topics": list(topics.items())}
    return shell.page(request, "portal/help.html", facts, at="me")


@require_safe
def page(request: HttpRequest, article: str) -> HttpResponse:
    """`?of=`: the form whose writer opened it from there."""
    row = articles.one(ids.decode(ARTICLE, article))
    token = request.GET.get("of", "")[:LONGEST_TOKEN]
    if token:
        articles.note_opened(token=token, article_id=row.pk)
    title, text = articles.shown(row)
    facts: Facts = {"row": row, "title": title, "text": text, "id": article, "token": token}
    return shell.page(request, "portal/help_article.html", facts, at="me")


@require_POST
def suggest(request: HttpRequest) -> HttpResponse:
    """For the form of a new request: what may spare the writing."""
    token = request.POST.get("token", "")[:LONGEST_TOKEN]
    found = articles.suggest(request.POST.get("text", ""), token=token) if token else []
    return shell.part(request, "portal/_suggested.html", {"suggested": rows(found), "token": token})


@require_POST
def solved(request: HttpRequest, article: str) -> HttpResponse:
    """No request is needed any more."""
    token = request.POST.get("token", "")[:LONGEST_TOKEN]
    if articles.note_helped(token=token, article_id=ids.decode(ARTICLE, article)):
        sessions.say(request, _("Good that it helped. Nothing was sent."))
    return redirect("portal:help")


def rows(found: list[Article]) -> list[Facts]:
    return [_row(row) for row in found]


def _row(row: Article) -> Facts:
    title, text = articles.shown(row)
    return {"id": ids.encode(ARTICLE, row.pk), "title": title, "text": text}
