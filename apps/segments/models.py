"""What a member's kept orders say: stats, RFM scores, life stage. All computed set-wise by `refresh.py`; nothing else writes here.

A kept order is paid, not cancelled, and worth more than 0 after its refunds. "As of T" counts orders paid and refunds made up to T.
"""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from apps.segments.groups import Build, Membership, Passage, RuleVersion, Segment, Stir, StirMark
from apps.segments.lists.tables import Upload
from apps.segments.packs.tables import Pack, PackMember
from apps.segments.predictions.tables import CategoryCycle, MemberCycle, Prediction, PredictionModel, PredictionRun
from apps.segments.tracks.tables import Placement, Track, TrackMove
from apps.segments.traits.tables import Trait, TraitRun, TraitValue

__all__ = [
    "Build", "CategoryCycle", "Cell", "MemberCycle", "MemberStats", "Membership", "Minor", "Newcomer", "Pack", "PackMember",
    "Passage", "Placement", "Prediction", "PredictionModel", "PredictionRun", "RefreshRun", "RuleVersion", "ScoreChange", "Segment",
    "Snapshot", "Stage", "StageChange", "Stir", "StirMark", "Track", "TrackMove", "Trait", "TraitRun", "TraitValue", "Upload",
]  # fmt: skip


class Stage(models.TextChoices):
    PROSPECT = "prospect", _("Prospect")
    NEW = "new", _("New")
    ACTIVE = "active", _("Active")
    LAPSING = "lapsing", _("Lapsing")
    DORMANT = "dormant", _("Dormant")
    LOST = "lost", _("Lost")
    WON_BACK = "won_back", _("Won back")


class Cell(models.TextChoices):
    """The eleven named RFM cells; the table from scores to cells stands in `rfm.py`."""

    CHAMPIONS = "champions", _("Champions")
    LOYAL = "loyal", _("Loyal")
    POTENTIAL = "potential_loyal", _("Potential loyal")
    NEW = "new_customers", _("New customers")
    PROMISING = "promising", _("Promising")
    ATTENTION = "need_attention", _("Need attention")
    ABOUT_TO_SLEEP = "about_to_sleep", _("About to sleep")
    AT_RISK = "at_risk", _("At risk")
    CANNOT_LOSE = "cannot_lose", _("Cannot lose them")
    HIBERNATING = "hibernating", _("Hibernating")
    LOST = "lost", _("Lost")


class MemberStats(models.Model):
    """One row per member, prospects too. Gaps in days (exact, 24 h each) between consecutive kept orders."""

    member = models.OneToOneField("members.Member", primary_key=True, on_delete=models.CASCADE, related_name="+")
    first_order_at = models.DateTimeField(null=True)
    last_order_at = models.DateTimeField(null=True)
    last_order_id = models.BigIntegerField(null=True)
    orders = models.IntegerField(default=0)
    net_cents = models.BigIntegerField(default=0)
    gap_mean_days = models.FloatField(null=True)
    gap_median_days = models.FloatField(null=True)
    top_category_id = models.BigIntegerField(null=True)  # most lines; ties: the smaller id
    category_lines = models.JSONField(
        null=True
    )  # lines by category id: a new order is added, old ones are not read again
    top_store_id = models.BigIntegerField(null=True)  # most orders
    top_hour = models.SmallIntegerField(null=True)  # 0–23 shop time, most orders
    top_channel = models.CharField(max_length=40, blank=True)
    r = models.SmallIntegerField(null=True)
    f = models.SmallIntegerField(null=True)
    m = models.SmallIntegerField(null=True)
    cell = models.CharField(max_length=20, choices=Cell, blank=True)
    stage = models.CharField(max_length=10, choices=Stage, default=Stage.PROSPECT)
    stage_since = models.DateTimeField(null=True)  # the moment the present stage began, from the history alone
    next_stage_at = models.DateTimeField(null=True)  # when time alone moves the member on
    revived_at = models.DateTimeField(null=True)  # while won back: the kept order that ended the dormancy
    mark = models.BigIntegerField(default=0)  # fingerprint of the kept orders: tells when the past itself has changed
    as_of = models.DateTimeField()  # snapshot of the last refresh that changed this row

    class Meta:
        indexes = [
            models.Index(fields=["next_stage_at"], condition=Q(next_stage_at__isnull=False), name="segments_stage_due"),
            models.Index(fields=["stage", "member"], name="segments_of_stage"),
            models.Index(fields=["last_order_at"], name="segments_last_order"),
        ]

    def __str__(self) -> str:
        return f"{self.member_id} {self.stage}"


class StageChange(models.Model):
    """One move from stage to stage, append-only. `at` is when it became true, `recorded_at` the refresh that saw it."""

    class Cause(models.TextChoices):
        FIRST = "first", _("First computed")
        ORDER = "order", _("Order")
        TIME = "time", _("Time")
        CORRECTED = "corrected", _("Corrected")  # a late order or a refund changed the past; never triggers care

    member = models.ForeignKey("members.Member", on_delete=models.CASCADE, related_name="+", db_index=False)
    before = models.CharField(max_length=10, choices=Stage, blank=True)
    after = models.CharField(max_length=10, choices=Stage)
    cause = models.CharField(max_length=10, choices=Cause)
    at = models.DateTimeField()
    recorded_at = models.DateTimeField()

    class Meta:
        indexes = [
            models.Index(fields=["member", "-id"], name="segments_changes_of"),
            models.Index(fields=["after", "at"], name="segments_changes_into"),
        ]

    def __str__(self) -> str:
        return f"{self.member_id} {self.before}→{self.after}"


class Snapshot(models.Model):
    """The cut points of one shop day: R by last order time, F by orders, M by net 分; four inner cuts each (20/40/60/80 %)."""

    on = models.DateField(unique=True)
    taken_at = models.DateTimeField()
    buyers = models.IntegerField()
    changed = models.IntegerField(default=0)  # buyers whose last order, orders or net changed since; a few twice
    r_cuts = models.JSONField()  # ISO times, ascending
    f_cuts = models.JSONField()
    m_cuts = models.JSONField()

    def __str__(self) -> str:
        return f"{self.on}"


class ScoreChange(models.Model):
    """A member's scores from a day on; the row before it ends there. Only changes are stored."""

    member = models.ForeignKey("members.Member", on_delete=models.CASCADE, related_name="+", db_index=False)
    on = models.DateField()
    r = models.SmallIntegerField(null=True)
    f = models.SmallIntegerField(null=True)
    m = models.SmallIntegerField(null=True)
    cell = models.CharField(max_length=20, choices=Cell, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["member", "on"], name="segments_score_once_a_day")]
        indexes = [models.Index(fields=["on"], name="segments_scores_on")]

    def __str__(self) -> str:
        return f"{self.member_id} {self.on} {self.cell}"


class RefreshRun(models.Model):
    """One refresh: its snapshot moment, how many rows it looked at and changed."""

    as_of = models.DateTimeField()
    is_full = models.BooleanField()
    rules = models.JSONField(default=dict)  # the lifecycle thresholds it went by; other ones make the next refresh full
    looked_at = models.IntegerField(default=0)
    changed = models.IntegerField(default=0)
    stage_moves = models.IntegerField(default=0)
    seconds = models.FloatField(default=0)
    finished_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [models.Index(fields=["-as_of"], name="segments_run_newest")]

    def __str__(self) -> str:
        return f"{self.as_of:%F %T}"


class Newcomer(models.Model):
    """A member the refresh has not met yet, or of whom the birthday or a guardian's word changed. Taken by the refresh.

    Noted by database triggers, whoever writes the rows.
    """

    member = models.OneToOneField(
        "members.Member", primary_key=True, on_delete=models.CASCADE, related_name="+", db_constraint=False
    )

    def __str__(self) -> str:
        return str(self.member_id)


class Minor(models.Model):
    """A member under 14 whom the refresh has met, guarded or not. `due_at`: when time alone decides anew whether they are computed."""

    member = models.OneToOneField(
        "members.Member", primary_key=True, on_delete=models.CASCADE, related_name="+", db_constraint=False
    )
    due_at = models.DateTimeField(db_index=True)

    def __str__(self) -> str:
        return f"{self.member_id} {self.due_at:%F}"
