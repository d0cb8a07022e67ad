from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("catalog", "0005_prices_are_kept")]

    operations = [
        migrations.AddField(
            model_name="product",
            name="barcode",
            field=models.CharField(blank=True, db_default="", default="", max_length=14, verbose_name="barcode"),
        ),
        migrations.AddConstraint(
            model_name="product",
            constraint=models.UniqueConstraint(
                fields=["barcode"], condition=models.Q(("barcode", ""), _negated=True), name="catalog_barcode_once"
            ),
        ),
        migrations.AddConstraint(
            model_name="product",
            constraint=models.CheckConstraint(
                condition=models.Q(("barcode", ""), ("barcode__regex", "^[0-9]{14}$"), _connector="OR"),
                name="catalog_barcode_of_fourteen",
            ),
        ),
    ]
