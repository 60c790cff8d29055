from django.urls import path

from conferences.api import (
    badges,
    checkins,
    conferences,
    exports,
    jobs,
    members,
    registrations,
    retention,
    senders,
)

_CONFERENCE = "conferences/<str:conference_id>"
_REGISTRATION = f"{_CONFERENCE}/registrations/<str:registration_id>"

urlpatterns = [
    path("conferences", conferences.ConferenceList.as_view(), name="conferences-list"),
    path(_CONFERENCE, conferences.ConferenceDetail.as_view(), name="conferences-detail"),
    path(f"{_CONFERENCE}/cancel", conferences.CancelConference.as_view(), name="conferences-cancel"),
    path(f"{_CONFERENCE}/reinstate", conferences.ReinstateConference.as_view(), name="conferences-reinstate"),
    path(f"{_CONFERENCE}/retention", retention.Retention.as_view(), name="conferences-retention"),
    path(f"{_CONFERENCE}/members", members.MemberList.as_view(), name="conferences-member-list"),
    path(
        f"{_CONFERENCE}/members/<int:member_id>",
        members.MemberDetail.as_view(),
        name="conferences-member-detail",
    ),
    path(
        f"{_CONFERENCE}/registrations",
        registrations.RegistrationList.as_view(),
        name="conferences-registration-list",
    ),
    path(
        f"{_CONFERENCE}/registrations/import",
        jobs.RegistrationImport.as_view(),
        name="conferences-registration-import",
    ),
    path(
        f"{_CONFERENCE}/registrations/decide",
        jobs.RegistrationDecisions.as_view(),
        name="conferences-registration-decide",
    ),
    path(f"{_CONFERENCE}/jobs", jobs.JobList.as_view(), name="conferences-job-list"),
    path(f"{_CONFERENCE}/jobs/<str:job_id>", jobs.JobDetail.as_view(), name="conferences-job-detail"),
    path(f"{_CONFERENCE}/jobs/<str:job_id>/cancel", jobs.CancelJob.as_view(), name="conferences-job-cancel"),
    path(f"{_CONFERENCE}/exports", exports.ExportList.as_view(), name="conferences-export-list"),
    path(
        f"{_CONFERENCE}/exports/<str:export_id>",
        exports.ExportDetail.as_view(),
        name="conferences-export-detail",
    ),
    path(
        f"{_CONFERENCE}/exports/<str:export_id>/cancel",
        exports.CancelExport.as_view(),
        name="conferences-export-cancel",
    ),
    path(
        f"{_CONFERENCE}/exports/<str:export_id>/result",
        exports.ExportResult.as_view(),
        name="conferences-export-result",
    ),
    path(_REGISTRATION, registrations.RegistrationDetail.as_view(), name="conferences-registration-detail"),
    path(
        f"{_REGISTRATION}/approve", registrations.Approve.as_view(), name="conferences-registration-approve"
    ),
    path(f"{_REGISTRATION}/reject", registrations.Reject.as_view(), name="conferences-registration-reject"),
    path(f"{_REGISTRATION}/cancel", registrations.Cancel.as_view(), name="conferences-registration-cancel"),
    path(f"{_REGISTRATION}/badge.<str:kind>", badges.Badge.as_view(), name="conferences-registration-badge"),
    path(f"{_CONFERENCE}/keys", senders.EventKeyList.as_view(), name="conferences-key-list"),
    path(f"{_CONFERENCE}/aliases", senders.AliasList.as_view(), name="conferences-alias-list"),
    path(
        f"{_CONFERENCE}/aliases/<int:alias_id>",
        senders.AliasDetail.as_view(),
        name="conferences-alias-detail",
    ),
    path(
        f"{_CONFERENCE}/aliases/<int:alias_id>/check",
        senders.CheckAlias.as_view(),
        name="conferences-alias-check",
    ),
    path("badges/<str:token>.<str:kind>", badges.OwnBadge.as_view(), name="conferences-badge"),
    path(f"{_CONFERENCE}/checkins", checkins.CheckInList.as_view(), name="conferences-checkin-list"),
    path(
        f"{_CONFERENCE}/checkins/<str:check_in_id>/undo",
        checkins.UndoCheckIn.as_view(),
        name="conferences-checkin-undo",
    ),
]
