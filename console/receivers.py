"""What the console does when conferences change."""

from conferences.services.deleting import deletes_rows
from console.models import Invitation

deletes_rows(Invitation)
