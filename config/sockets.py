"""Web socket routes. Each consumer checks access itself: sockets pass no HTTP middleware."""

from django.urls import path

from apps.console.consumers import JobProgress

websocket_urlpatterns = [path("ws/jobs/<str:job_id>/", JobProgress.as_asgi())]
