"""What the console does when conferences change."""

from conferences.services.deleting import deletes_rows
from console.models import Digest, Invitation

deletes_rows(Invitation)
deletes_rows(Digest, lambda conference_id: Digest.objects.filter(member__conference_id=conference_id))
