"""Celery doors of members."""

from celery import shared_task

from apps.core import clock, runs
from apps.members import codes, duplicates, tagging, uploads


@shared_task(name="members.expire_tags")
def expire_tags() -> None:
    with runs.recorded("members.expire_tags") as figures:
        figures["tags"] = tagging.expire(today=clock.local_date(clock.now()))


@shared_task(name=duplicates.KIND)
def find_duplicates() -> None:
    with runs.recorded(duplicates.KIND) as figures:
        searched = duplicates.search()
        figures.update(open=searched.open, gone=searched.gone)


@shared_task(name="members.forget_codes")
def forget_codes() -> None:
    codes.forget_phones()


@shared_task(name="members.sweep_uploads")
def sweep_uploads() -> None:
    with runs.recorded("members.sweep_uploads") as figures:
        figures.update(uploads.sweep())
