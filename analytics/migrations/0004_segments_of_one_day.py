from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [
        ("analytics", "0003_on_postgresql"),
    ]

    operations = [
        migrations.RemoveField(model_name="segment", name="evening"),
        migrations.RemoveField(model_name="segment", name="evening_computations"),
        migrations.RemoveField(model_name="segment", name="facts"),
    ]
