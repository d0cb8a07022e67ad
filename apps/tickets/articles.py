"""The knowledge base: written by staff, searched by members, held out while they write; and whether it spared them the writing.

A search compares pieces: pairs of Han letters, words of other scripts. What title and search words share with the question counts
four times what only the text does; common phrases count nothing.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.db import connection, transaction
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from apps.core import audit, clock
from apps.core.errors import NotFound, ValidationFailed
from apps.tickets.article_models import Article, Suggestion
from apps.tickets.errors import ArticleChanged

SUGGESTED, FOUND = 3, 20
LEAST = 4  # a pair of the title, or four of the text
_ASKED = 500  # letters of a question that are looked at
_COMMON = frozenset(
    {
        "可以",
        "什么",
        "怎么",
        "请问",
        "你好",
        "您好",
        "我的",
        "一个",
        "没有",
        "这个",
        "那个",
        "不能",
        "能不",
        "是不",
        "有没",
        "怎样",
        "如何",
    }
    | {"谢谢", "为什", "么办", "想要", "the", "and", "for", "you", "can", "how", "what"}
)
_TEXTS = ("title", "title_en", "body", "body_en", "words", "topic")
_FIND = """
select id from (
    select id,
        3 * cardinality(array(select unnest(head_grams) intersect select unnest(%(grams)s::text[])))
        + cardinality(array(select unnest(grams) intersect select unnest(%(grams)s::text[]))) as score
    from tickets_article where is_published and grams && %(grams)s::varchar[]
) found where score >= %(least)s order by score desc, id limit %(limit)s
"""
_FIGURES = """
select article_id, count(*), count(opened_at), count(helped_at), count(sent_at)
from tickets_suggestion where shown_at >= %s group by article_id
"""
_WHOLE = """
select count(*), count(*) filter (where helped), count(*) filter (where sent) from (
    select bool_or(helped_at is not null) as helped, bool_or(sent_at is not null) as sent
    from tickets_suggestion where shown_at >= %s group by token
) writing
"""


@dataclass(frozen=True)
class Figures:
    """How often an article was held out, opened, said to have solved it, and the request was sent all the same."""

    shown: int = 0
    opened: int = 0
    helped: int = 0
    sent: int = 0


@dataclass(frozen=True)
class Whole:
    """Of those who were shown anything while they wrote: how many said it solved it, how many sent their request."""

    writers: int
    helped: int
    sent: int


def grams(text: str) -> set[str]:
    """The pieces of a text."""
    found: set[str] = set()
    for piece in re.findall(r"[\u3400-\u9fff]+|[a-z0-9]{2,40}", text.lower()):
        found |= {piece} if piece.isascii() else {piece[at : at + 2] for at in range(max(len(piece) - 1, 1))}
    return found - _COMMON


@transaction.atomic
def save(*, article_id: int | None, values: Mapping[str, Any], staff_id: int | None, version: int = 0) -> Article:
    """A new one (None), or this one changed; `version` is what the page showed. Raises ValidationFailed, NotFound, ArticleChanged."""
    said = {name: str(values.get(name, "")).strip() for name in _TEXTS}
    _check(said)
    row = Article(version=0)
    if article_id is not None:
        row = Article.objects.select_for_update().filter(pk=article_id).first() or _missing()
        if row.version != version:
            raise ArticleChanged(version=row.version)
    for name, text in said.items():
        setattr(row, name, text)
    row.is_published = bool(values.get("is_published"))
    row.head_grams = sorted(grams(f"{row.title} {row.title_en} {row.words}"))
    row.grams = sorted(grams(" ".join(said[name] for name in _TEXTS if name != "topic")))
    row.version, row.changed_at, row.changed_by_id = row.version + 1, clock.now(), staff_id
    row.save()
    audit.record(
        "article.saved", object_type="article", object_id=row.pk,
        after={"version": row.version, "is_published": row.is_published, "topic": row.topic},
    )  # fmt: skip
    return row


def find(text: str, *, limit: int = FOUND) -> list[Article]:
    """Published ones that have to do with it, best first."""
    asked = sorted(grams(text[:_ASKED]))
    if not asked:
        return []
    with connection.cursor() as cursor:
        cursor.execute(_FIND, {"grams": asked, "least": LEAST, "limit": limit})
        keys = [row[0] for row in cursor.fetchall()]
    known = Article.objects.in_bulk(keys)
    return [known[key] for key in keys]


def published() -> list[Article]:
    return list(Article.objects.filter(is_published=True).order_by("topic", "pk"))


def one(article_id: int) -> Article:
    """Raises NotFound for what is not there or not published."""
    return Article.objects.filter(pk=article_id, is_published=True).first() or _missing()


def suggest(text: str, *, token: str) -> list[Article]:
    """What may spare the writing; noted as held out to this form."""
    found = find(text, limit=SUGGESTED)
    Suggestion.objects.bulk_create([Suggestion(token=token, article=row) for row in found], ignore_conflicts=True)
    return found


def note_opened(*, token: str, article_id: int) -> None:
    Suggestion.objects.filter(token=token, article_id=article_id, opened_at=None).update(opened_at=clock.now())


def note_helped(*, token: str, article_id: int) -> bool:
    """It solved it, says whoever was writing. False when it was never held out to them."""
    held_out = Suggestion.objects.filter(token=token, article_id=article_id)
    held_out.filter(helped_at=None).update(helped_at=clock.now())
    return held_out.exists()


def note_sent(*, token: str) -> None:
    """The request was sent all the same."""
    Suggestion.objects.filter(token=token, sent_at=None).update(sent_at=clock.now())


def figures(*, days: int = 90) -> tuple[dict[int, Figures], Whole]:
    """By article, and of all who wrote, since so many days."""
    since = clock.now() - timedelta(days=days)
    with connection.cursor() as cursor:
        cursor.execute(_FIGURES, [since])
        each = {row[0]: Figures(*row[1:]) for row in cursor.fetchall()}
        cursor.execute(_WHOLE, [since])
        return each, Whole(*cursor.fetchone())


def shown(row: Article) -> tuple[str, str]:
    """(title, text) in the present language, or in Chinese where there is no other."""
    if (get_language() or "").startswith("en") and row.title_en and row.body_en:
        return row.title_en, row.body_en
    return row.title, row.body


def _check(said: Mapping[str, str]) -> None:
    limits = {"title": 80, "title_en": 120, "body": 8_000, "body_en": 12_000, "words": 300}
    wrong: Sequence[str] = [name for name, most in limits.items() if len(said[name]) > most]
    wrong = [*wrong, *(name for name in ("title", "body") if not said[name])]
    if bool(said["title_en"]) != bool(said["body_en"]):
        wrong = [*wrong, "body_en"]
    if said["topic"] not in Article.Topic.values:
        wrong = [*wrong, "topic"]
    if wrong:
        message = str(_("Fill this in, not too long; English needs title and text, or neither."))
        raise ValidationFailed(
            errors=[{"pointer": f"/{name}", "code": "invalid", "message": message} for name in wrong]
        )


def _missing() -> Any:
    raise NotFound
