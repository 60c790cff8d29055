"""Badge pictures: for members, and at a signed address for the attendee."""

from django.http import Http404, HttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.views import APIView

from conferences import badges
from conferences.access import Role, get_registration
from conferences.models import Registration

_KIND = OpenApiParameter("kind", OpenApiTypes.STR, OpenApiParameter.PATH, enum=list(badges.KINDS))
_PICTURE = {(200, "image/svg+xml"): OpenApiTypes.STR, (200, "image/png"): OpenApiTypes.BINARY}


class Badge(APIView):
    """Draw the QR code of an attendee's badge. Helpers and owners, since anyone who holds it can come in."""

    @extend_schema(parameters=[_KIND], responses=_PICTURE)
    def get(self, request: Request, conference_id: str, registration_id: str, kind: str) -> HttpResponse:
        registration = get_registration(request.user, conference_id, registration_id, role=Role.HELPER)
        badges.check_admissible(registration)
        return _picture(registration, kind)


class OwnBadge(APIView):
    """Draw the QR code of the attendee's own badge, at the signed address from the confirmation mail."""

    authentication_classes = ()
    permission_classes = (AllowAny,)

    @extend_schema(parameters=[_KIND], responses=_PICTURE, auth=[])
    def get(self, request: Request, token: str, kind: str) -> HttpResponse:
        return _picture(badges.find_by_link(token), kind)


def _picture(registration: Registration, kind: str) -> HttpResponse:
    if kind not in badges.KINDS:
        raise Http404(f"There is no badge as {kind!r}.")
    picture = badges.draw_qr(badges.make_code(registration), kind=kind)
    headers = {
        "Cache-Control": "private, no-store",
        "X-Robots-Tag": "noindex",
        "Content-Disposition": f'inline; filename="badge.{kind}"',
    }
    return HttpResponse(picture, content_type=badges.KINDS[kind], headers=headers)
