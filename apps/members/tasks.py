"""Celery doors of members."""

from celery import shared_task

from apps.members import codes


@shared_task(name="members.forget_codes")
def forget_codes() -> None:
    codes.forget_phones()
