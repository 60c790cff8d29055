"""Links, tree and credits for organizers. Every id goes through conferences/access.py."""

from collections.abc import Callable
from typing import Any, ClassVar

from django.http import Http404, HttpResponse, StreamingHttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.exceptions import APIException, ValidationError
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from conferences.access import Role, get_conference, visible_conferences
from meeteasy.core.http import CSVFormat, csv_response
from sharing.api import serializers as api
from sharing.models import ShareLink
from sharing.qr import draw_qr
from sharing.rules.codes import keys_of
from sharing.selectors import conversions, credits, figures, links, not_credited, tree
from sharing.services import erasing, minting

_FORMAT = OpenApiParameter("format", OpenApiTypes.STR, enum=["json", "csv"])
_FROM = OpenApiParameter("from", OpenApiTypes.DATE, description="First local day, included.")
_IN = OpenApiParameter(
    "conference_id", OpenApiTypes.STR, description="Needed where two of your conferences have the code."
)
_LINK_COLUMNS = [
    "code", "parent", "sharer", "label", "channel", "target_url", "url", "minted", "first_shared_at", "flags",
    "opens", "openers", "child_count", "direct", "assisted", "subtree_links", "subtree_conversions",
]  # fmt: skip
_CREDIT_COLUMNS = [
    "registration_id", "registered_at", "code", "sharer", "channel", "distance", "kind", "model", "credit",
]  # fmt: skip
_CODES = ("code", "parent", "registration_id")
_REFUSAL_COLUMNS = ["registration_id", "registered_at", "code", "reason", "message", "distance"]


class CodeTaken(APIException):
    status_code = 409
    default_code = "code_taken"
    default_detail = "The code belongs to somebody already."


def _read(query: type[serializers.Serializer[Any]], data: Any) -> dict[str, Any]:
    checked = query(data=data)
    checked.is_valid(raise_exception=True)
    valid: dict[str, Any] = checked.validated_data
    return valid


def _get_link(request: Request, code: str) -> ShareLink:
    """A link by its code, signed or not, in a conference that the user is a member of."""
    conferences = visible_conferences(request.user)
    conference_id = request.query_params.get("conference_id", "")
    if "\0" in code + conference_id:  # which PostgreSQL refuses even to compare
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


class CSVView(APIView):
    """Answers with JSON, or with `?format=csv` as a download."""

    renderer_classes = [JSONRenderer, CSVFormat]

    @staticmethod
    def wants_csv(request: Request) -> bool:
        return bool(request.accepted_renderer.format == "csv")


class Links(CSVView):
    """Share links; POST makes one for a campaign."""

    @extend_schema(
        operation_id="sharing_links_list", parameters=[api.LinksQuery, _FORMAT], responses=api.LinkPage
    )
    def get(self, request: Request) -> Response | StreamingHttpResponse:
        query = _read(api.LinksQuery, request.query_params)
        conference = get_conference(request.user, query["conference_id"])
        found = links.get_links(
            conference, search=query["search"], flagged=query["flagged"], minted=query["minted"]
        )
        if self.wants_csv(request):
            return csv_response(
                f"links-{conference.id}.csv", _LINK_COLUMNS, links.iterate_rows(found), codes=_CODES
            )
        page, following = links.get_page(found, limit=query["page_size"], cursor=query["cursor"])
        return Response({"results": [tree.link_row(link) for link in page], "next": following})

    @extend_schema(request=api.LinkInput, responses={201: api.LinkRow})
    def post(self, request: Request) -> Response:
        data = _read(api.LinkInput, request.data)
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
        return Response(tree.link_row(link), status=201)


class LinkDetail(APIView):
    """One link, by its code as it is stored or as it stands in addresses."""

    @extend_schema(parameters=[_IN], responses=api.LinkRow)
    def get(self, request: Request, code: str) -> Response:
        return Response(tree.link_row(_get_link(request, code)))


class AnyContent(BaseContentNegotiation):
    """For views whose address says what they answer with, whatever the client's Accept header asks for."""

    def select_parser(self, request: Request, parsers: Any) -> Any:
        return parsers[0]

    def select_renderer(self, request: Request, renderers: Any, format_suffix: Any = None) -> Any:
        return renderers[0], renderers[0].media_type


class QRCode(APIView):
    """The link's address as a QR code, for print."""

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
    """The tree by levels: the roots, or what is below `root`; most conversions below first."""

    @extend_schema(parameters=[api.TreeQuery], responses=api.TreeAnswer)
    def get(self, request: Request) -> Response:
        query = _read(api.TreeQuery, request.query_params)
        conference = get_conference(request.user, query["conference_id"])
        root = None
        if query["root"]:
            root = ShareLink.objects.filter(id__in=keys_of(conference.id, query["root"])).first()
            if root is None:
                raise Http404(f"There is no link {query['root']!r} in this conference.")
        return Response(
            tree.get_tree(
                conference.id, root, depth=query["depth"], limit=query["page_size"], cursor=query["cursor"]
            )
        )


class Leaderboard(APIView):
    """Sharers by their credit. The sum of credits exceeds the registrations: see `totals`."""

    @extend_schema(parameters=[api.SumsQuery, _FROM], responses=api.LeaderboardAnswer)
    def get(self, request: Request) -> Response:
        return _answer_sums(request, credits.get_leaderboard)


class Channels(APIView):
    """Channels by their credit, with what their links count."""

    @extend_schema(parameters=[api.SumsQuery, _FROM], responses=api.ChannelsAnswer)
    def get(self, request: Request) -> Response:
        return _answer_sums(request, credits.get_channels)


def _answer_sums(request: Request, get_sums: Callable[..., tuple[list[dict[str, Any]], int]]) -> Response:
    query = _read(api.SumsQuery, request.query_params)
    conference = get_conference(request.user, query["conference_id"])
    rows, count = get_sums(conference, query["days"], query["model"], limit=query["limit"])
    totals = credits.get_totals(conference, query["days"])
    return Response({"model": query["model"], "totals": totals, "count": count, "results": rows})


class Conversions(CSVView):
    """Share conversions with the credits under a model: of each chain the nearest 50 places."""

    @extend_schema(
        operation_id="sharing_conversions_list",
        parameters=[api.ConversionsQuery, _FROM, _FORMAT],
        responses=api.ConversionsAnswer,
    )
    def get(self, request: Request) -> Response | StreamingHttpResponse:
        query = _read(api.ConversionsQuery, request.query_params)
        conference = get_conference(request.user, query["conference_id"])
        days, model = query["days"], query["model"]
        if self.wants_csv(request):
            rows = conversions.iterate_credits(conference, days, model)
            return csv_response(f"credits-{conference.id}.csv", _CREDIT_COLUMNS, rows, codes=_CODES)
        page, following = conversions.get_page(
            conversions.get_conversions(conference, days), limit=query["page_size"], cursor=query["cursor"]
        )
        return Response(
            {
                "model": model,
                "totals": credits.get_totals(conference, days),
                "results": conversions.conversion_rows(page, model),
                "next": following,
            }
        )


class NotCredited(CSVView):
    """What registrations did not credit, and why; the latest registration first."""

    @extend_schema(parameters=[api.NotCreditedQuery, _FROM, _FORMAT], responses=api.NotCreditedPage)
    def get(self, request: Request) -> Response | StreamingHttpResponse:
        query = _read(api.NotCreditedQuery, request.query_params)
        conference = get_conference(request.user, query["conference_id"])
        found = not_credited.get_refusals_of(conference, query["days"], reason=query["reason"])
        if self.wants_csv(request):
            rows = not_credited.iterate_rows(found)
            return csv_response(f"not-credited-{conference.id}.csv", _REFUSAL_COLUMNS, rows, codes=_CODES)
        page, following = not_credited.get_page(found, limit=query["page_size"], cursor=query["cursor"])
        return Response({"results": [not_credited.listed_row(item) for item in page], "next": following})


class RegistrationPath(APIView):
    """From a registration up to the root: what it credits, what it does not and why, and what was opened."""

    @extend_schema(parameters=[api.PathQuery], responses=api.PathAnswer)
    def get(self, request: Request, registration_id: str) -> Response:
        query = _read(api.PathQuery, request.query_params)
        conference = get_conference(request.user, query["conference_id"])
        found = conversions.get_registration_path(
            conference.id,
            registration_id,
            model=query["model"],
            first=query["cursor"],
            limit=query["page_size"],
        )
        if found is None:
            raise Http404(f"There is no registration {registration_id!r} in this conference.")
        return Response(found)


class KFactor(APIView):
    """Attributed registrations per distinct sharer, over a range of days; above 1 is viral growth."""

    @extend_schema(parameters=[api.RangeQuery, _FROM], responses=api.KFactorAnswer)
    def get(self, request: Request) -> Response:
        query = _read(api.RangeQuery, request.query_params)
        conference = get_conference(request.user, query["conference_id"])
        return Response(figures.get_k_factor(conference, query["days"]))


class Timeline(APIView):
    """Shares, opens and share conversions by local day."""

    @extend_schema(parameters=[api.TimelineQuery, _FROM], responses=api.TimelineAnswer)
    def get(self, request: Request) -> Response:
        query = _read(api.TimelineQuery, request.query_params)
        conference = get_conference(request.user, query["conference_id"])
        first, last = query["days"]
        return Response({"results": figures.get_timeline(conference, first, last)})


class Erase(APIView):
    """Erase a person: the visitor id goes, the shape of the tree and all counts stay. For owners."""

    @extend_schema(request=api.EraseInput, responses=api.EraseAnswer)
    def post(self, request: Request) -> Response:
        data = _read(api.EraseInput, request.data)
        conference = get_conference(request.user, data["conference_id"], role=Role.OWNER)
        return Response({"rows_changed": erasing.erase_person(conference, data["sharer"])})
