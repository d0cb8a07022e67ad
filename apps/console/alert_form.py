"""The form of an alert rule."""

from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy

from apps.analytics.day import sources, words
from apps.analytics.models import AlertRule
from apps.stores.models import Store

_Kind = AlertRule.Kind
OF_LIMIT, OF_PERCENT = {_Kind.BELOW, _Kind.ABOVE}, {_Kind.FELL, _Kind.ROSE}
EVERYWHERE, EACH = "", "each"
MOST = 10**12


class AlertRuleForm(forms.Form):
    """`stores` None: of every store, of each by itself and of the brand as a whole; else of these alone."""

    name = forms.CharField(label=pgettext_lazy("alert rule", "Name"), min_length=2, max_length=60)
    figure = forms.ChoiceField(label=gettext_lazy("Figure of the day"))
    kind = forms.ChoiceField(label=pgettext_lazy("alert rule", "What is wrong"), choices=_Kind.choices)
    limit = forms.DecimalField(
        label=gettext_lazy("Limit"),
        help_text=gettext_lazy(
            "Yuan, points or a number; in percent where it falls or rises. Empty where it is missing."
        ),
        min_value=0,
        max_value=MOST,
        decimal_places=2,
        required=False,
    )
    at_least = forms.DecimalField(
        label=gettext_lazy("The same weekday had at least"),
        help_text=gettext_lazy("Below it a comparison says nothing: two orders in place of three are no alarm."),
        min_value=0,
        max_value=MOST,
        decimal_places=2,
        required=False,
    )
    from_hour = forms.IntegerField(
        label=gettext_lazy("From this hour on"),
        help_text=gettext_lazy("A day begins with nothing: choose the hour by which there ought to be something."),
        min_value=0,
        max_value=23,
        initial=0,
    )
    store = forms.ChoiceField(label=gettext_lazy("Where"), required=False)

    def __init__(self, *args: Any, stores: list[int] | None, figures: list[str], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        rows = Store.objects.filter(is_open=True).order_by("code")
        rows = rows if stores is None else rows.filter(pk__in=stores)
        own: list[tuple[str, Any]] = [(str(key), name) for key, name in rows.values_list("pk", "name")]
        wide = [(EVERYWHERE, _("The brand as a whole")), (EACH, _("Each store for itself"))] if stores is None else []
        self.fields["store"].choices = wide + own  # type: ignore[attr-defined]
        self.fields["store"].required = stores is not None
        self.fields["figure"].choices = [(name, words.WORDS[name].label) for name in figures]  # type: ignore[attr-defined]

    def clean(self) -> dict[str, Any]:
        given = super().clean() or self.cleaned_data
        kind, figure = given.get("kind"), given.get("figure")
        limit, least = given.get("limit"), given.get("at_least")
        if kind in OF_LIMIT | OF_PERCENT and not limit and "limit" not in self.errors:
            self.add_error("limit", _("Say a limit above 0."))
        if kind == _Kind.FELL and limit and limit > 100:
            self.add_error("limit", _("Nothing falls by more than 100%."))
        if figure:
            in_cents = sources.FIGURES[figure].unit == "cents"
            for name, value, is_money in (
                ("limit", limit, in_cents and kind in OF_LIMIT),
                ("at_least", least, in_cents),
            ):
                if value is not None and not is_money and value != int(value):
                    self.add_error(name, _("A whole number, please."))
        return given

    def wish(self) -> dict[str, Any]:
        """The rule's fields, in 分 where the figure is money."""
        given = self.cleaned_data
        factor = 100 if sources.FIGURES[given["figure"]].unit == "cents" else 1
        store = given["store"]
        return {
            "name": given["name"],
            "figure": given["figure"],
            "kind": given["kind"],
            "limit": int((given["limit"] or 0) * (factor if given["kind"] in OF_LIMIT else 1)),
            "at_least": max(1, int((given["at_least"] or 0) * factor)),
            "from_hour": given["from_hour"],
            "store_id": int(store) if store not in {EVERYWHERE, EACH} else None,
            "is_each_store": store == EACH,
        }


def initial(rule: AlertRule) -> dict[str, Any]:
    factor = 100 if sources.FIGURES[rule.figure].unit == "cents" else 1
    return {
        "name": rule.name,
        "figure": rule.figure,
        "kind": rule.kind,
        "limit": rule.limit / (factor if rule.kind in OF_LIMIT else 1) if rule.limit else None,
        "at_least": rule.at_least / factor,
        "from_hour": rule.from_hour,
        "store": EACH if rule.is_each_store else str(rule.store_id or EVERYWHERE),
    }
