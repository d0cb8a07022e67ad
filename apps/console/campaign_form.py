"""The guided form of a campaign: plain fields in, its plan out, findings back at their fields; and what the draft would mean."""

import json
from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy

from apps.care import reach, templates
from apps.care.campaigns import plans
from apps.care.experiments import sequential
from apps.care.models import Channel
from apps.console import rule_rows
from apps.console.policy_form import PURPOSES
from apps.console.rule_rows import Day, Time
from apps.core import brand, clock, money
from apps.gateways import sms
from apps.segments.language import BadRule
from apps.segments.models import Segment

LETTERS = plans.LETTERS
EVERY = [
    ("", pgettext_lazy("campaign", "Once")), ("day", pgettext_lazy("campaign", "Every day")),
    ("week", pgettext_lazy("campaign", "Every week")), ("month", pgettext_lazy("campaign", "Every month")),
]  # fmt: skip
_PLAIN = (
    "purpose",
    "every",
    "holdout_percent",
    "return_days",
    "test_percent",
    "test_days",
    "per_minute",
    "baseline_percent",
)


class CampaignForm(forms.Form):
    name = forms.CharField(label=pgettext_lazy("campaign", "Name"), max_length=60)
    segment = forms.ChoiceField(label=gettext_lazy("Audience"), required=False)
    rule = forms.CharField(
        label=gettext_lazy("Rule as JSON"),
        help_text=gettext_lazy("Counts instead of the segment when it is filled in."),
        widget=forms.Textarea(attrs={"rows": 4, "spellcheck": "false"}),
        required=False,
        max_length=8000,
    )
    purpose = forms.ChoiceField(label=gettext_lazy("Consent it needs"), choices=PURPOSES)
    day = forms.DateField(
        label=gettext_lazy("Day of sending"), widget=Day, required=False, help_text=gettext_lazy("Empty: at once.")
    )
    time = forms.TimeField(label=gettext_lazy("Time"), widget=Time, required=False)
    every = forms.ChoiceField(label=gettext_lazy("How often"), choices=EVERY, required=False)
    until = forms.DateField(label=gettext_lazy("Last day, if it repeats"), widget=Day, required=False)
    per_minute = forms.IntegerField(
        label=gettext_lazy("At most a minute"),
        help_text=gettext_lazy("Messages. Empty: as fast as the channel goes."),
        required=False,
    )
    holdout_percent = forms.IntegerField(
        label=gettext_lazy("Held out, percent"),
        help_text=gettext_lazy("Get nothing, so that the effect can be told."),
    )
    return_days = forms.IntegerField(label=gettext_lazy("Return counted for, days"))
    test_percent = forms.IntegerField(
        label=gettext_lazy("Test share, percent"),
        help_text=gettext_lazy("100: everybody is split among the texts. Less: the others wait for a winner."),
    )
    test_days = forms.IntegerField(
        label=gettext_lazy("Winner to the rest after, days"),
        help_text=gettext_lazy("Only when the test proves one. Otherwise the rest is split as well."),
    )
    baseline_percent = forms.FloatField(
        label=gettext_lazy("Usual return, percent"),
        help_text=gettext_lazy("Share of such members who buy within those days."),
    )
    lift_percent = forms.FloatField(
        label=gettext_lazy("Smallest lift worth finding, percent"), help_text=gettext_lazy("20: from 10% to 12%.")
    )
    missing_nickname = forms.CharField(
        label=gettext_lazy("Word for who has no nickname"), max_length=40, required=False
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        listed = Segment.objects.order_by("name").values_list("key", "name")
        self.fields["segment"].choices = [("", _("All members")), *listed]  # type: ignore[attr-defined]
        gifts = rule_rows.coupons()
        for letter in LETTERS:
            self.fields[f"channel_{letter}"] = forms.ChoiceField(
                label=_("Channel"), choices=Channel.choices, required=False
            )
            self.fields[f"template_{letter}"] = forms.CharField(
                label=_("Text of the message"),
                widget=forms.Textarea(attrs={"rows": 3}),
                required=False,
                max_length=2000,
            )
            self.fields[f"subject_{letter}"] = forms.CharField(
                label=_("Subject of the e-mail"), required=False, max_length=80
            )
            self.fields[f"wechat_{letter}"] = forms.CharField(
                label=_("Template of the mini-program message"), required=False, max_length=80
            )
            self.fields[f"coupon_{letter}"] = forms.ChoiceField(
                label=_("Coupon that comes with it"), choices=gifts, required=False
            )

    @property
    def texts(self) -> list[tuple[str, list[forms.BoundField]]]:
        """(letter, its fields)."""
        names = ("channel", "coupon", "template", "subject", "wechat")
        return [(letter, [self[f"{name}_{letter}"] for name in names]) for letter in LETTERS]

    def clean_rule(self) -> Any:
        text = self.cleaned_data["rule"].strip()
        if not text:
            return None
        try:
            return json.loads(text)
        except (json.JSONDecodeError, RecursionError):
            raise forms.ValidationError(_("This is not JSON. Check brackets, commas and quotes.")) from None

    def plan(self) -> dict[str, Any]:
        """Of valid fields; what is wrong in itself is told when it starts."""
        said = self.cleaned_data
        plan = {name: said[name] for name in (*_PLAIN, "lift_percent")}
        at = f"{said['day']}T{said['time']:%H:%M}" if said["day"] and said["time"] else str(said["day"] or "")
        segment = {"field": "segment", "op": "in", "value": [said["segment"]]}
        rule = said["rule"] if said["rule"] is not None else {"all": [segment]} if said["segment"] else {}
        until = str(said["until"]) if said["until"] else ""
        return plan | {"audience": rule, "at": at, "until": until, "variants": self._variants(said)}

    def _variants(self, said: dict[str, Any]) -> list[dict[str, Any]]:
        word = said["missing_nickname"]
        missing = {"nickname": {"policy": "default", "value": word}} if word else {}
        found = []
        for letter in LETTERS:
            if not said[f"template_{letter}"].strip():
                continue
            channel = said[f"channel_{letter}"] or Channel.SMS
            content = {}
            if channel == Channel.EMAIL:
                content = {"subject": said[f"subject_{letter}"]}
            elif channel == Channel.WECHAT:
                content = {"template_id": said[f"wechat_{letter}"]}
            found.append(
                {"channel": channel, "template": said[f"template_{letter}"], "content": content, "missing": missing,
                 "coupon": said[f"coupon_{letter}"]}
            )  # fmt: skip
        return found

    def show(self, errors: list[dict[str, str]]) -> None:
        """Put care's findings at their fields."""
        for found in errors:
            field, text = _place(found["pointer"].strip("/").split("/")), found["message"]
            self.add_error(field if field in self.fields else None, text)


def _place(parts: list[str]) -> str:
    """The field of a pointer into the plan."""
    if parts[0] == "variants":
        letter = LETTERS[int(parts[1])] if len(parts) > 1 else "A"
        inside = "/".join(parts[2:])
        known = {
            "content/subject": "subject",
            "content/template_id": "wechat",
            "coupon": "coupon",
            "channel": "channel",
        }
        return f"{known.get(inside, 'template')}_{letter}"
    return {"at": "day", "audience": "rule"}.get(parts[0], parts[0])


def initial(name: str, plan: dict[str, Any]) -> dict[str, Any]:
    """The form's values for a plan, whole or not."""
    whole = plans.DEFAULTS | {"test_percent": 100} | plan
    values = {name: whole[name] for name in (*_PLAIN, "lift_percent", "until")} | {"name": name}
    day, _mark, time = whole["at"].partition("T")
    values |= {"day": day, "time": time[:5] or "10:00", "missing_nickname": _("member")}
    rule = whole["audience"]
    leaves = rule.get("all", []) if isinstance(rule, dict) else []
    if len(leaves) == 1 and leaves[0].get("field") == "segment" and len(leaves[0].get("value", ())) == 1:
        values["segment"] = leaves[0]["value"][0]
    elif rule:
        values["rule"] = json.dumps(rule, ensure_ascii=False, indent=1)
    for letter, said in zip(LETTERS, whole["variants"], strict=False):
        content = said.get("content") or {}
        values |= {f"{name}_{letter}": said.get(name, "") for name in ("channel", "template", "coupon")}
        values |= {f"subject_{letter}": content.get("subject", ""), f"wechat_{letter}": content.get("template_id", "")}
        values["missing_nickname"] = said.get("missing", {}).get("nickname", {}).get("value", "")
    return values


def meaning(plan: dict[str, Any]) -> dict[str, Any]:
    """What a draft would mean now: audience and reach, each text with its cost, the advised size. Nothing is written."""
    whole = plans.DEFAULTS | plan
    try:
        found = reach.of_rule(whole["audience"], moment=clock.now(), purpose=whole["purpose"])
    except BadRule:
        return {"is_bad_rule": True}
    members = found[0].members
    held = members * whole["holdout_percent"] // 100
    reached = {one.channel: one for one in found}
    shares = plans.shares(whole) if whole["variants"] else []
    getting = members - held
    texts = [
        _text(letter, said, members=getting * share // 100, reached=reached[said["channel"]])
        for letter, said, share in zip(LETTERS, whole["variants"], shares, strict=False)
    ]
    asked = {said["channel"] for said in whole["variants"]}
    return {
        "members": members,
        "held": held,
        "reach": [one for one in found if one.channel in asked] or found,
        "texts": texts,
        "advice": _advice(whole, texts),
    }


def _text(letter: str, said: dict[str, Any], *, members: int, reached: reach.Reached) -> dict[str, Any]:
    try:
        sample = dict.fromkeys(templates.variables(said["template"]), "…")
        shown = templates.render(said["template"], values=sample, missing={}).text
    except templates.BadTemplate:
        return {"letter": letter, "members": members, "is_bad": True}
    text = templates.composed(shown, channel=said["channel"])
    parts = sms.segments(text) if said["channel"] == Channel.SMS else 0
    likely = members * reached.reached // reached.members if reached.members else 0
    return {
        "letter": letter, "channel": said["channel"], "text": text, "parts": parts, "characters": len(text), "members": members,
        "likely": likely, "cost_cents": parts * likely * brand.read("care.sms_price_cents"),
    }  # fmt: skip


def _advice(plan: dict[str, Any], texts: list[dict[str, Any]]) -> dict[str, Any] | None:
    """What the test needs; None where there is no test, or the figures make none."""
    baseline, lift = plan["baseline_percent"], plan["lift_percent"]
    if len(texts) < 2 or not (0.1 <= baseline <= 90 and 1 <= lift <= 300 and baseline * (1 + lift / 100) < 100):
        return None
    statistics = plans.statistics(plan)
    needed = sequential.per_arm(statistics)
    fewest = min(text.get("likely", 0) for text in texts)
    return {
        "per_arm": needed,
        "days": sequential.days(statistics, return_days=plan["return_days"]),
        "fewest": fewest,
        "is_enough": fewest >= needed,
        "from": f"{baseline:g}",
        "to": f"{baseline * (1 + lift / 100):.3g}",
    }


def whole_cost(found: dict[str, Any]) -> str:
    return money.show(sum(text.get("cost_cents", 0) for text in found.get("texts", ())))
