from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("stores", "0027_merging_keys")]

    operations = [
        migrations.AddField(
            "storeplace",
            "time_zone",
            models.CharField(blank=True, db_default="", default="", max_length=40, verbose_name="time zone"),
        ),
    ]
