import django.contrib.postgres.fields
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("stores", "0024_scopes_of_tickets")]

    operations = [
        migrations.AddField(
            "apiclient",
            "contact",
            models.EmailField(blank=True, default="", max_length=254, verbose_name="mail for changes"),
            preserve_default=False,
        ),
        migrations.AddField(
            "apiclient",
            "told",
            django.contrib.postgres.fields.ArrayField(
                base_field=models.CharField(max_length=40), default=list, size=None
            ),
        ),
    ]
