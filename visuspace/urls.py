from django.urls import path, re_path
from django.views.generic import RedirectView

from visuspace import participant, views

urlpatterns = [
    path("robots.txt", views.robots, name="robots"),
    # Sites add a slash to links that people pass on, and chats the punctuation behind them and what follows.
    re_path(
        r"^conf/(?P<conference_id>[A-Za-z0-9_-]+)(?:/|[^A-Za-z0-9_/\x00-\x1f-][^/\x00-\x1f]*)\Z",
        RedirectView.as_view(pattern_name="visuspace-event-page", query_string=True, permanent=True),
    ),
    path("conf/<str:conference_id>", views.event_page, name="visuspace-event-page"),
    path("conf/<str:conference_id>/register", views.register_page, name="visuspace-register"),
    path("conf/<str:conference_id>/calendar.ics", views.calendar_file, name="visuspace-calendar"),
    path("conf/<str:conference_id>/card.png", views.card, name="visuspace-card"),
    path("conf/<str:conference_id>/pictures/<str:picture_id>.webp", views.picture, name="visuspace-picture"),
    path("conf/<str:conference_id>/qr.svg", views.qr_code, name="visuspace-qr"),
    path("conf/<str:conference_id>/me/<str:token>", participant.own_page, name="visuspace-own-page"),
    path("conf/<str:conference_id>/me/<str:token>/badge.svg", participant.badge, name="visuspace-own-badge"),
]
