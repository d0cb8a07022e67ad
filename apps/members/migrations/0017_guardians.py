import django.db.models.deletion
from django.db import migrations, models

import apps.core.clock


class Migration(migrations.Migration):
    dependencies = [("members", "0016_uploads")]

    operations = [
        migrations.AlterField(
            model_name="coderequest",
            name="purpose",
            field=models.CharField(
                choices=[
                    ("login", "Log in"),
                    ("step_up", "Confirm that it is you"),
                    ("change_phone", "Change the phone number"),
                    ("guardian", "A guardian agrees"),
                ],
                max_length=20,
            ),
        ),
        migrations.CreateModel(
            name="Guardian",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("phone_digest", models.BinaryField(max_length=32)),
                ("at", models.DateTimeField(default=apps.core.clock.now)),
                ("ended_at", models.DateTimeField(null=True)),
                (
                    "member",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="+", to="members.member"
                    ),
                ),
            ],
            options={
                "indexes": [
                    models.Index(
                        condition=models.Q(("ended_at", None)), fields=["phone_digest"], name="members_guardian_of"
                    )
                ],
            },
        ),
    ]
