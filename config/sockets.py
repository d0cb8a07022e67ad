"""Web socket routes. Each consumer checks access itself: sockets pass no HTTP middleware."""

from django.urls import path

from apps.console.consumers import JobProgress
from apps.console.desk_sockets import AtTicket, QueueNews
from apps.console.live_sockets import LiveBoard

websocket_urlpatterns = [
    path("ws/jobs/<str:job_id>/", JobProgress.as_asgi()),
    path("ws/live/<str:stream>/", LiveBoard.as_asgi()),
    path("ws/desk/", QueueNews.as_asgi()),
    path("ws/tickets/<str:ticket_id>/", AtTicket.as_asgi()),
]
