from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("analytics", "0009_targets")]

    operations = [
        migrations.RemoveConstraint(model_name="noticemail", name="analytics_mail_once"),
        migrations.RenameModel(old_name="NoticeMail", new_name="NoticePost"),
        migrations.AddField(
            model_name="noticepost",
            name="channel",
            field=models.CharField(choices=[("mail", "E-mail"), ("wecom", "WeCom")], default="mail", max_length=8),
        ),
        migrations.AddConstraint(
            model_name="noticepost",
            constraint=models.UniqueConstraint(fields=("user", "key", "channel"), name="analytics_post_once"),
        ),
        migrations.AddField(
            model_name="noticebox",
            name="wecom",
            field=models.CharField(blank=True, max_length=64, verbose_name="WeCom userid"),
        ),
    ]
