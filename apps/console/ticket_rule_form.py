"""Forms of macros and automations: plain fields, of which conditions and acts are made."""

from collections.abc import Mapping, Sequence
from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext, pgettext_lazy

from apps.console.ticket_rule_words import TRIGGERS
from apps.console.ticket_words import MOVES
from apps.segments.models import Segment
from apps.stores.models import Role, Staff, Store
from apps.tickets import actions as acts
from apps.tickets.models import Automation, Macro, Ticket

_AREA = {"rows": 4}


def _words(text: str) -> list[str]:
    return text.replace("，", " ").replace(",", " ").split()


class _Acts(forms.Form):
    """What both do."""

    reply = forms.CharField(
        label=gettext_lazy("Answer the member"), required=False, max_length=2_000, widget=forms.Textarea(attrs=_AREA),
        help_text=gettext_lazy("May hold {{ nickname }}, {{ tier }}, {{ points }}, {{ coupon }}, {{ home_store }}, {{ brand }}."),
    )  # fmt: skip
    reply_en = forms.CharField(
        label=gettext_lazy("The same in English"), required=False, max_length=2_000, widget=forms.Textarea(attrs=_AREA),
        help_text=gettext_lazy("Sent to members who write in English; empty: the text above."),
    )  # fmt: skip
    note = forms.CharField(
        label=gettext_lazy("Note among staff"), required=False, max_length=2_000, widget=forms.Textarea(attrs={"rows": 2})
    )  # fmt: skip
    move = forms.ChoiceField(label=pgettext_lazy("ticket", "Next step"), required=False)
    priority = forms.ChoiceField(label=pgettext_lazy("ticket", "How pressing"), required=False)
    new_kind = forms.ChoiceField(label=pgettext_lazy("ticket", "New kind"), required=False)
    assign = forms.ChoiceField(label=pgettext_lazy("ticket", "Who gets it"), required=False)
    to_skill = forms.CharField(label=pgettext_lazy("ticket", "Skill"), required=False, max_length=30)
    add = forms.CharField(label=gettext_lazy("Add tags"), required=False, max_length=400)
    remove = forms.CharField(label=gettext_lazy("Take tags away"), required=False, max_length=400)
    attribute = forms.CharField(
        label=gettext_lazy("Note under a name"), required=False, max_length=30,
        help_text=gettext_lazy("The name: small Latin letters, digits and _, such as batch_no."),
    )  # fmt: skip
    attribute_value = forms.CharField(label=gettext_lazy("What to note there"), required=False, max_length=100)
    is_active = forms.BooleanField(label=pgettext_lazy("rule", "In use"), required=False)

    ACTS = (
        "reply", "reply_en", "note", "move", "priority", "new_kind", "assign", "to_skill", "add", "remove", "attribute",
        "attribute_value",
    )  # fmt: skip
    for_nobody = False

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        people = Staff.objects.filter(is_active=True, user__isnull=False, role__in=[Role.AGENT, Role.MANAGER])
        named = [(str(key), name) for key, name in people.order_by("name").values_list("pk", "name")]
        general = [("turn", _("whose turn it is")), ("nobody", _("nobody"))]
        me = [] if self.for_nobody else [("me", _("whoever presses it"))]
        self._choose("assign", [*me, *general, *named])
        self._choose("move", [(name, MOVES[name]) for name in acts.MOVES])
        self._choose("priority", [(str(key), label) for key, label in Ticket.Priority.choices])
        self._choose("new_kind", Ticket.Kind.choices)

    def _choose(self, name: str, choices: Sequence[Any]) -> None:
        self.fields[name].choices = [("", pgettext("rule", "leave it as it is")), *choices]  # type: ignore[attr-defined]

    def clean(self) -> dict[str, Any]:
        said = super().clean() or self.cleaned_data
        if said.get("reply_en") and not said.get("reply"):
            self.add_error("reply", _("Write the Chinese answer too: it is what others get."))
        return said

    @property
    def act_fields(self) -> list[forms.BoundField]:
        return [self[name] for name in self.ACTS]

    def actions(self) -> list[dict[str, Any]]:
        said, made = self.cleaned_data, []
        for name, kind, value in (
            ("priority", "priority", int(said["priority"] or 0)), ("new_kind", "kind", said["new_kind"]),
            ("to_skill", "skill", said["to_skill"].strip()),
        ):  # fmt: skip
            if said[name]:
                made.append({"kind": kind, "value": value})
        if said["add"]:
            made.append({"kind": "tag", "add": _words(said["add"])})
        if said["remove"]:
            made.append({"kind": "untag", "remove": _words(said["remove"])})
        if said["attribute"]:
            made.append({"kind": "attribute", "name": said["attribute"], "value": said["attribute_value"]})
        if said["assign"]:
            to = said["assign"]
            made.append({"kind": "assign_to", "staff": int(to)} if to.isdigit() else {"kind": "assign", "to": to})
        if said["note"]:
            made.append({"kind": "note", "text": said["note"]})
        if said["reply"]:
            english = {"text_en": said["reply_en"]} if said["reply_en"] else {}
            made.append({"kind": "reply", "text": said["reply"], **english})
        return [*made, *([{"kind": "move", "move": said["move"]}] if said["move"] else [])]


class MacroForm(_Acts):
    name = forms.CharField(label=pgettext_lazy("rule", "Name"), max_length=60)
    kinds = forms.MultipleChoiceField(
        label=gettext_lazy("For kinds; none: for all"), choices=Ticket.Kind.choices, required=False,
        widget=forms.CheckboxSelectMultiple,
    )  # fmt: skip


class AutomationForm(_Acts):
    for_nobody = True
    name = forms.CharField(label=pgettext_lazy("rule", "Name"), max_length=60)
    trigger = forms.ChoiceField(label=pgettext_lazy("rule", "When"), choices=[*TRIGGERS.items()])
    position = forms.IntegerField(
        label=gettext_lazy("Place in the order"), min_value=0, max_value=1_000, initial=0,
        help_text=gettext_lazy("Those with smaller numbers run first."),
    )  # fmt: skip
    kind = forms.MultipleChoiceField(
        label=pgettext_lazy("ticket condition", "Kind"), choices=Ticket.Kind.choices, required=False,
        widget=forms.CheckboxSelectMultiple,
    )  # fmt: skip
    state = forms.MultipleChoiceField(
        label=pgettext_lazy("ticket condition", "State"), choices=Ticket.State.choices, required=False,
        widget=forms.CheckboxSelectMultiple,
    )  # fmt: skip
    store = forms.MultipleChoiceField(label=pgettext_lazy("ticket condition", "Store"), required=False)
    segment = forms.MultipleChoiceField(label=pgettext_lazy("ticket condition", "The member is in"), required=False)
    tag = forms.CharField(label=pgettext_lazy("ticket condition", "Has a tag"), required=False, max_length=400)
    tag_not = forms.CharField(label=pgettext_lazy("ticket condition", "Has no tag"), required=False, max_length=400)
    text = forms.CharField(
        label=pgettext_lazy("ticket condition", "The words say"), required=False, max_length=400,
        help_text=gettext_lazy("One of these words, with spaces between."),
    )  # fmt: skip
    tier = forms.IntegerField(
        label=gettext_lazy("Tier from rank on"), required=False, min_value=0, max_value=100,
        help_text=gettext_lazy("0 is the first tier."),
    )  # fmt: skip

    WHEN = ("name", "trigger", "position", "kind", "state", "store", "segment", "tag", "tag_not", "text", "tier")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        stores = [(str(key), name) for key, name in Store.objects.order_by("code").values_list("pk", "name")]
        segments = list(Segment.objects.filter(archived_at=None).order_by("name").values_list("key", "name")[:200])
        self.fields["store"].choices = stores  # type: ignore[attr-defined]
        self.fields["segment"].choices = segments  # type: ignore[attr-defined]

    @property
    def when_fields(self) -> list[forms.BoundField]:
        return [self[name] for name in self.WHEN]

    def conditions(self) -> list[dict[str, Any]]:
        said = self.cleaned_data
        made: list[dict[str, Any]] = [
            {"kind": name, "values": said[name]} for name in ("kind", "state", "store", "segment") if said[name]
        ]
        made += [{"kind": name, "values": _words(said[name])} for name in ("tag", "text") if said[name].strip()]
        if said["tag_not"].strip():
            made.append({"kind": "tag", "values": _words(said["tag_not"]), "not": True})
        if said["tier"] is not None:
            made.append({"kind": "tier", "least": said["tier"]})
        return made


def of_macro(row: Macro) -> dict[str, Any]:
    return {"name": row.name, "kinds": row.kinds, "is_active": row.is_active, **_of_acts(row.actions)}


def of_automation(row: Automation) -> dict[str, Any]:
    made = {"name": row.name, "trigger": row.trigger, "position": row.position, "is_active": row.is_active}
    for one in row.conditions:
        if one["kind"] == "tier":
            made["tier"] = one["least"]
        elif one["kind"] in {"tag", "text"}:
            made[f"{one['kind']}{'_not' if one.get('not') else ''}"] = " ".join(one["values"])
        else:
            made[one["kind"]] = one["values"]
    return made | _of_acts(row.actions)


def _of_acts(actions: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    made: dict[str, Any] = {}
    for one in actions:
        what = one["kind"]
        if what in {"reply", "note"}:
            made[what] = one["text"]
            if one.get("text_en"):
                made["reply_en"] = one["text_en"]
        elif what == "tag":
            made["add"] = " ".join(one["add"])
        elif what == "untag":
            made["remove"] = " ".join(one["remove"])
        elif what == "attribute":
            made |= {"attribute": one["name"], "attribute_value": one["value"]}
        elif what in {"assign", "assign_to"}:
            made["assign"] = str(one.get("to") or one.get("staff"))
        elif what == "move":
            made["move"] = one["move"]
        else:
            made[{"kind": "new_kind", "skill": "to_skill"}.get(what, what)] = one["value"]
    return made
