"""The member's points: what there is, what runs out first, every line in plain words; and the little piece that keeps it up to date."""

from hashlib import blake2b

from django.http import HttpRequest, HttpResponse
from django.utils.cache import get_conditional_response
from django.utils.translation import get_language
from django.views.decorators.http import require_safe

from apps.core import csv_files, ids
from apps.points import giving, selectors, statement_file, telling
from apps.portal import shell
from apps.portal.shell import Facts

PAGE = 20
ENDS = 12  # days on which points run out or become usable, at most
ENTRY = "pte"
NONE = "none"


@require_safe
def page(request: HttpRequest) -> HttpResponse:
    """Newest line first; `?after=` goes on below a line. htmx asks for the rows alone."""
    member_id = request.member.member_id  # type: ignore[attr-defined]
    after = request.GET.get("after", "")
    found, following = telling.statement(
        member_id=member_id, currency="points", before=ids.decode(ENTRY, after) if after else None, limit=PAGE
    )
    facts: Facts = {
        "rows": telling.tell(found, language=get_language() or ""),
        "older": ids.encode(ENTRY, following) if following else "",
        "is_first": not after,
        "is_empty": not found and not after,
    }
    if request.headers.get("HX-Request") and after:
        return shell.part(request, "portal/_points_rows.html", facts)
    facts |= {
        "points": selectors.totals(member_id=member_id),
        "ends": selectors.expiring(member_id=member_id)[:ENDS],
        "waits": selectors.waiting(member_id=member_id, limit=ENDS),
        "may_give": giving.terms(member_id=member_id) is not None,
        "newest": ids.encode(ENTRY, found[0].pk) if found else NONE,
    }
    return shell.page(request, "portal/points.html", facts)


@require_safe
def statement(request: HttpRequest) -> HttpResponse:
    """All of it as a file to keep."""
    member_id = request.member.member_id  # type: ignore[attr-defined]
    rows = statement_file.rows(member_id=member_id, currency="points", language=get_language() or "", for_staff=False)
    return csv_files.response(name="points.csv", headers=statement_file.headers(for_staff=False), rows=rows)


@require_safe
def now(request: HttpRequest) -> HttpResponse:
    """For pages that stay open: the balance, and with `?since=` the lines written after that one. 304 while nothing changed."""
    member_id = request.member.member_id  # type: ignore[attr-defined]
    facts: Facts = {"points": selectors.totals(member_id=member_id)}
    if since := request.GET.get("since", ""):
        known = 0 if since == NONE else ids.decode(ENTRY, since)
        found, _following = telling.statement(member_id=member_id, currency="points", after=known, limit=PAGE)
        facts |= {
            "rows": telling.tell(found, language=get_language() or ""),
            "is_empty": not found and not known,
            "is_whole": True,
            "ends": selectors.expiring(member_id=member_id)[:ENDS],
            "waits": selectors.waiting(member_id=member_id, limit=ENDS),
        }
    answer = shell.part(request, "portal/_points_live.html", facts)
    answer["ETag"] = f'"{blake2b(answer.content, digest_size=12).hexdigest()}"'
    return get_conditional_response(request, etag=answer["ETag"], response=answer) or answer
