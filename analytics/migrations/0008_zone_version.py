from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("analytics", "0007_plainer_help_texts")]

    operations = [
        migrations.AddField(
            model_name="appliedsettings",
            name="zone_version",
            field=models.CharField(default="", max_length=16),
        ),
    ]
