from django.urls import path

from conferences.api import views

urlpatterns = [
    path("conferences", views.ConferenceList.as_view(), name="conferences-list"),
    path("conferences/<str:conference_id>", views.ConferenceDetail.as_view(), name="conferences-detail"),
]
