"""Settings of the brand: each change with who, when, before and after, and the way back."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from apps.analytics import keyset
from apps.console import asked, audit_words, machine_words, people, settings_history
from apps.core import brand
from apps.core.errors import DomainError


@require_safe
def index(request: HttpRequest) -> HttpResponse:
    """`?key=`: of one setting."""
    key = asked.one_of(request, name="key", allowed=brand.declared())
    cursor = keyset.read(request.GET.get("at", ""), kinds=[int])
    lines = settings_history.changes(key=key)
    if cursor:
        lines = lines.filter(pk__gt=cursor.key[0]) if cursor.is_back else lines.filter(pk__lt=cursor.key[0])
    found = list(lines.order_by("pk" if cursor and cursor.is_back else "-pk")[: keyset.SIZE + 1])
    page = keyset.page([{"id": line.pk, "line": line} for line in found], cursor=cursor, key=["id"])
    changes = settings_history.told([row["line"] for row in page.rows])
    names = people.log_in_names(change.line.actor for change in changes)
    access = request.access  # type: ignore[attr-defined]
    labels = sorted((str(settings_history.LABELS.get(one, one)), one) for one in brand.declared())
    facts = {
        "rows": [
            {
                "change": change,
                "who": names.get(change.line.actor) or machine_words.actor(change.line.actor),
                "before": audit_words.value(change.before),
                "after": audit_words.value(change.after),
                "may_restore": settings_history.may_restore(change, by=access),
            }
            for change in changes
        ],
        "keys": [("", _("All settings"), not key), *((one, text, one == key) for text, one in labels)],
        **asked.pager(request, page),
    }
    return render(request, "console/settings_history.html", facts)


@require_POST
def restore(request: HttpRequest, setting_line: int) -> HttpResponse:
    try:
        change = settings_history.restore(line_id=setting_line, by=request.access)  # type: ignore[attr-defined]
    except DomainError as refusal:
        people.complain(request, refusal)
    else:
        facts = {"name": change.label, "value": audit_words.value(change.before)}
        messages.success(request, _("“%(name)s” is again: %(value)s") % facts)
    return redirect("console:settings_history")
