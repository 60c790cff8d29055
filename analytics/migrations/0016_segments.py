from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('analytics', '0015_context_of_events'),
    ]

    operations = [
        migrations.CreateModel(
            name='Segment',
            fields=[
                ('id', models.CharField(db_column='_id', max_length=96, primary_key=True, serialize=False)),
                ('conference_id', models.CharField(max_length=64)),
                ('date', models.DateField()),
                ('version', models.CharField(max_length=32)),
                ('name', models.CharField(max_length=255)),
                ('digest', models.CharField(max_length=32)),
                ('computations', models.BigIntegerField()),
                ('evening_computations', models.BigIntegerField()),
                ('evening', models.CharField(max_length=32)),
                ('rows', models.BigIntegerField()),
                ('built_at', models.DateTimeField()),
                ('build_ms', models.BigIntegerField()),
                ('is_stale', models.BooleanField(default=False)),
                ('change', models.CharField(default='', max_length=32)),
            ],
            options={
                'indexes': [models.Index(fields=['conference_id', 'date'], name='segment_conference_date')],
            },
        ),
    ]
