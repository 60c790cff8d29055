"""Endpoints for pages: generating, editing, publishing, and their revisions."""

from typing import Any

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework import generics
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from conferences.access import Role, get_conference, signed_in
from visuspace.access import get_generation, get_page
from visuspace.api.serializers import (
    ConferenceQuery,
    DraftInput,
    GenerationSerializer,
    NewPage,
    PageDetailSerializer,
    PageSerializer,
    PublishInput,
    RevisionNumber,
    RevisionSerializer,
)
from visuspace.models import Page, Revision
from visuspace.services import pages
from visuspace.services.generating import request_generation


class PageList(generics.ListAPIView[Page]):
    """Pages of a conference."""

    serializer_class = PageSerializer
    queryset = Page.objects.none()

    def get_queryset(self) -> QuerySet[Page]:
        query = ConferenceQuery(data=self.request.query_params)
        query.is_valid(raise_exception=True)
        conference = get_conference(self.request.user, query.validated_data["conference_id"])
        return Page.objects.filter(conference=conference).select_related("draft", "published").order_by("id")

    @extend_schema(summary="List the pages of a conference", parameters=[ConferenceQuery])
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return super().get(request, *args, **kwargs)

    @extend_schema(
        summary="Generate a page from a prompt",
        description="Owners and helpers. Answers with a job at once; its result becomes the page's draft. "
        "The same request again answers with the same job, unless `again` is true.",
        request=NewPage,
        responses={202: PageDetailSerializer},
    )
    def post(self, request: Request) -> Response:
        given = NewPage(data=request.data)
        given.is_valid(raise_exception=True)
        fields = given.validated_data
        conference = get_conference(request.user, fields["conference_id"], role=Role.HELPER)
        page = pages.get_or_create_page(conference, language=fields["language"])
        by = signed_in(request.user)
        request_generation(page, prompt=fields["prompt"].strip(), again=fields["again"], by=by)
        return Response(PageDetailSerializer(page).data, status=202)


class PageDetail(APIView):
    """A page."""

    @extend_schema(summary="Read a page with its draft and newest job", responses=PageDetailSerializer)
    def get(self, request: Request, page_id: str) -> Response:
        return Response(PageDetailSerializer(get_page(request.user, page_id)).data)

    @extend_schema(
        summary="Store an edited draft",
        description="Owners and helpers. 409 `stale` if somebody else stored a newer one.",
        request=DraftInput,
        responses=PageDetailSerializer,
    )
    def patch(self, request: Request, page_id: str) -> Response:
        page = get_page(request.user, page_id, role=Role.HELPER)
        given = DraftInput(data=request.data)
        given.is_valid(raise_exception=True)
        blocks, seen = given.validated_data["blocks"], given.validated_data["revision"]
        pages.save_draft(page, blocks=blocks, seen=seen, by=signed_in(request.user))
        return Response(PageDetailSerializer(page).data)


class Publishing(APIView):
    """What visitors see of a page."""

    @extend_schema(
        summary="Publish a page",
        description="Owners and helpers. It appears at `/conf/<conference_id>` at once.",
        request=PublishInput,
        responses=PageSerializer,
    )
    def post(self, request: Request, page_id: str) -> Response:
        page = get_page(request.user, page_id, role=Role.HELPER)
        given = PublishInput(data=request.data)
        given.is_valid(raise_exception=True)
        return Response(PageSerializer(pages.publish(page, number=given.validated_data.get("revision"))).data)

    @extend_schema(
        summary="Take a page back",
        description="Owners and helpers. Visitors see the plain page again.",
        responses=PageSerializer,
    )
    def delete(self, request: Request, page_id: str) -> Response:
        page = get_page(request.user, page_id, role=Role.HELPER)
        return Response(PageSerializer(pages.unpublish(page)).data)


class RevisionList(generics.ListAPIView[Revision]):
    """Revisions of a page, newest first."""

    serializer_class = RevisionSerializer
    queryset = Revision.objects.none()

    def get_queryset(self) -> QuerySet[Revision]:
        page = get_page(self.request.user, self.kwargs["page_id"])
        return page.revisions.select_related("created_by").order_by("-number", "id")

    @extend_schema(summary="List the revisions of a page")
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return super().get(request, *args, **kwargs)

    @extend_schema(
        summary="Go back to an earlier revision",
        description="Owners and helpers. It becomes the draft, as a new revision.",
        request=RevisionNumber,
        responses=PageDetailSerializer,
    )
    def post(self, request: Request, page_id: str) -> Response:
        page = get_page(request.user, page_id, role=Role.HELPER)
        given = RevisionNumber(data=request.data)
        given.is_valid(raise_exception=True)
        pages.restore(page, number=given.validated_data["revision"], by=signed_in(request.user))
        return Response(PageDetailSerializer(page).data)


class JobDetail(APIView):
    """A generation job."""

    @extend_schema(summary="Read a generation job", responses=GenerationSerializer)
    def get(self, request: Request, job_id: str) -> Response:
        return Response(GenerationSerializer(get_generation(request.user, job_id)).data)
