"""Routes of the back office. What each asks for stands in config/access.yaml."""

from apps.console.routes import figures, loyalty, people, reaching, running

app_name = "console"
urlpatterns = [
    *running.urlpatterns,
    *figures.urlpatterns,
    *people.urlpatterns,
    *loyalty.urlpatterns,
    *reaching.urlpatterns,
]
