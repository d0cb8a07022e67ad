"""Rollups that pages read instead of scanning: one row per shop day and figure."""

from django.db import models


class DailyFigure(models.Model):
    """A figure of one shop day. `store` 0 means all stores. Recomputed whole for a day: the upsert makes a repeat harmless."""

    on = models.DateField()
    name = models.CharField(max_length=60)  # "stage.lapsing.members", "stage.lapsing.entered", "sales.net_cents"
    store_id = models.BigIntegerField(default=0)
    value = models.BigIntegerField()
    as_of = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["name", "store_id", "on"], name="analytics_figure_once")]

    def __str__(self) -> str:
        return f"{self.name} {self.on}"
