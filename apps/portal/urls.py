"""The member's pages. What each asks for stands in config/access.yaml."""

from django.urls import path

from apps.portal.views import app, guardian, home, inbox, login, me, orders, phone, picture, privacy, step_up

app_name = "portal"
urlpatterns = [
    path("", home.page, name="home"),
    path("login/", login.page, name="login"),
    path("login/code/", login.code, name="login_code"),
    path("welcome/", login.welcome, name="welcome"),
    path("logout/", login.leave, name="logout"),
    path("inbox/", inbox.index, name="inbox"),
    path("inbox/read/", inbox.read_all, name="inbox_read_all"),
    path("inbox/<str:message>/", inbox.message, name="message"),
    path("orders/", orders.index, name="orders"),
    path("orders/<str:order>/", orders.order, name="order"),
    path("me/", me.page, name="me"),
    path("me/profile/", me.profile, name="profile"),
    path("me/picture/", picture.avatar, name="avatar"),
    path("me/phone/", phone.page, name="phone"),
    path("me/phone/code/", phone.code, name="phone_code"),
    path("me/sessions/", me.sessions_page, name="sessions"),
    path("me/sessions/others/end/", me.end_others, name="sessions_end"),
    path("me/sessions/<str:session>/end/", me.end_session, name="session_end"),
    path("step-up/", step_up.page, name="step_up"),
    path("step-up/code/", step_up.code, name="step_up_code"),
    path("privacy/", privacy.page, name="privacy"),
    path("privacy/consent/", privacy.consent, name="consent"),
    path("privacy/guardian/", guardian.page, name="guardian"),
    path("privacy/guardian/code/", guardian.code, name="guardian_code"),
    path("privacy/guardian/end/", guardian.end, name="guardian_end"),
    path("privacy/held/", privacy.held, name="held"),
    path("privacy/policy/", privacy.policy, name="policy"),
    path("privacy/partners/", privacy.partners, name="partners"),
    path("privacy/export/", privacy.export, name="export"),
    path("privacy/export/state/", privacy.export_state, name="export_state"),
    path("privacy/export/file/", privacy.export_file, name="export_file"),
    path("privacy/erase/", privacy.erase, name="erase"),
    path("events/", app.events, name="events"),
    path("offline/", app.offline, name="offline"),
    path("sw.js", app.worker, name="worker"),
    path("manifest.webmanifest", app.manifest, name="manifest"),
]
