"""Routes of the back office."""

from django.contrib.auth.views import LogoutView
from django.urls import path
from django.views.generic import RedirectView

from apps.console import login

app_name = "console"
urlpatterns = [
    path("", RedirectView.as_view(pattern_name="console:dashboard"), name="root"),
    path("console/login/", login.LoginView.as_view(), name="login"),
    path("console/logout/", LogoutView.as_view(), name="logout"),
]
