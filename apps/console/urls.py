"""Routes of the back office. What each asks for stands in config/access.yaml."""

from django.contrib.auth.views import LogoutView
from django.urls import path

from apps.console import login, style
from apps.console.views import audit, dashboard, find, home, imports, jobs, members, messages, orders, phone, policies

app_name = "console"
urlpatterns = [
    path("", home.home, name="root"),
    path("console/login/", login.LoginView.as_view(), name="login"),
    path("console/logout/", LogoutView.as_view(), name="logout"),
    path("console/", dashboard.page, name="dashboard"),
    path("console/figures/<slug:chart>.csv", dashboard.csv, name="dashboard_csv"),
    path("console/find/", find.find, name="find"),
    path("console/members/", members.index, name="members"),
    path("console/members/moves/", messages.moves, name="moves"),
    path("console/members/<str:member>/", members.member, name="member"),
    path("console/members/<str:member>/timeline/", members.more, name="member_timeline"),
    path("console/members/<str:member>/phone/", members.unmask, name="member_unmask"),
    path("console/orders/", orders.index, name="orders"),
    path("console/orders/<str:order>/", orders.order, name="order"),
    path("console/orders/<str:order>/refund/", orders.refund, name="order_refund"),
    path("console/policies/", policies.index, name="policies"),
    path("console/policies/new/", policies.new, name="policy_new"),
    path("console/policies/<slug:key>/", policies.policy, name="policy"),
    path("console/policies/<slug:key>/save/", policies.save, name="policy_save"),
    path("console/policies/<slug:key>/publish/", policies.publish, name="policy_publish"),
    path("console/policies/<slug:key>/pause/", policies.pause, name="policy_pause"),
    path("console/policies/<slug:key>/resume/", policies.resume, name="policy_resume"),
    path("console/policies/<slug:key>/preview/", policies.preview, name="policy_preview"),
    path("console/policies/<slug:key>/dry-run/", policies.rehearse, name="policy_dry_run"),
    path("console/messages/", messages.index, name="messages"),
    path("console/phone/", phone.page, name="phone"),
    path("console/imports/", imports.index, name="imports"),
    path("console/imports/<str:job>/", imports.job, name="import"),
    path("console/imports/<str:job>/part/", imports.part, name="import_part"),
    path("console/imports/<str:job>/live/", imports.go_live, name="import_live"),
    path("console/imports/<str:job>/rejects/", imports.rejects, name="import_rejects"),
    path("console/imports/<str:job>/<slug:wish>/", imports.wish, name="import_wish"),
    path("console/jobs/", jobs.index, name="jobs"),
    path("console/jobs/facts/retry/", jobs.retry, name="facts_retry"),
    path("console/jobs/<str:job>/<slug:wish>/", jobs.wish, name="job_wish"),
    path("console/audit/", audit.index, name="audit"),
    path("console/style/", style.page, name="style"),
]
