"""Views of links and their tree for organizers. Every id goes through conferences/access.py."""

from typing import Any, ClassVar

from django.http import Http404, HttpResponse, HttpResponseBase
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.exceptions import APIException, ValidationError
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from conferences.access import Role, get_conference, visible_conferences
from conferences.api.exports import answer_with_file
from meeteasy.core.serializers import read_body, read_query
from sharing.api import queries
from sharing.api import serializers as answers
from sharing.api._base import FORMAT, TableView
from sharing.models import ShareLink
from sharing.qr import draw_qr
from sharing.rules.codes import keys_of
from sharing.selectors import links as selectors
from sharing.selectors import tree
from sharing.selectors.conversions import count_conversions
from sharing.services import erasing, minting

_IN = OpenApiParameter(
    "conference_id", OpenApiTypes.STR, description="Needed where two of your conferences have the code."
)


class CodeTaken(APIException):
    status_code = 409
    default_code = "code_taken"
    default_detail = "The code belongs to somebody already."


def _get_link(request: Request, code: str) -> ShareLink:
    """A link by its code, signed or not, in a conference that the user is a member of."""
    conferences = visible_conferences(request.user)
    conference_id = request.query_params.get("conference_id", "")
    if "\0" in code + conference_id:  # PostgreSQL refuses even to compare it
        raise Http404("There is no such link.")
    if conference_id:
        conferences = conferences.filter(id=conference_id)
    keys = [key for item in conferences.values_list("id", flat=True) for key in keys_of(item, code)]
    matches = list(ShareLink.objects.filter(id__in=keys)[:2])
    if len(matches) > 1:
        raise ValidationError({"conference_id": "Several of your conferences have this code; say which."})
    if not matches:
        raise Http404(f"There is no link {code!r} in your conferences.")
    return matches[0]


class Links(TableView):
    """Share links."""

    @extend_schema(
        operation_id="sharing_links_list",
        summary="List share links",
        parameters=[queries.LinksQuery, FORMAT],
        responses=answers.LinkPage,
    )
    def get(self, request: Request) -> HttpResponseBase:
        query = read_query(queries.LinksQuery, request.query_params)
        conference = get_conference(request.user, query["conference_id"])
        only = {name: query[name] for name in ("search", "flagged", "minted")}
        file = answer_with_file(request, conference, "links", f"links-{conference.id}", **only)
        if file is not None:
            return file
        page, following = selectors.list_links(
            conference, limit=query["page_size"], cursor=query["cursor"], **only
        )
        return Response(answers.LinkPage({"results": page, "next": following}).data)

    @extend_schema(
        summary="Mint a share link", request=queries.LinkInput, responses={201: answers.LinkSerializer}
    )
    def post(self, request: Request) -> Response:
        data = read_body(queries.LinkInput, request.data)
        conference = get_conference(request.user, data["conference_id"], role=Role.HELPER)
        try:
            link = minting.mint_link(
                conference,
                owner=request.user,  # type: ignore[arg-type]  # a member, so signed in
                label=data["label"],
                channel=data["channel"],
                target_url=data["target_url"],
                code=data["code"],
                is_signed=data["signed"],
            )
        except minting.CodeTakenError:
            raise CodeTaken from None
        return Response(answers.LinkSerializer(link).data, status=201)


class LinkDetail(APIView):
    """Read a link by its code, as it is stored or as it appears in addresses."""

    @extend_schema(parameters=[_IN], responses=answers.LinkSerializer)
    def get(self, request: Request, code: str) -> Response:
        return Response(answers.LinkSerializer(_get_link(request, code)).data)


class AnyContent(BaseContentNegotiation):
    """For views whose address says what they answer with, whatever the client's Accept header asks for."""

    def select_parser(self, request: Request, parsers: Any) -> Any:
        return parsers[0]

    def select_renderer(self, request: Request, renderers: Any, format_suffix: Any = None) -> Any:
        return renderers[0], renderers[0].media_type


class QRCode(APIView):
    """Draw the QR code of a link's address, for print."""

    kind: ClassVar[str] = "svg"
    content_negotiation_class = AnyContent
    _types: ClassVar[dict[str, str]] = {"svg": "image/svg+xml", "png": "image/png"}

    @extend_schema(
        parameters=[_IN],
        responses={(200, "image/svg+xml"): OpenApiTypes.BINARY, (200, "image/png"): OpenApiTypes.BINARY},
    )
    def get(self, request: Request, code: str) -> HttpResponse:
        picture = draw_qr(_get_link(request, code), kind=self.kind)
        return HttpResponse(picture, content_type=self._types[self.kind])


class Tree(APIView):
    """Read the tree by levels: the roots, or what is below `root`; most conversions below first.

    The order follows the current figures. A link that gains a conversion between two pages may move to a page
    that was read already, or come twice. Use `links`, whose order is fixed, to read every link once.
    """

    @extend_schema(parameters=[queries.TreeQuery], responses=answers.TreeSerializer)
    def get(self, request: Request) -> Response:
        query = read_query(queries.TreeQuery, request.query_params)
        conference = get_conference(request.user, query["conference_id"])
        root = None
        if query["root"]:
            root = ShareLink.objects.filter(id__in=keys_of(conference.id, query["root"])).first()
            if root is None:
                raise Http404(f"There is no link {query['root']!r} in this conference.")
        found = tree.get_tree(
            conference.id, root, depth=query["depth"], limit=query["page_size"], cursor=query["cursor"]
        )
        totals = count_conversions(conference, (None, None))
        return Response(answers.TreeSerializer({**vars(found), "totals": totals}).data)


class Erase(APIView):
    """Erase a person: the visitor id goes, the shape of the tree and all counts stay. For owners."""

    @extend_schema(request=queries.EraseInput, responses=answers.EraseAnswer)
    def post(self, request: Request) -> Response:
        data = read_body(queries.EraseInput, request.data)
        conference = get_conference(request.user, data["conference_id"], role=Role.OWNER)
        return Response({"rows_changed": erasing.erase_person(conference, data["sharer"])})
