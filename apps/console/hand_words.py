"""Why somebody who grants points by hand stands out, in words."""

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from apps.analytics import insiders


def why(row: insiders.Hand) -> str:
    """The reason in words; "" for who does not stand out."""
    reasons = []
    if row.is_often:
        reasons.append(
            _("%(count)s grants, store median %(median)s") % {"count": row.grants, "median": f"{row.median_grants:g}"}
        )
    if row.is_much:
        reasons.append(
            _("%(points)s points, store median %(median)s")
            % {"points": f"{row.points:,}", "median": f"{row.median_points:,.0f}"}
        )
    if row.is_one_sided:
        reasons.append(_("%(share)s%% of them to one member") % {"share": round(100 * row.top_share)})
    if row.is_split:
        reasons.append(
            ngettext(
                "split over the limit of one grant %(count)s time",
                "split over the limit of one grant %(count)s times",
                row.splits,
            )
            % {"count": row.splits}
        )
    return " · ".join(reasons)
