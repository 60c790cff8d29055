from django.urls import path

from live import views

urlpatterns = [
    path("live", views.conference_list, name="live-list"),
    path("live/<str:conference_id>", views.screen, name="live-screen"),
]
