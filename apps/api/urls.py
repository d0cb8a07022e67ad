"""The routes of the API. Each needs a line in config/access.yaml and stands in the OpenAPI document."""

from django.urls import path

from apps.api.base import ApiView
from apps.api.views import auth, codes, events, files, guardian, jobs, me, pages, privacy, server, wechat

app_name = "api"
V1: list[tuple[str, type[ApiView]]] = [
    ("me/home", me.Home),
    ("auth/codes", auth.Codes),
    ("auth/code", auth.Code),
    ("auth/wechat", auth.Wechat),
    ("auth/refresh", auth.Refresh),
    ("auth/logout", auth.Logout),
    ("auth/step-up-codes", auth.StepUpCodes),
    ("auth/step-up", auth.StepUp),
    ("auth/wechat-phone", auth.WechatPhone),
    ("me", me.Me),
    ("me/phone", auth.Phone),
    ("me/consents", me.Consents),
    ("me/consents/<str:purpose>/<str:channel>", me.OneConsent),
    ("me/guardian", guardian.Guardian),
    ("me/guardian/codes", guardian.GuardianCodes),
    ("me/messages", me.Messages),
    ("me/messages/<str:message>/read", me.MessageRead),
    ("me/orders", me.Orders),
    ("me/orders/<str:order>", me.Order),
    ("me/sessions", me.Sessions),
    ("me/sessions/<str:session>", me.Session),
    ("me/subscribe-templates", wechat.SubscribeTemplates),
    ("me/subscriptions", wechat.Subscriptions),
    ("me/export", privacy.Export),
    ("me/export/file", privacy.ExportFile),
    ("me/erasure", privacy.Erasure),
    ("files", files.Files),
    ("files/<str:file>", files.OneFile),
    ("files/<str:file>/content", files.FileContent),
    ("events", events.Events),
    ("codes/<str:code>/opened", codes.CodeOpened),
    ("members", server.Members),
    ("members/find", server.FindMember),
    ("members/<str:member>", server.OneMember),
    ("members/<str:member>/attributes", server.MemberAttributes),
    ("member-fields", server.MemberFields),
    ("orders", server.Orders),
    ("orders/<str:order>", server.OneOrder),
    ("refunds", server.Refunds),
    ("jobs/<str:job>", jobs.OneJob),
    ("jobs/<str:job>/result", jobs.JobResult),
]
urlpatterns = [
    *(path(f"v1/{address}", view.as_view(), name=view.route) for address, view in V1),
    path("v1/openapi.json", pages.openapi, name="openapi"),
    path("docs/", pages.docs, name="docs"),
    path("docs/errors", pages.errors, name="docs_errors"),
    path("docs/sandbox", pages.sandbox, name="docs_sandbox"),
]
