from django.apps import AppConfig


class ReferralConfig(AppConfig):
    name = "apps.referral"
    label = "referral"
