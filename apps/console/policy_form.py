"""The policy editor: plain fields in, care's draft out, and care's findings back at their fields."""

from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from apps.bookings.models import Notice
from apps.care import routes, templates
from apps.care.models import Channel, Version
from apps.care.policies import DEFAULTS
from apps.care.trigger_params import PARAMS
from apps.catalog.models import Category
from apps.community.models import Group
from apps.core import money
from apps.coupons.models import Template
from apps.livestream.models import Reminder
from apps.members.models import Consent
from apps.points.models import Currency
from apps.segments.models import Segment, Stage, Track
from apps.stores.models import Store

PURPOSES = [(purpose.value, purpose.label) for purpose in (Consent.Purpose.CARE, Consent.Purpose.MARKETING)]


class _Words(dict[str, Any]):
    """Words for variables; those of the brand's own are named by their traits."""

    def __missing__(self, name: str) -> str:
        return templates.traits().get(name, name)


VARIABLE_WORDS = _Words(
    {
        "nickname": gettext_lazy("nickname"),
        "days_since_order": gettext_lazy("days since the last order"),
        "last_store": gettext_lazy("store of the last order"),
        "top_category": gettext_lazy("favourite category"),
        "due_category": gettext_lazy("category needed again soon"),
        "due_product": gettext_lazy("product needed again soon"),
        "brand": gettext_lazy("brand"),
        "orders": gettext_lazy("number of orders"),
        "points": gettext_lazy("points"),
        "points_expiring": gettext_lazy("points that run out next"),
        "points_last_day": gettext_lazy("their last day"),
        "coupon": gettext_lazy("coupon that runs out next"),
        "coupon_last_day": gettext_lazy("last day of that coupon"),
        "tier": gettext_lazy("tier"),
        "home_store": gettext_lazy("home store"),
        "live_title": gettext_lazy("title of the live stream"),
        "live_time": gettext_lazy("beginning of the live stream"),
        "live_host": gettext_lazy("host of the live stream"),
        "booking_service": gettext_lazy("what was booked"),
        "booking_time": gettext_lazy("time of the booking"),
        "booking_store": gettext_lazy("store of the booking"),
        "group_name": gettext_lazy("name of the group code"),
        "group_link": gettext_lazy("address of its picture"),
        "cart_product": gettext_lazy("product put into the cart last"),
    }
)


class Tags(forms.CharField):
    """Words between commas."""

    def prepare_value(self, value: Any) -> Any:
        return ", ".join(value) if isinstance(value, list) else value

    def to_python(self, value: Any) -> Any:
        words = str(value or "").replace("，", ",").split(",")
        return [word.strip()[:40] for word in words if word.strip()]


class Yuan(forms.CharField):
    def prepare_value(self, value: Any) -> Any:
        return money.yuan(value) if isinstance(value, int) else value

    def to_python(self, value: Any) -> Any:
        if not str(value or "").strip():
            return None
        try:
            return money.cents(str(value))
        except ValueError:
            raise forms.ValidationError(_("Enter an amount such as 12.50.")) from None


_TRIGGERS = [choice for choice in Version.Trigger.choices if choice[0] != Version.Trigger.JOURNEY]
_CALENDARS = [
    ("any", gettext_lazy("Each member's own")),
    ("solar", gettext_lazy("Only by the ordinary calendar")),
    ("lunar", gettext_lazy("Only by the Chinese calendar")),
]
_OF_TRIGGERS = (
    "stage", "days", "days_before", "hours", "calendar", "currency", "coupon", "category", "segment", "track_step", "before", "notice",
    "group",
)  # fmt: skip


def _offered() -> dict[str, list[tuple[str, str]]]:
    """What exists, by field; the ones that may be left out begin with nothing."""
    named: dict[str, list[tuple[str, str]]] = {
        "stores": list(Store.objects.values_list("code", "name")),
        "currency": [(row.key, str(row)) for row in Currency.objects.filter(is_spendable=True).order_by("pk")],
        "segment": list(Segment.objects.filter(archived_at=None).values_list("key", "name")),
        "coupon": list(Template.objects.filter(version__isnull=False).values_list("key", "name")),
        "group": [(row.key, str(row)) for row in Group.objects.filter(dismissed_at=None).order_by("name", "pk")],
        "category": [(name, name) for name in Category.objects.values_list("name", flat=True)],
        "track_step": [
            (f"{track.key}:{step['key']}", f"{track.name} · {step['name']}")
            for track in Track.objects.filter(archived_at=None)
            for step in track.steps
        ],
    }
    for name in ("coupon", "category", "group"):
        named[name].insert(0, ("", _("Any")))
    return named


_OF_CHAIN = ("channel", "template", "more")
_MORE = {Channel.EMAIL.value: "subject", Channel.WECHAT.value: "template_id"}  # what the channel needs beside a text
_CHAIN_WORDS = (
    (gettext_lazy("If that channel is closed to a member"), gettext_lazy("Text on the second channel")),
    (gettext_lazy("If the second channel is closed, too"), gettext_lazy("Text on the third channel")),
)


def _chained(place: int) -> dict[str, forms.Field]:
    """The fields of one more channel of the chain."""
    channel, text = _CHAIN_WORDS[place]
    return {
        f"fallback_{place}_channel": forms.ChoiceField(
            label=channel, choices=[("", gettext_lazy("Nothing is sent")), *Channel.choices], required=False
        ),
        f"fallback_{place}_template": forms.CharField(
            label=text, widget=forms.Textarea(attrs={"rows": 3}), required=False, max_length=2000,
            help_text=gettext_lazy("Left empty, it is the first one's."),
        ),
        f"fallback_{place}_more": forms.CharField(
            label=gettext_lazy("Its subject (e-mail) or template (mini-program message)"), required=False, max_length=80
        ),
    }  # fmt: skip


class MessageForm(forms.Form):
    """One message: channel, text, what stands in for missing values, when, and the channel behind it."""

    channel = forms.ChoiceField(label=gettext_lazy("Channel"), choices=Channel.choices)
    purpose = forms.ChoiceField(label=gettext_lazy("Consent it needs"), choices=PURPOSES)
    template = forms.CharField(
        label=gettext_lazy("Text of the message"), widget=forms.Textarea(attrs={"rows": 4}), max_length=2000
    )
    send_hour = forms.IntegerField(
        label=gettext_lazy("Hour of sending"),
        help_text=gettext_lazy("0 to 23, by the clock of where the member lives."),
        min_value=0,
        max_value=23,
    )
    is_own_hour = forms.BooleanField(
        label=gettext_lazy("At the hour at which the member buys"),
        help_text=gettext_lazy(
            "Who has fewer than three orders, or buys in quiet hours, gets it at the hour of sending."
        ),
        required=False,
    )
    is_now_or_never = forms.BooleanField(
        label=gettext_lazy("Then or not at all"),
        help_text=gettext_lazy("What would fall into quiet hours is skipped instead of sent after them."),
        required=False,
    )
    is_transactional = forms.BooleanField(
        label=gettext_lazy("Part of the service"),
        help_text=gettext_lazy("No limit of messages and no holdout applies; consent is asked for all the same."),
        required=False,
    )
    content_template_id = forms.CharField(
        label=gettext_lazy("Template of the mini-program message"),
        help_text=gettext_lazy(
            "Then the text has a line for each field, such as thing1=words; thing takes 20 characters."
        ),
        required=False,
        max_length=80,
    )
    content_subject = forms.CharField(label=gettext_lazy("Subject of the e-mail"), required=False, max_length=80)
    content_page = forms.CharField(
        label=gettext_lazy("Page that opens in the mini-program"), required=False, max_length=200
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for place in range(routes.MOST):
            self.fields |= _chained(place)
        self.variables = {name: VARIABLE_WORDS[name] for name in templates.VARIABLES} | templates.traits()
        for name, words in self.variables.items():
            self.fields[f"missing_{name}"] = forms.CharField(
                label=words, max_length=40, required=False, widget=forms.TextInput(attrs={"size": 14})
            )

    @property
    def missing_fields(self) -> list[forms.BoundField]:
        return [self[f"missing_{name}"] for name in self.variables]

    @property
    def chain(self) -> list[list[forms.BoundField]]:
        """The fields of each channel behind the first, as far as those before it are chosen; what only some ask for, with them."""
        rows: list[list[forms.BoundField]] = []
        for place in range(routes.MOST):
            channel, text, more = (self[f"fallback_{place}_{name}"] for name in _OF_CHAIN)
            rows.append([channel, text, *([more] if channel.value() in _MORE else [])])
            if not channel.value():
                break
        return rows

    @property
    def choices(self) -> list[forms.BoundField]:
        return [self["is_own_hour"], self["is_now_or_never"], self["is_transactional"]]

    def message(self) -> dict[str, Any]:
        """The message's part of care's draft; what makes no sense is left out."""
        given = self.cleaned_data
        missing = {
            name: {"policy": "default", "value": given[f"missing_{name}"]}
            for name in self.variables
            if given.get(f"missing_{name}")
        }
        plain = ("channel", "purpose", "template", "send_hour", "is_own_hour", "is_now_or_never", "is_transactional")
        return {
            **{name: given[name] for name in plain if name in given},
            "missing": missing,
            "fallback": self._fallback(given),
            "content": self._content(given),
        }

    def _content(self, given: dict[str, Any]) -> dict[str, str]:
        wanted = {"wechat": ("template_id", "page"), "email": ("subject",)}.get(str(given.get("channel")), ())
        return {name: given[f"content_{name}"] for name in wanted if given.get(f"content_{name}")}

    def _fallback(self, given: dict[str, Any]) -> list[dict[str, Any]]:
        """The channels behind the first; a text is the first one's unless it has its own."""
        chain: list[dict[str, Any]] = []
        for place in range(routes.MOST):
            channel, text, more = (given.get(f"fallback_{place}_{name}") for name in _OF_CHAIN)
            if channel:
                chain.append({"channel": channel, "template": text or given.get("template", "")})
                if more and channel in _MORE:
                    chain[-1]["content"] = {_MORE[channel]: more}
        return chain


class TriggerForm(forms.Form):
    """A moment in a member's life, with what it asks for."""

    trigger = forms.ChoiceField(label=gettext_lazy("Moment"), choices=_TRIGGERS)
    stage = forms.ChoiceField(label=gettext_lazy("Stage entered"), choices=Stage.choices, required=False)
    days = forms.IntegerField(label=gettext_lazy("Days after it"), min_value=0, max_value=1000, required=False)
    days_before = forms.IntegerField(label=gettext_lazy("Days before it"), min_value=0, max_value=90, required=False)
    hours = forms.IntegerField(label=gettext_lazy("Hours without a word"), min_value=1, max_value=168, required=False)
    calendar = forms.ChoiceField(label=gettext_lazy("Calendar"), choices=_CALENDARS, required=False)
    currency = forms.ChoiceField(label=gettext_lazy("Kind of points"), required=False)
    coupon = forms.ChoiceField(label=gettext_lazy("Only this coupon"), required=False)
    category = forms.ChoiceField(label=gettext_lazy("Only this category"), required=False)
    segment = forms.ChoiceField(label=gettext_lazy("Segment entered"), required=False)
    track_step = forms.ChoiceField(label=gettext_lazy("Step of the life track"), required=False)
    notice = forms.ChoiceField(label=gettext_lazy("Which notice"), choices=Notice.Kind.choices, required=False)
    before = forms.ChoiceField(label=gettext_lazy("When"), choices=Reminder.Kind.choices, required=False)
    group = forms.ChoiceField(label=gettext_lazy("Only this group"), required=False)
    window_days = forms.IntegerField(
        label=gettext_lazy("Still worth it for"),
        help_text=gettext_lazy("Days. Later than that, nothing is sent."),
        min_value=1,
        max_value=60,
        required=False,
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name, choices in _offered().items():
            if name in self.fields:
                self.fields[name].choices = choices  # type: ignore[attr-defined]

    @property
    def trigger_fields(self) -> list[forms.BoundField]:
        return [self[name] for name in _OF_TRIGGERS]

    def params(self) -> dict[str, Any]:
        given = self.cleaned_data
        params = {
            name: given[name] for name in PARAMS[given["trigger"]] if name in given and given[name] not in (None, "")
        }
        if given["trigger"] == Version.Trigger.TRACK_STEP:
            params["track"], _colon, params["step"] = given["track_step"].partition(":")
        return params


class PolicyForm(TriggerForm, MessageForm):
    name = forms.CharField(label=gettext_lazy("Policy name"), max_length=60)
    holdout_percent = forms.FloatField(
        label=gettext_lazy("Held out, percent"),
        help_text=gettext_lazy("Get nothing, so that the effect can be told."),
        min_value=0,
        max_value=50,
    )
    return_days = forms.IntegerField(label=gettext_lazy("Return counted for, days"), min_value=1, max_value=365)
    priority = forms.IntegerField(
        label=gettext_lazy("Rank among policies"),
        help_text=gettext_lazy("The smaller goes first when a member may get only one."),
        min_value=0,
        max_value=9999,
    )

    def __init__(self, *args: Any, audience: Any = None, **kwargs: Any) -> None:
        """`audience`: the rule that stands; it is written on a page of its own."""
        super().__init__(*args, **kwargs)
        self.audience = audience if isinstance(audience, dict) else {}

    def draft(self) -> dict[str, Any]:
        """Care's draft; what is empty is left to care's defaults and findings."""
        given = self.cleaned_data
        share = given["holdout_percent"]
        return self.message() | {
            "trigger": given["trigger"],
            "return_days": given["return_days"],
            "holdout_percent": int(share) if share == int(share) else round(share, 1),
            "params": self.params(),
            "audience": self.audience,
        }

    def show(self, errors: list[dict[str, str]]) -> None:
        """Put care's findings at their fields."""
        for found in errors:
            parts = found["pointer"].strip("/").split("/")
            name = {
                "params": {"track": "track_step", "step": "track_step"}.get(parts[-1], parts[-1]),
                "missing": f"missing_{parts[1] if len(parts) > 1 else ''}",
            }
            name["content"] = f"content_{parts[-1]}"
            name["fallback"] = _chain_field(parts)
            field = name.get(parts[0], parts[0])
            where = _("Audience: ") if parts[0] == "audience" else ""
            self.add_error(field if field in self.fields else None, f"{where}{found['message']}")


def _chain_field(parts: list[str]) -> str:
    """The field of a finding at /fallback/1/template."""
    last = "more" if len(parts) > 2 and parts[2] == "content" else parts[-1]
    return f"fallback_{parts[1]}_{last}" if len(parts) > 1 else "fallback_0_channel"


def _chain(chain: Any) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for place, step in enumerate(chain if isinstance(chain, list) else []):
        own: dict[str, Any] = step if isinstance(step, dict) else {}
        values |= {f"fallback_{place}_{name}": own.get(name, "") for name in ("channel", "template")}
        content = own.get("content")
        values[f"fallback_{place}_more"] = next(iter(content.values()), "") if isinstance(content, dict) else ""
    return values


def of_message(given: dict[str, Any]) -> dict[str, Any]:
    """The values of a `MessageForm` for the message in a draft, whole or not."""
    content, missing = given.get("content"), given.get("missing")
    values = {f"content_{name}": value for name, value in (content if isinstance(content, dict) else {}).items()}
    values |= _chain(given.get("fallback"))
    for name, fallback in (missing if isinstance(missing, dict) else {}).items():
        if isinstance(fallback, dict) and fallback.get("policy") == "default":
            values[f"missing_{name}"] = fallback.get("value")
    return values


def of_params(params: Any) -> dict[str, Any]:
    """The values of a `TriggerForm` for the parameters of a trigger."""
    given = params if isinstance(params, dict) else {}
    return given | {"track_step": f"{given.get('track', '')}:{given.get('step', '')}"}


def initial(draft: dict[str, Any]) -> dict[str, Any]:
    """The form's values for a draft, whole or not."""
    whole = DEFAULTS | {"params": {}, "channel": Channel.SMS} | (draft if isinstance(draft, dict) else {})
    values = {
        name: whole.get(name) for name in whole if name not in {"params", "audience", "missing", "fallback", "content"}
    }
    values |= of_message(whole) | of_params(whole["params"])
    return values
