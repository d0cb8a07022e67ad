"""Celery doors of segments."""

from celery import shared_task

from apps.core import clock, runs
from apps.segments import building, refresh
from apps.segments.predictions import work
from apps.segments.tracks import moving


@shared_task(name="segments.refresh_stats")
def refresh_stats() -> None:
    with runs.recorded("segments.refresh_stats") as figures:
        figures.update(refresh.refresh(clock.now()).counts())


@shared_task(name="segments.move_tracks")
def move_tracks() -> None:
    with runs.recorded("segments.move_tracks") as figures:
        figures.update(moving.tick(clock.now()).counts())


@shared_task(name="segments.build")
def build() -> None:
    with runs.recorded("segments.build") as figures:
        figures.update(building.build(clock.now()).counts())


@shared_task(name=work.SCORE)
def score_members() -> None:
    work.score()


@shared_task(name=work.KIND)
def fit_predictions() -> None:
    work.fit()
