"""The shared parts of the OpenAPI description: summaries, descriptions of parameters, errors."""

import re
from typing import Any

from drf_spectacular.openapi import AutoSchema

# Parameters that mean the same everywhere. A view's own description takes precedence.
_PARAMETERS = {
    "conference_id": "The conference's id, as in its address.",
    "cursor": "Where the page begins: `next` of the page before.",
    "format": "`json`, or `csv` for a download of all rows.",
    "from": "First local day, included.",
    "to": "Last local day, included.",
    "limit": "The largest number of rows.",
    "model": "The credit model that weighs each share.",
    "page_size": "Rows on a page.",
    "registration_id": "The registration's id.",
    "member_id": "The member's id, as the list of members gives it.",
    "alias_id": "The alias's id, as the list of aliases gives it.",
    "job_id": "The job's id, as the list of jobs gives it.",
    "check_in_id": "The check-in's id, as the list of check-ins gives it.",
    "notification_id": "The notification's id.",
    "view_id": "The read-only link's id, as the list of links gives it.",
    "export_id": "The export's id, as the list of exports gives it.",
    "conversion_id": "The conversion's id.",
    "target": "Only conversions to this target.",
    "page_id": "The page's id, as the list of pages gives it.",
    "session_id": "The session's id, as the list of sessions gives it.",
    "speaker_id": "The speaker's id, as the list of speakers gives it.",
    "form_id": "Only registrations of this form.",
    "checked_in": "Only those who are checked in (`true`) or are not (`false`).",
    "gate": "Only check-ins at this gate.",
    "token": "The signed part of the address in the confirmation mail.",
    "kind": "Format of the picture.",
    "code": "The share code, as it is stored or as it appears in addresses.",
    "root": "The link at the top of the answer; without it, the roots of the conference.",
    "depth": "How many levels below the top.",
    "search": "Only links whose code, sharer or channel contains this.",
    "minted": "Only links that the server made (`true`) or did not make (`false`).",
    "flagged": "Only links whose parent was refused (`true`) or was not (`false`).",
    "status": "Only those in this state.",
    "channel": "Only those of this channel.",
    "message_type": "Only messages of this type.",
    "recipient": "Only those to this address or number.",
}
_FIRST_SENTENCE = re.compile(r"^(.*?)(?:[.;:](?:\s|$)|$)", re.DOTALL)

ERROR_RESPONSE: dict[str, Any] = {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}}
_ERROR: dict[str, Any] = {
    "type": "object",
    "properties": {
        "error": {
            "type": "object",
            "properties": {"code": {"type": "string"}, "message": {"type": "string"}, "details": {}},
        }
    },
}


class Schema(AutoSchema):
    """Takes the first sentence of the docstring for an operation without a summary of its own."""

    def get_summary(self) -> str:
        sentence = _FIRST_SENTENCE.match(self.get_description() or "")
        return " ".join(sentence[1].split()) if sentence else ""


def describe_shared_parts(
    result: dict[str, Any], generator: Any, request: Any, public: bool
) -> dict[str, Any]:
    """Postprocessing hook of drf-spectacular: describes parameters and adds the shape of errors."""
    result.setdefault("components", {}).setdefault("schemas", {})["Error"] = _ERROR
    for path in result["paths"].values():
        for operation in path.values():
            for parameter in operation.get("parameters", ()):
                if not parameter.get("description") and parameter["name"] in _PARAMETERS:
                    parameter["description"] = _PARAMETERS[parameter["name"]]
            responses = operation["responses"]
            responses.setdefault("4XX", {"description": "Refused", "content": ERROR_RESPONSE})
            for status, answer in responses.items():
                if status[0] in "45":
                    answer.setdefault("content", ERROR_RESPONSE)
    return result
