"""Views of credits and their sums. Every id goes through conferences/access.py."""

from typing import Any

from django.http import Http404, HttpResponseBase
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from conferences.access import get_conference
from conferences.api.exports import answer_with_file
from meeteasy.core.serializers import read_query
from sharing.api import queries
from sharing.api import serializers as answers
from sharing.api._base import FORMAT, FROM, TableView
from sharing.rules.credit_models import CREDIT_MODELS, DEFAULT
from sharing.selectors import conversions, figures, not_credited
from sharing.selectors import credits as sums
from sharing.selectors.opens import get_opened_by


class CreditModels(APIView):
    """List the credit models."""

    @extend_schema(responses=answers.CreditModelPage)
    def get(self, request: Request) -> Response:
        models = [
            {
                "name": name,
                "label": model.label,
                "is_fractional": model.is_fractional,
                "is_default": name == DEFAULT,
            }
            for name, model in CREDIT_MODELS.items()
        ]
        return Response(answers.CreditModelPage({"results": models, "next": None}).data)


class Leaderboard(APIView):
    """List sharers by credit, highest first. The sum of credits exceeds the registrations: see `totals`."""

    @extend_schema(parameters=[queries.SumsQuery, FROM], responses=answers.LeaderboardAnswer)
    def get(self, request: Request) -> Response:
        query = read_query(queries.SumsQuery, request.query_params)
        conference = get_conference(request.user, query["conference_id"])
        days, model = query["days"], query["model"]
        page = sums.get_leaderboard(conference, days, model, limit=query["page_size"], cursor=query["cursor"])
        answer = _answer_sums(page, "sharer", model, sums.get_totals(conference, days))
        return Response(answers.LeaderboardAnswer(answer).data)


class Channels(APIView):
    """List channels by credit, highest first, with what their links count."""

    @extend_schema(parameters=[queries.SumsQuery, FROM], responses=answers.ChannelsAnswer)
    def get(self, request: Request) -> Response:
        query = read_query(queries.SumsQuery, request.query_params)
        conference = get_conference(request.user, query["conference_id"])
        days, model = query["days"], query["model"]
        page, counts = sums.get_channels(
            conference, days, model, limit=query["page_size"], cursor=query["cursor"]
        )
        answer = _answer_sums(page, "channel", model, sums.get_totals(conference, days))
        for row in answer["results"]:
            count = counts.get(row["channel"])
            for name in ("links", "opens", "openers"):
                row[name] = getattr(count, name, 0)
        return Response(answers.ChannelsAnswer(answer).data)


def _answer_sums(page: sums.SumPage, by: str, model: str, totals: dict[str, int]) -> dict[str, Any]:
    rows = [
        {
            "rank": rank, by: row.name, "credit": row.credit, "registrations": row.registrations,
            "direct": row.direct, "assisted": row.assisted,
        }
        for rank, row in page.rows
    ]  # fmt: skip
    return {"model": model, "totals": totals, "count": page.total, "results": rows, "next": page.next}


class Conversions(TableView):
    """List share conversions with their credits under a model: the nearest 50 places of each chain."""

    @extend_schema(
        operation_id="sharing_conversions_list",
        parameters=[queries.ConversionsQuery, FROM, FORMAT],
        responses=answers.ConversionsAnswer,
    )
    def get(self, request: Request) -> HttpResponseBase:
        query = read_query(queries.ConversionsQuery, request.query_params)
        conference = get_conference(request.user, query["conference_id"])
        days, model = query["days"], query["model"]
        file = answer_with_file(
            request,
            conference,
            "credits",
            f"credits-{conference.id}",
            first=days[0],
            last=days[1],
            model=model,
        )
        if file is not None:
            return file
        page, following = conversions.get_page(
            conversions.get_conversions(conference, days), limit=query["page_size"], cursor=query["cursor"]
        )
        paths = conversions.read_paths([conversion.registration_id for conversion in page], model)
        answer = {
            "model": model,
            "totals": sums.get_totals(conference, days),
            "results": [(conversion, paths[conversion.registration_id]) for conversion in page],
            "next": following,
        }
        return Response(answers.ConversionsAnswer(answer).data)


class NotCredited(TableView):
    """List what registrations did not credit, and why; the latest registration first."""

    @extend_schema(parameters=[queries.NotCreditedQuery, FROM, FORMAT], responses=answers.NotCreditedPage)
    def get(self, request: Request) -> HttpResponseBase:
        query = read_query(queries.NotCreditedQuery, request.query_params)
        conference = get_conference(request.user, query["conference_id"])
        days, reason = query["days"], query["reason"]
        file = answer_with_file(
            request, conference, "not-credited", f"not-credited-{conference.id}",
            first=days[0], last=days[1], reason=reason,
        )  # fmt: skip
        if file is not None:
            return file
        found = not_credited.get_not_credited_of(conference, days, reason=reason)
        page, following = not_credited.get_page(found, limit=query["page_size"], cursor=query["cursor"])
        return Response(answers.NotCreditedPage({"results": page, "next": following}).data)


class RegistrationPath(APIView):
    """Read the chain of a registration: what it credits, what it does not and why, and what was opened."""

    @extend_schema(parameters=[queries.PathQuery], responses=answers.RegistrationPathSerializer)
    def get(self, request: Request, registration_id: str) -> Response:
        query = read_query(queries.PathQuery, request.query_params)
        conference = get_conference(request.user, query["conference_id"])
        registration = conversions.find_registration(conference.id, registration_id)
        if registration is None:
            raise Http404(f"There is no registration {registration_id!r} in this conference.")
        paths = conversions.read_paths(
            [registration.id], query["model"], limit=query["page_size"], cursor=query["cursor"]
        )
        answer = {
            "conference_id": conference.id,
            "registration_id": registration_id,
            "registered_at": registration.registered_at,
            "opened": get_opened_by(conference.id, registration.visitor),
            **paths[registration.id]._asdict(),
        }
        return Response(answers.RegistrationPathSerializer(answer).data)


class KFactor(APIView):
    """Read the K-factor of a range of days: attributed registrations per sharer. Above 1 is viral growth."""

    @extend_schema(parameters=[queries.RangeQuery, FROM], responses=answers.KFactorAnswer)
    def get(self, request: Request) -> Response:
        query = read_query(queries.RangeQuery, request.query_params)
        conference = get_conference(request.user, query["conference_id"])
        return Response(figures.get_k_factor(conference, query["days"]))


class Timeline(APIView):
    """Read shares, opens and share conversions by local day."""

    @extend_schema(parameters=[queries.TimelineQuery, FROM], responses=answers.TimelineAnswer)
    def get(self, request: Request) -> Response:
        query = read_query(queries.TimelineQuery, request.query_params)
        conference = get_conference(request.user, query["conference_id"])
        first, last = query["days"]
        return Response({"results": figures.get_timeline(conference, first, last)})
