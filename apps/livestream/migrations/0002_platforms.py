from typing import Any

from django.db import migrations

from apps.core.database import Audited

PLATFORMS = (
    ("douyin", "抖音", "Douyin"), ("channels", "视频号", "WeChat Channels"), ("taobao", "淘宝直播", "Taobao Live"),
    ("kuaishou", "快手", "Kuaishou"), ("xiaohongshu", "小红书", "Xiaohongshu"),
)  # fmt: skip


def fill(apps: Any, schema_editor: Any) -> None:
    model = apps.get_model("livestream", "Platform")
    model.objects.bulk_create(
        model(key=key, name=name, name_en=name_en, place=place)
        for place, (key, name, name_en) in enumerate(PLATFORMS)
    )


class Migration(migrations.Migration):
    dependencies = [("livestream", "0001_live_streams"), ("core", "0002_audit_is_append_only")]

    operations = [
        migrations.RunPython(fill, migrations.RunPython.noop),
        Audited("livestream_stream"),
        Audited("livestream_room"),
        Audited("livestream_host"),
    ]
