"""The indexes of what is known of registrations leave out held reports and those of crawlers: clients can send any
number of them."""


from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('analytics', '0013_required_origin'),
    ]

    operations = [
        migrations.RemoveIndex(
            model_name='event',
            name='event_of_registration',
        ),
        migrations.RemoveIndex(
            model_name='event',
            name='event_registration_visitor',
        ),
        migrations.AddIndex(
            model_name='event',
            index=models.Index(condition=models.Q(('hold', ''), ('is_attendance', True), ('is_bot', False)), fields=['conference_id', 'subject'], name='event_of_registration'),
        ),
        migrations.AddIndex(
            model_name='event',
            index=models.Index(condition=models.Q(('hold', ''), ('is_bot', False), ('type', 'registration')), fields=['conference_id', 'visitor_id'], name='event_registration_visitor'),
        ),
    ]
