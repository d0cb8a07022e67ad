"""Makes the Celery application current in every process that loads Django."""

from config.celery import app as celery_app

__all__ = ["celery_app"]
