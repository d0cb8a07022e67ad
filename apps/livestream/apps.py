from django.apps import AppConfig


class LivestreamConfig(AppConfig):
    name = "apps.livestream"
    label = "livestream"
