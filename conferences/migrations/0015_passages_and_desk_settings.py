import conferences.models.registration
import django.db.models.deletion
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models


def fill(apps, schema_editor):
    """Make an entry of every check-in that counts, so that who came is inside."""
    passages = apps.get_model("conferences", "Passage").objects
    found = apps.get_model("conferences", "CheckIn").objects.filter(undone_at=None, passage=None)
    made = []
    for row in found.iterator(chunk_size=1000):
        made.append(
            passages.model(
                id=row.id, registration_id=row.registration_id, direction="in", gate=row.gate,
                passed_at=row.checked_in_at, recorded_at=row.recorded_at,
                scanned_by_id=row.checked_in_by_id, check_in_id=row.id,
            )
        )  # fmt: skip
    passages.bulk_create(made, batch_size=1000, ignore_conflicts=True)


class Migration(migrations.Migration):

    dependencies = [
        ('conferences', '0014_retention'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='DeskSettings',
            fields=[
                ('conference', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, primary_key=True, related_name='desk_settings', serialize=False, to='conferences.conference', verbose_name='conference')),
                ('gates', models.JSONField(blank=True, default=list, verbose_name='gates')),
                ('shown_questions', models.JSONField(blank=True, default=list, verbose_name='answers shown at the door')),
                ('names_offline', models.BooleanField(default=False, verbose_name='names on the devices')),
            ],
            options={
                'verbose_name': 'desk settings',
                'verbose_name_plural': 'desk settings',
            },
        ),
        migrations.CreateModel(
            name='Passage',
            fields=[
                ('id', models.CharField(default=conferences.models.registration.new_id, editable=False, max_length=32, primary_key=True, serialize=False)),
                ('direction', models.CharField(choices=[('in', 'entry'), ('out', 'exit')], max_length=3, verbose_name='direction')),
                ('gate', models.CharField(blank=True, max_length=100, verbose_name='gate or device')),
                ('passed_at', models.DateTimeField(verbose_name='passed at')),
                ('recorded_at', models.DateTimeField(default=django.utils.timezone.now, verbose_name='recorded at')),
                ('undone_at', models.DateTimeField(blank=True, null=True, verbose_name='undone at')),
                ('check_in', models.OneToOneField(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='passage', to='conferences.checkin', verbose_name='check-in')),
                ('registration', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='passages', to='conferences.registration', verbose_name='registration')),
                ('scanned_by', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='scanned by')),
            ],
            options={
                'verbose_name': 'passage',
                'verbose_name_plural': 'passages',
                'ordering': ['-passed_at', '-id'],
                'indexes': [models.Index(fields=['registration', 'passed_at'], name='passage_of_registration'), models.Index(fields=['passed_at'], name='passage_time')],
            },
        ),
        migrations.RunPython(fill, migrations.RunPython.noop, elidable=True),
    ]
