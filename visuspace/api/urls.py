from django.urls import path

from visuspace.api import program, views

urlpatterns = [
    path("pages", views.PageList.as_view(), name="visuspace-pages"),
    path("pages/<str:page_id>", views.PageDetail.as_view(), name="visuspace-page"),
    path("pages/<str:page_id>/publish", views.Publishing.as_view(), name="visuspace-publish"),
    path("pages/<str:page_id>/revisions", views.RevisionList.as_view(), name="visuspace-revisions"),
    path("jobs/<str:job_id>", views.JobDetail.as_view(), name="visuspace-job"),
    path("speakers", program.SpeakerList.as_view(), name="visuspace-speakers"),
    path("speakers/<str:speaker_id>", program.SpeakerDetail.as_view(), name="visuspace-speaker"),
    path("sessions", program.SessionList.as_view(), name="visuspace-sessions"),
    path("sessions/<str:session_id>", program.SessionDetail.as_view(), name="visuspace-session"),
]
