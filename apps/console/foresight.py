"""What the page of predictions shows of a version: charts whose titles say the finding, and the rows of its card."""

from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from apps.console import charts, words
from apps.console.charts import svg
from apps.console.charts.base import Colour
from apps.core import clock
from apps.segments.models import Prediction, PredictionModel
from apps.segments.predictions import selectors

NAMES = {
    "features": gettext_lazy("Signs of lapsing"),
    "bgnbd": gettext_lazy("Buying rhythm (BG/NBD)"),
    "rfm": gettext_lazy("RFM squares"),
}
_LOOK: dict[str, tuple[Colour, bool]] = {
    "features": ("brand", False),
    "bgnbd": ("lapsing", True),
    "rfm": ("mute", True),
}
COUNTED = {
    "buyers": gettext_lazy("Buyers"),
    "history_days": gettext_lazy("Days since the first order"),
    "recent_orders": gettext_lazy("Orders in the last 30 days"),
    "regulars": gettext_lazy("Buyers with three orders or more"),
}


@dataclass(frozen=True)
class Tried:
    """How one model did on the days held out."""

    name: str
    auc: str
    brier: str
    lift: str
    is_used: bool


def calibration(model: PredictionModel) -> charts.Calibration:
    judged = _judged(model, model.lapse_by)
    groups = tuple(
        charts.Said(said=one["said"], came=one["came"], members=one["members"])
        for one in (judged["calibration"] if judged else ())
    )
    return charts.Calibration(
        key="calibration",
        title=_calibration_title(groups),
        subtitle=_("Chances of lapsing in tenths, against who lapsed in the 90 days held out"),
        unit=_("members"),
        groups=groups,
        size="m",
        note=_("On the dotted line as many lapsed as was said. Larger dots stand for more members."),
        empty_title=_("Not tried yet"),
        empty_text=_("A trial needs about eight months of orders."),
    )


def _calibration_title(groups: tuple[charts.Said, ...]) -> str:
    members = sum(one.members for one in groups)
    if not members:
        return _("How true the chances came")
    off = sum(abs(one.said - one.came) * one.members for one in groups) / members
    return _("What came true was %(points)s percentage points off what was said, on average") % {
        "points": f"{off * 100:.1f}"
    }


def tenths(model: PredictionModel) -> charts.Tenths:
    tried = {name: judged for name in NAMES if (judged := _judged(model, name))}
    rankings = tuple(
        charts.Ranking(
            label=str(NAMES[name]),
            shares=tuple(judged["deciles"]),
            colour=_LOOK[name][0],
            is_dashed=_LOOK[name][1],
        )
        for name, judged in tried.items()
    )
    scores = model.scores
    overall = scores["lapsed"] / scores["members"] if scores.get("members") else 0.0
    used = tried.get(model.lapse_by)
    title = _("How well members are told apart")
    if used and used["lift"] is not None:
        title = _("In the tenth with the highest chance %(share)s lapsed, %(lift)s times as many as on average") % {
            "share": svg.percent(used["deciles"][0]),
            "lift": f"{used['lift']:.1f}",
        }
    return charts.Tenths(
        key="tenths",
        title=title,
        subtitle=_("Who lapsed in the 90 days held out, by tenths of the members"),
        unit=_("Share lapsed"),
        rankings=rankings,
        overall=overall,
        size="m",
        note=_("The dotted line is the share of all: %(share)s.") % {"share": svg.percent(overall)},
        empty_title=_("Not tried yet"),
        empty_text=_("A trial needs about eight months of orders."),
    )


def bands(counted: dict[str, int]) -> charts.StackBar:
    looks: dict[str, Colour] = {"low": "active", "middle": "lapsing", "high": "bad"}
    labels = {
        "low": _("Under 33%"),
        "middle": _("33 to 66%"),
        "high": _("Over 66%"),
    }
    high = counted[Prediction.Band.HIGH]
    title = ngettext(
        "%(count)s member will probably not buy in the next 90 days",
        "%(count)s members will probably not buy in the next 90 days",
        high,
    ) % {"count": svg.number(high)}
    parts = tuple(charts.Part(label=labels[band], value=counted[band], colour=looks[band]) for band in looks)
    return charts.StackBar(
        key="bands",
        title=title,
        subtitle=_("Members by their chance of lapsing"),
        unit=_("members"),
        parts=parts,
        size="m",
        empty_title=_("Nobody is scored yet"),
        empty_text=_("Scoring runs every night."),
    )


def tried(model: PredictionModel) -> list[Tried]:
    found = [(name, _judged(model, name)) for name in NAMES]
    return [
        Tried(
            name=str(NAMES[name]),
            auc="" if judged["auc"] is None else f"{judged['auc']:.3f}",
            brier=f"{judged['brier']:.3f}",
            lift="" if judged["lift"] is None else f"{judged['lift']:.2f}",
            is_used=name == model.lapse_by,
        )
        for name, judged in found
        if judged
    ]


def parameters(model: PredictionModel) -> list[tuple[str, str]]:
    """The parameters of rhythm and spending as papers write them; money in yuan."""
    stored = model.parameters
    rhythm, spending = stored["rhythm"], stored["spend"]
    rows = [("BG/NBD", " · ".join(f"{name} {rhythm[key]:.3f}" for name, key in _RHYTHM))]
    if spending:
        values = {**spending, "gamma": spending["gamma"] / 100}
        rows.append(("Gamma-Gamma", " · ".join(f"{name} {values[key]:.3f}" for name, key in _SPEND)))
    return rows


_RHYTHM = (("r", "r"), ("α", "alpha"), ("a", "a"), ("b", "b"))
_SPEND = (("p", "p"), ("q", "q"), ("γ", "gamma"))


def held_out(model: PredictionModel) -> str:
    """The days the trial was held on; "" without one."""
    if not model.scores.get("from"):
        return ""
    first = clock.parse(model.scores["from"]).date()
    return words.span(first, clock.local_date(model.as_of))


def orders(model: PredictionModel) -> tuple[int, int] | None:
    """Purchase days that were expected of the days held out, and those that came."""
    found = model.scores.get("orders")
    return (round(found["expected"]), found["came"]) if found else None


def missing(gate: selectors.Gate) -> list[tuple[str, int, int, bool]]:
    """(what, counted, needed, is enough)"""
    return [(str(COUNTED[name]), counted, needed, counted >= needed) for name, counted, needed in gate.counts]


def _judged(model: PredictionModel, name: str) -> dict[str, Any] | None:
    judged: dict[str, Any] | None = model.scores.get("models", {}).get(name)
    return judged
