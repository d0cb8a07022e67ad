"""Help articles: written here, and how often they spared members the writing."""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from apps.console import people
from apps.console.article_form import ArticleForm
from apps.core import ids
from apps.core.errors import DomainError, NotFound
from apps.tickets import articles
from apps.tickets.article_models import Article
from apps.tickets.articles import Figures

PREFIX = "art"
EDIT = "tickets.articles"
DAYS = 90


@require_safe
def index(request: HttpRequest) -> HttpResponse:
    each, whole = articles.figures(days=DAYS)
    rows = [
        {"row": row, "id": ids.encode(PREFIX, row.pk), "figures": each.get(row.pk, Figures())}
        for row in Article.objects.order_by("topic", "pk")
    ]
    share = f"{100 * whole.helped / whole.writers:.1f}" if whole.writers else ""
    facts = {"rows": rows, "whole": whole, "share": share, "days": DAYS, "may_edit": _may(request)}
    return render(request, "console/articles.html", facts)


@require_http_methods(["GET", "HEAD", "POST"])
def new(request: HttpRequest) -> HttpResponse:
    return _edit(request, None)


@require_http_methods(["GET", "HEAD", "POST"])
def one(request: HttpRequest, article: str) -> HttpResponse:
    row = Article.objects.filter(pk=ids.decode(PREFIX, article)).first()
    if row is None:
        raise NotFound
    return _edit(request, row)


def _edit(request: HttpRequest, row: Article | None) -> HttpResponse:
    form = ArticleForm(request.POST or None, row=row)
    if request.method == "POST" and form.is_valid():
        try:
            articles.save(
                article_id=row.pk if row else None, values=form.cleaned_data, version=form.cleaned_data["version"],
                staff_id=request.access.staff_id,  # type: ignore[attr-defined]
            )  # fmt: skip
        except DomainError as refusal:
            people.complain(request, refusal)
        else:
            messages.success(request, _("Saved."))
            return redirect("console:articles")
    facts: dict[str, Any] = {"form": form, "row": row}
    return render(request, "console/article.html", facts, status=422 if form.is_bound else 200)


def _may(request: HttpRequest) -> bool:
    return bool(request.access.can(EDIT))  # type: ignore[attr-defined]
