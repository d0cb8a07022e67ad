"""The editor of a journey: every press and every changed field is kept at once, and drawn anew by the server.

The page sends the draft it shows (`base`), what its open form says, and what was pressed (`act`). What somebody else saved meanwhile
is taken in; where both changed the same step, nothing is written and the page asks.
"""

import copy
import json
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods, require_POST

from apps.care.journeys import drafting, shaping
from apps.care.journeys.errors import Stopped
from apps.care.models import Journey
from apps.console import journey_form, journey_page, segment_form
from apps.console import journey_words as words
from apps.console.journey_form import ENDS, ENTRY
from apps.console.views import segments
from apps.core import clock

LONGEST = 300_000


@require_POST
def edit(request: HttpRequest, key: str) -> HttpResponse:
    row = journey_page.found(key)
    if row.status == Journey.Status.STOPPED:
        raise Stopped
    base = _draft(request.POST.get("base", "")) or shaping.normal(row.draft)
    opened = request.POST.get("open", "")[:24]
    draft, form = _taken(base, opened, request.POST)
    act = _Act(draft, opened, request.POST)
    act.run(request.POST.get("act", ""))
    kept = drafting.change(journey_id=row.pk, base=base, draft=act.draft)
    row.refresh_from_db()
    has_errors = form is not None and bool(form.errors) and act.opened == opened
    facts = journey_page.facts(request, row, opened=act.opened, form=form if has_errors else None)
    facts |= {"said": act.said, "saved_at": clock.now(), "others": kept.others, "focus": act.focus}
    if kept.conflict:
        facts |= _conflict(kept.conflict, draft=act.draft)
    if request.headers.get("HX-Request"):
        return render(request, "console/_journey_editor.html", facts)
    return render(request, "console/journey.html", facts, status=409 if kept.conflict else 200)


@require_http_methods(["GET", "HEAD", "POST"])
def rule(request: HttpRequest, key: str) -> HttpResponse:
    """The editor of one rule of the draft, at the JSON pointer `at`; saving goes back to the step."""
    row = journey_page.found(key)
    at = (request.POST.get("at") or request.GET.get("at", ""))[:80]
    base = _draft(request.POST.get("base", "")) or shaping.normal(row.draft)
    if _rule_at(base, at) is None:
        return redirect("console:journey", key)
    held = segment_form.posted(request.POST) if request.method == "POST" else segment_form.normal(_rule_at(base, at))
    said = ""
    if request.method == "POST" and "keep" in request.POST:
        if row.status == Journey.Status.STOPPED:
            raise Stopped
        draft = _with_rule(base, at, segment_form.pruned(held))
        kept = drafting.change(journey_id=row.pk, base=base, draft=draft)
        place = _place(draft, at)
        if not kept.conflict:
            messages.success(request, _("The rule is in the draft."))
            return redirect(f"{reverse('console:journey', args=[key])}?open={place}#step-{place}")
        said = _(
            "Somebody else changed this step meanwhile. Your rule is below; keep it again to put it in the place of theirs."
        )
        base = kept.draft
    facts = segments.editor(request, held) | {
        "journey": row, "at": at, "whose": _whose(base, at), "base": json.dumps(base, ensure_ascii=False), "said": said,
        "place": _place(base, at),
    }  # fmt: skip
    return render(request, "console/journey_rule.html", facts, status=409 if said else 200)


class _Act:
    """One press. `opened` is the step whose form is shown after it; `focus` the id that the cursor goes to."""

    def __init__(self, draft: dict[str, Any], opened: str, data: QueryDict) -> None:
        self.draft, self.opened, self.data = draft, opened, data
        self.said, self.focus = "", ""

    def run(self, text: str) -> None:
        act, *rest = text.split(":")
        done = getattr(self, f"_{act}", None) if act in _ACTS else None
        if done:
            done(*[*rest, "", "", ""][:3])

    def _open(self, key: str, *_more: str) -> None:
        self.opened = key
        self.focus = f"form-{key}"

    def _close(self, *_more: str) -> None:
        self.focus, self.opened = f"open-{self.opened}", ""

    def _add(self, kind: str, after: str, way: str) -> None:
        if kind not in words.KINDS:
            return
        raw = copy.deepcopy(journey_form.NEW.get(kind, {})) | {"kind": kind}
        self.draft, made = shaping.insert(self.draft, raw=raw, after=after, way=way)
        self.opened = made or self.opened
        self.focus = f"form-{made}" if made else ""
        self.said = _("%(step)s added.") % {"step": words.KINDS[kind]} if made else ""

    def _drop(self, key: str, *_more: str) -> None:
        raw = shaping.by_key(self.draft).get(key)
        self.draft, gone = shaping.remove(self.draft, key=key)
        if raw is not None and key not in shaping.by_key(self.draft):
            self._gone(words.title(raw), gone)
            self.opened = "" if self.opened in {key, *gone} else self.opened
            self.focus = "step-add"

    def _gone(self, name: str, gone: list[str]) -> None:
        self.said = _("“%(step)s” is removed.") % {"step": name}
        if gone:
            more = ngettext(
                "%(count)s step that only it led to went with it.",
                "%(count)s steps that only it led to went with it.",
                len(gone),
            )
            self.said += " " + more % {"count": len(gone)}

    def _swap(self, upper: str, lower: str, moved: str) -> None:
        self.draft = shaping.swap(self.draft, upper=upper, lower=lower)
        self.said = _("Moved.")
        self.focus = f"{'up' if moved == lower else 'down'}-{moved}"

    def _way(self, key: str, *_more: str) -> None:
        self.draft = shaping.add_way(self.draft, key=key)
        self.opened = key

    def _unway(self, key: str, way: str, *_more: str) -> None:
        self.draft, gone = shaping.drop_way(self.draft, key=key, way=way)
        self._gone(_("way"), gone)

    def _end(self, kind: str, *_more: str) -> None:
        fresh = {"kind": "order"} if kind == "order" else {"kind": "rule", "rule": {}}
        self.draft["ends"] = [*(self.draft.get("ends") or []), {"when": fresh, "is_goal": kind == "order"}]
        self.opened = ENDS

    def _unend(self, number: str, *_more: str) -> None:
        found = self.draft.get("ends") or []
        self.draft["ends"] = [one for n, one in enumerate(found) if str(n) != number]
        self.opened = ENDS

    def _restore(self, which: str, *_more: str) -> None:
        """Back to a draft that the page kept: undo, redo, or one side of a conflict."""
        self.draft = _draft(self.data.get(f"draft_{which}", "")) or self.draft
        if self.opened not in {*shaping.by_key(self.draft), ENTRY, ENDS}:
            self.opened = ""


_ACTS = ("open", "close", "add", "drop", "swap", "way", "unway", "end", "unend", "restore")


def _taken(base: dict[str, Any], opened: str, data: QueryDict) -> tuple[dict[str, Any], Any]:
    """The draft with what the open form says."""
    draft = copy.deepcopy(base)
    if opened == ENDS:
        for n, one in enumerate(draft.get("ends") or []):
            if f"end_{n}" in data:
                one["is_goal"] = f"goal_{n}" in data
        return draft, None
    form = journey_form.form(draft, opened, data) if opened and f"has_{opened}" in data else None
    if form is None:
        return draft, None
    taken = form.taken()
    if opened == ENTRY:
        for name in journey_form.EntryForm.around:  # what was emptied goes
            draft.pop(name, None)
        draft |= taken
        return draft, form
    draft["nodes"] = [taken if raw["key"] == opened else raw for raw in draft["nodes"]]
    return draft, form


def _draft(text: str) -> dict[str, Any] | None:
    try:
        found = json.loads(text) if 0 < len(text) < LONGEST else None
    except (ValueError, RecursionError):
        return None
    return shaping.normal(found) if isinstance(found, dict) else None


def _conflict(found: drafting.Merged, *, draft: dict[str, Any]) -> dict[str, Any]:
    names = {raw["key"]: words.title(raw) for raw in draft["nodes"]}
    places = {"entry": _("who comes in"), "ends": _("who leaves early"), "": _("which step is the first")}
    return {
        "conflict": [names.get(one) or places.get(one, one) for one in found.twice],
        "draft_mine": json.dumps(found.mine, ensure_ascii=False),
        "draft_theirs": json.dumps(found.theirs, ensure_ascii=False),
    }


def _rule_at(draft: dict[str, Any], at: str) -> Any:
    """The rule at a pointer of the draft; None where there is no place for one."""
    if at == "/audience":
        return draft.get("audience") or {}
    holder = _holder(draft, at)
    return None if holder is None else holder.get("rule") or {}


def _holder(draft: dict[str, Any], at: str) -> dict[str, Any] | None:
    parts = at.strip("/").split("/")
    if parts[-1] != "rule" or parts[0] not in ("nodes", "ends"):
        return None
    here: Any = draft
    for part in parts[:-1]:
        if isinstance(here, list) and part.isdigit() and int(part) < len(here):
            here = here[int(part)]
        elif isinstance(here, dict) and part in here:
            here = here[part]
        else:
            return None
    return here if isinstance(here, dict) else None


def _with_rule(base: dict[str, Any], at: str, rule: dict[str, Any]) -> dict[str, Any]:
    draft = copy.deepcopy(base)
    if at == "/audience":
        return draft | {"audience": rule}
    holder = _holder(draft, at)
    if holder is not None:
        holder["rule"] = rule
    return draft


def _place(draft: dict[str, Any], at: str) -> str:
    parts = at.strip("/").split("/")
    if parts[0] == "nodes":
        return str(draft["nodes"][int(parts[1])]["key"])
    return ENDS if parts[0] == "ends" else ENTRY


def _whose(draft: dict[str, Any], at: str) -> str:
    place = _place(draft, at)
    if place == ENTRY:
        return _("Only members for whom this is true")
    if place == ENDS:
        return _("Leaves when this is true")
    raw = shaping.by_key(draft)[place]
    return _("Rule of “%(step)s”") % {"step": words.title(raw)}
