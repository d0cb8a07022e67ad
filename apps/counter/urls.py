"""The counter. What each route asks for stands in config/access.yaml."""

from django.urls import path

from apps.counter.views import goods, newcomer, sale, scan, shell, shift, till, wechat

app_name = "counter"
urlpatterns = [
    path("", till.home, name="home"),
    path("sw.js", shell.worker, name="worker"),
    path("shell/", shell.page, name="shell"),
    path("pulse/", till.pulse, name="pulse"),
    path("lock/", till.lock, name="lock"),
    path("unlock/", till.unlock, name="unlock"),
    path("ready/", till.ready, name="ready"),
    path("key/", till.scan_key, name="scan_key"),
    path("scan/", scan.scan, name="scan"),
    path("picture/", scan.picture, name="picture"),
    path("tail/", scan.tail, name="tail"),
    path("wechat/", wechat.scanner, name="wechat"),
    path("chosen/", scan.chosen, name="chosen"),
    path("offers/", scan.offers, name="offers"),
    path("goods/", goods.goods, name="goods"),
    path("pay/", sale.pay, name="pay"),
    path("undo/", sale.undo, name="undo"),
    path("later/", sale.later, name="later"),
    path("hand-over/", sale.hand_over, name="hand_over"),
    path("gift-undo/", sale.gift_undo, name="gift_undo"),
    path("newcomer/", newcomer.ask, name="newcomer"),
    path("join/", newcomer.join, name="join"),
    path("shift/", shift.page, name="shift"),
    path("shift/end/", shift.end, name="shift_end"),
]
