"""A house with a single route, for tests of what happens where pages are missing."""

from django.urls import path

from apps.core import health

urlpatterns = [path("healthz", health.alive, name="healthz")]
