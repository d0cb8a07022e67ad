"""The difference of two graphs in words, step by step."""

from dataclasses import dataclass, field
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from apps.care.journeys.comparing import Change, Difference
from apps.console import journey_words as words
from apps.console.journey_rows import field_label

_WAYS = ("next", "otherwise", "met", "timeout", "start")


@dataclass
class Part:
    """A step, or the journey itself (`title` "")."""

    title: str
    what: str  # added, removed, changed
    lines: list[tuple[str, str, str]] = field(default_factory=list)  # field, before, after
    says: Any = ""


def parts(found: Difference, *, before: dict[str, Any], after: dict[str, Any], brand: words.Brand) -> list[Part]:
    made = [Part(words.title(raw), "added", says=words.says(raw, brand)) for raw in found.added]
    made += [Part(words.title(raw), "removed", says=words.says(raw, brand)) for raw in found.removed]
    old, new = ({raw["key"]: raw for raw in one["nodes"]} for one in (before, after))
    names = {key: words.title(raw) for key, raw in (old | new).items()}
    for key in dict.fromkeys(change.step for change in found.changes):
        lines = [_line(one, brand, names, (old, new)) for one in found.changes if one.step == key]
        made.append(Part(names.get(key, ""), "changed", lines))
    return made


def short(found: Difference, draft: dict[str, Any]) -> str:
    """One sentence for the head of the page."""
    names = {raw["key"]: words.title(raw) for raw in draft["nodes"]}
    steps = [
        names[one]
        for one in dict.fromkeys(change.step for change in found.changes if change.field not in _WAYS)
        if one in names
    ]
    said = []
    if steps:
        said.append(_("changed: %(steps)s") % {"steps": _(", ").join(steps[:3])})
    if found.added:
        said.append(
            ngettext("%(count)s step added", "%(count)s steps added", len(found.added)) % {"count": len(found.added)}
        )
    if found.removed:
        said.append(
            ngettext("%(count)s step removed", "%(count)s steps removed", len(found.removed))
            % {"count": len(found.removed)}
        )
    if any(not change.step for change in found.changes):
        said.append(_("entry or limits changed"))
    return _("; ").join(said) or _("the order of steps changed")


def _line(change: Change, brand: words.Brand, names: dict[str, str], nodes: Any) -> tuple[str, str, str]:
    raws = [one.get(change.step, {"kind": ""}) for one in nodes]
    before, after = (
        _value(change.field, value, brand, names, raw)
        for value, raw in zip((change.before, change.after), raws, strict=True)
    )
    return field_label(change.field), before, after


def _value(name: str, value: Any, brand: words.Brand, names: dict[str, str], raw: dict[str, Any]) -> str:
    if value is None or value == "":
        return "—"
    if name in _WAYS:
        return names.get(str(value), str(value))
    if name in ("for", "what", "ways", "arms"):
        return _structured(name, raw, brand)
    if name == "entry":
        return words.entry({"entry": value}, brand)
    if name == "audience":
        return brand.rule(value) or _("everybody")
    if name == "again":
        return words.again(value)
    if name == "ends":
        return _("; ").join(words.end(one["when"], brand) for one in value) or "—"
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    if isinstance(value, list | dict):
        return _(", ").join(_inner(one) for one in (value.items() if isinstance(value, dict) else value)) or "—"
    return str(value)


def _structured(name: str, raw: dict[str, Any], brand: words.Brand) -> str:
    if name in ("for", "what"):
        return str(words.says(raw, brand))
    return _("; ").join(words.way(raw, str(n), brand) for n in range(1, len(raw.get(name) or []) + 1))


def _inner(one: Any) -> str:
    if isinstance(one, tuple):
        return f"{one[0]}: {_inner(one[1])}"
    return " ".join(str(value) for value in one.values()) if isinstance(one, dict) else str(one)
