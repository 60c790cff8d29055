from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('analytics', '0014_index_what_counts'),
    ]

    operations = [
        migrations.AddField(
            model_name='event',
            name='context',
            field=models.JSONField(null=True, verbose_name='context'),
        ),
    ]
