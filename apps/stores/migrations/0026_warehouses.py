from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("stores", "0025_contacts_of_programs")]

    operations = [
        migrations.AddField(
            model_name="store",
            name="is_warehouse",
            field=models.BooleanField(db_default=False, default=False, verbose_name="a warehouse, no shop"),
        )
    ]
