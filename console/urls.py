"""Addresses of the console. Those of a conference begin with c/<its id>/."""

from django.urls import path

from console.pages import (
    accounts,
    conferences,
    desk,
    desk_scans,
    desk_settings,
    door,
    files,
    held,
    live,
    members,
    overview,
    privacy,
    share_links,
    sharing,
)

_C = "c/<str:conference_id>"

urlpatterns = [
    path("", conferences.conference_list, name="console-conferences"),
    path("new/", conferences.create, name="console-new"),
    path("password/", accounts.change_password, name="console-change-password"),
    path("password/reset/", accounts.reset_password, name="console-password-reset"),
    path(
        "password/set/<str:uidb64>/<str:token>/", accounts.SetPassword.as_view(), name="console-password-set"
    ),
    path("invitations/<str:token>/", accounts.invitation, name="console-invitation"),
    path(f"{_C}/", overview.overview, name="console-overview"),
    path(f"{_C}/live/", live.live, name="console-live"),
    path(f"{_C}/sharing/", sharing.sharing, name="console-sharing"),
    path(f"{_C}/sharing/channels/", sharing.channels, name="console-channels"),
    path(f"{_C}/sharing/not-credited/", sharing.not_credited, name="console-not-credited"),
    path(f"{_C}/sharing/new/", share_links.new_link, name="console-share-new"),
    path(f"{_C}/sharing/links/<str:code>/", share_links.link, name="console-share-link"),
    path(f"{_C}/sharing/links/<str:code>/qr.<str:kind>", share_links.qr, name="console-share-qr"),
    path(f"{_C}/sharing/links/<str:code>/poster/", share_links.poster, name="console-share-poster"),
    path(f"{_C}/sharing/links/<str:code>/void/", share_links.void, name="console-share-void"),
    path(f"{_C}/desk/", desk.desk, name="console-desk"),
    path(f"{_C}/desk/in/<str:registration_id>/", desk.check_in, name="console-desk-check-in"),
    path(f"{_C}/desk/undo/<str:check_in_id>/", desk.undo, name="console-desk-undo"),
    path(f"{_C}/desk/scan/", desk_scans.scan, name="console-desk-scan"),
    path(f"{_C}/desk/scans/<str:passage_id>/undo/", desk_scans.undo_scan, name="console-desk-undo-scan"),
    path(f"{_C}/desk/find/", desk_scans.find, name="console-desk-find"),
    path(f"{_C}/desk/counts/", desk_scans.counts, name="console-desk-counts"),
    path(f"{_C}/desk/list/", desk_scans.device_list, name="console-desk-list"),
    path(f"{_C}/desk/worker.js", desk_scans.worker, name="console-desk-worker"),
    path(f"{_C}/held/", held.held, name="console-held"),
    path(f"{_C}/held/decide/", held.decide, name="console-held-decide"),
    path(f"{_C}/files/", files.files, name="console-files"),
    path(f"{_C}/files/rows/", files.file_rows, name="console-file-rows"),
    path(f"{_C}/files/upload/", files.upload, name="console-file-upload"),
    path(f"{_C}/files/<str:conversion_id>/retry/", files.retry, name="console-file-retry"),
    path(f"{_C}/files/<str:conversion_id>/remove/", files.remove, name="console-file-remove"),
    path(f"{_C}/members/", members.member_list, name="console-members"),
    path(f"{_C}/members/invite/", members.invite, name="console-invite"),
    path(
        f"{_C}/members/invitations/<uuid:invitation_id>/withdraw/",
        members.withdraw_invitation,
        name="console-invitation-withdraw",
    ),
    path(f"{_C}/members/<int:member_id>/role/", members.change_role, name="console-member-role"),
    path(f"{_C}/members/<int:member_id>/remove/", members.remove, name="console-member-remove"),
    path(f"{_C}/settings/", conferences.change_settings, name="console-settings"),
    path(f"{_C}/settings/door/", door.door, name="console-door"),
    path(f"{_C}/settings/desk/", desk_settings.desk_settings, name="console-desk-settings"),
    path(f"{_C}/settings/people/", privacy.people, name="console-privacy"),
    path(
        f"{_C}/settings/people/<str:registration_id>/export/", privacy.export, name="console-privacy-export"
    ),
    path(f"{_C}/settings/people/<str:registration_id>/erase/", privacy.erase, name="console-privacy-erase"),
    path(f"{_C}/settings/copy/", conferences.copy, name="console-copy"),
    path(f"{_C}/settings/archive/", conferences.archive, name="console-archive"),
    path(f"{_C}/settings/delete/", conferences.delete, name="console-delete"),
]
