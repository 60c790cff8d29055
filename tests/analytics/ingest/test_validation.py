"""The fate of each event of a batch: good ones count, the others are named."""

import hashlib
from typing import Any

import msgspec
import pytest

from analytics.events.batch import to_rows
from analytics.events.validation import Client, read_batch
from tests.analytics.ingest.conftest import Door, page_view, read_stream

GOOD = b'{"type": "page_view", "conference_id": "summit", "page": "/good"}'


def with_field(text: str | bytes) -> bytes:
    """A page view as JSON text, with one more field as written."""
    text = text.encode() if isinstance(text, str) else text
    return b'{"type": "page_view", "conference_id": "summit", "page": "/bad", ' + text + b"}"


# what is wrong, the event as it comes, the rejection's code and field
BAD_EVENTS: list[tuple[str, bytes, str, str | None]] = [
    ("null", b"null", "not_an_object", None),
    ("a number", b"7", "not_an_object", None),
    ("a string", b'"page_view"', "not_an_object", None),
    ("an array", b"[]", "not_an_object", None),
    ("an empty object", b"{}", "missing_field", "type"),
    ("no type", b'{"conference_id": "summit", "page": "/"}', "missing_field", "type"),
    ("an unknown type", b'{"type": "pageview", "conference_id": "summit"}', "unknown_type", "type"),
    ("a type that is a number", b'{"type": 5, "conference_id": "summit"}', "unknown_type", "type"),
    ("a type that is an object", b'{"type": {"a": [1]}, "conference_id": "s"}', "unknown_type", "type"),
    ("a type that is a long text", b'{"type": "' + b"x" * 9999 + b'"}', "unknown_type", "type"),
    ("no conference", b'{"type": "page_view", "page": "/"}', "missing_field", "conference_id"),
    ("no page", b'{"type": "page_view", "conference_id": "s"}', "missing_field", "page"),
    ("an empty page", with_field('"page": ""'), "invalid_field", "page"),
    ("a blank page", with_field('"page": " \\t\u3000"'), "invalid_field", "page"),
    (
        "a blank form",
        b'{"type": "registration", "conference_id": "s", "form_id": "  "}',
        "invalid_field",
        "form_id",
    ),
    (
        "a blank method",
        b'{"type": "checkin", "conference_id": "s", "method": " "}',
        "invalid_field",
        "method",
    ),
    (
        "a blank conference",
        b'{"type": "page_view", "conference_id": " ", "page": "/"}',
        "invalid_field",
        "conference_id",
    ),
    (
        "an empty conference",
        b'{"type": "page_view", "conference_id": "", "page": "/"}',
        "invalid_field",
        "conference_id",
    ),
    (
        "a conference that is a number",
        b'{"type": "page_view", "conference_id": 7, "page": "/"}',
        "invalid_field",
        "conference_id",
    ),
    ("an empty id", with_field('"event_id": ""'), "invalid_field", "event_id"),
    ("a time without zone", with_field('"ts": "2026-01-01T00:00:00"'), "invalid_field", "ts"),
    ("a time that is no time", with_field('"ts": "yesterday"'), "invalid_field", "ts"),
    ("a time of month 13", with_field('"ts": "2026-13-01T00:00:00Z"'), "invalid_field", "ts"),
    ("a time that is a boolean", with_field('"ts": true'), "invalid_field", "ts"),
    ("a time that is an object", with_field('"ts": {}'), "invalid_field", "ts"),
    ("a huge time", with_field('"ts": 1e300'), "invalid_field", "ts"),
    ("a hugely negative time", with_field('"ts": -99999999999999999999999'), "invalid_field", "ts"),
    ("an endless time", with_field('"ts": 1e999'), "invalid_field", "ts"),
    ("a negative time", with_field('"ts": -1'), "too_old", "ts"),
    ("year 1", with_field('"ts": "0001-01-01T00:00:00+14:00"'), "too_old", "ts"),
    ("half a pair as type", rb'{"type": "\ud800"}', "invalid_text", "type"),
    ("a deep type", b'{"type": ' + b"[" * 300 + b"]" * 300 + b"}", "too_deep", "type" + "[0]" * 31),
    (
        "a negative length",
        b'{"type": "ai_chat", "conference_id": "s", "message_length": -1}',
        "invalid_field",
        "message_length",
    ),
    (
        "a broken length",
        b'{"type": "ai_chat", "conference_id": "s", "message_length": 1.5}',
        "invalid_field",
        "message_length",
    ),
    (
        "a length of 30 digits",
        b'{"type": "ai_chat", "conference_id": "s", "message_length": 999999999999999999999999999999}',
        "invalid_field",
        "message_length",
    ),
    ("NUL in an id", with_field(rb'"event_id": "a\u0000b"'), "invalid_text", "event_id"),
    ("an id that is an object", with_field('"event_id": {}'), "invalid_field", "event_id"),
    ("an id that is a fraction", with_field('"event_id": 1.5'), "invalid_field", "event_id"),
    ("an empty time", with_field('"ts": ""'), "invalid_field", "ts"),
    ("an id of a secret key", with_field('"event_id": "key:order-1"'), "reserved", "event_id"),
    ("an id of our own", with_field('"event_id": "own:reg:1"'), "reserved", "event_id"),
    (
        "NUL in a required field",
        b'{"type": "page_view", "conference_id": "s", "page": "a\0b"}',
        "invalid_text",
        "page",
    ),
    (
        "a slash in a conference",
        b'{"type": "page_view", "conference_id": "a/b", "page": "/"}',
        "invalid_field",
        "conference_id",
    ),
    (
        "a page of 3,000 characters",
        b'{"type": "page_view", "conference_id": "s", "page": "' + b"x" * 3000 + b'"}',
        "invalid_field",
        "page",
    ),
    (
        "a short share code",
        b'{"type": "share", "conference_id": "s", "share_code": "abc"}',
        "invalid_field",
        "share_code",
    ),
]


SHARE = '{"type": "share", "conference_id": "summit", "share_code": "q7Jm0Zt4", '
REGISTRATION = '{"type": "registration", "conference_id": "summit", "form_id": "f", '
LONG = "x" * 65
SHA = hashlib.sha256(LONG.encode()).hexdigest()

# what is odd, the event as it comes, the warning's code and field
ODD_EVENTS: list[tuple[str, bytes, str, str]] = [
    ("an id of 65 characters", with_field('"event_id": "' + "x" * 65 + '"'), "hashed", "event_id"),
    (
        "an id of 10,000 characters",
        with_field('"event_id": "' + "x" * 10_000 + '"'),
        "hashed",
        "event_id",
    ),
    (
        "a visitor of 10,000 characters",
        with_field('"visitor_id": "' + "x" * 10_000 + '"'),
        "hashed",
        "visitor_id",
    ),
    ("a url of 3,000 characters", with_field('"url": "' + "x" * 3000 + '"'), "cut", "url"),
    ("NUL in a field", with_field(rb'"title": "a\u0000b"'), "left_out", "title"),
    ("NUL in an extra field", with_field(rb'"colour": "a\u0000b"'), "invalid_text", "properties.colour"),
    ("NUL in a key", with_field(rb'"a\u0000b": 1'), "invalid_text", r"properties.a\0b"),
    ("a bare NUL", with_field(b'"title": "a\0b"'), "left_out", "title"),
    ("half a surrogate pair", with_field(rb'"title": "a\ud83db"'), "left_out", "title"),
    (
        "half a pair far inside",
        with_field(rb'"x": {"y": [1, "\udc00"]}'),
        "invalid_text",
        "properties.x.y[1]",
    ),
    ("half a pair in a key", with_field(rb'"\ud800": 1'), "invalid_text", r"properties.\ud800"),
    ("bytes that are not UTF-8", with_field(b'"title": "caf\xe9"'), "left_out", "title"),
    ("a surrogate in UTF-8", with_field(b'"title": "\xed\xa0\x80"'), "left_out", "title"),
    ("NaN", with_field('"x": NaN'), "invalid_field", "properties.x"),
    ("Infinity in a declared field", with_field('"title": -Infinity'), "left_out", "title"),
    ("a number too large for a float", with_field('"x": 1e999'), "invalid_field", "properties.x"),
    ("an integer of 64 bits", with_field('"x": 18446744073709551615'), "invalid_field", "properties.x"),
    ("an integer of 100 digits", with_field('"x": ' + "9" * 100), "invalid_field", "properties.x"),
    ("an integer of 5,000 digits", with_field('"x": ' + "9" * 5000), "invalid_field", "properties.x"),
    ("properties that are an array", with_field('"properties": []'), "left_out", "properties"),
    ("properties that are zero", with_field('"properties": 0, "x": 1'), "left_out", "properties"),
    ("arrays in arrays", with_field('"x": ' + "[" * 40 + "]" * 40), "too_deep", "properties.x" + "[0]" * 30),
    (
        "objects in properties",
        with_field('"properties": ' + '{"a":' * 200 + "1" + "}" * 200),
        "too_deep",
        "properties" + ".a" * 31,
    ),
    ("9 KB of extra fields", with_field('"x": "' + "y" * 9000 + '"'), "properties_too_large", "properties"),
    (
        "a chain of 1,001 codes",
        b'{"type": "share_open", "conference_id": "s", "share_code": "q7Jm0Zt4", "attribution_chain": ['
        + b",".join([b'"abcd"'] * 1001)
        + b"]}",
        "left_out",
        "attribution_chain",
    ),
    (
        "a chain of objects",
        b'{"type": "share_open", "conference_id": "s", "share_code": "abcd", '
        b'"attribution_chain": ["abcd", {}]}',
        "left_out",
        "attribution_chain",
    ),
    (
        "a chain with a code of 10,000 characters",
        b'{"type": "share_open", "conference_id": "s", "share_code": "q7Jm0Zt4", "attribution_chain": ["'
        + b"x" * 10_000
        + b'"]}',
        "left_out",
        "attribution_chain",
    ),
    (
        "a chain that is a text",
        b'{"type": "share_open", "conference_id": "s", "share_code": "q7Jm0Zt4", "attribution_chain": "a>b"}',
        "left_out",
        "attribution_chain",
    ),
]


@pytest.mark.parametrize(
    ("event", "code", "field"), [case[1:] for case in BAD_EVENTS], ids=[case[0] for case in BAD_EVENTS]
)
async def test_a_bad_event_is_rejected_alone(door: Door, event: bytes, code: str, field: str | None) -> None:
    answer = await door.send(content=b'{"events": [' + b",".join([GOOD, event, GOOD]) + b"]}")

    assert answer.status_code == 202, answer.text
    assert answer.json()["accepted"] == 2
    (rejection,) = answer.json()["rejected"]
    assert (rejection["index"], rejection["code"], rejection.get("field")) == (1, code, field)
    assert field is None or field.split(".")[0].split("[")[0] in rejection["message"]
    assert len(rejection["message"]) < 500
    assert [row.decode_data()["page"] for row in read_stream()] == ["/good", "/good"]


@pytest.mark.parametrize(
    ("event", "code", "field"), [case[1:] for case in ODD_EVENTS], ids=[case[0] for case in ODD_EVENTS]
)
async def test_an_odd_event_counts_with_a_warning(door: Door, event: bytes, code: str, field: str) -> None:
    answer = await door.send(content=b'{"events": [' + b",".join([GOOD, event, GOOD]) + b"]}")

    assert answer.status_code == 202, answer.text
    assert (answer.json()["accepted"], answer.json()["rejected"]) == (3, [])
    (warning,) = answer.json()["warnings"]
    assert (warning["index"], warning["code"], warning["field"]) == (1, code, field)
    assert len(warning["message"]) < 500
    assert len(read_stream()) == 3


# the fields of a page view, share or registration as they come, and what is stored of the event
REPAIRED: list[tuple[str, str, dict[str, Any]]] = [
    ("a long visitor id", f'"visitor_id": "{LONG}"', {"visitor_id": SHA}),
    ("a long session id", f'"session_id": "{LONG}"', {"session_id": SHA}),
    ("a long event id", f'"event_id": "{LONG}"', {"event_id": SHA}),
    (
        "an id of an integer",
        '"event_id": 42, "visitor_id": 7, "session_id": 8',
        {"event_id": "42", "visitor_id": "7"},
    ),
    ("an id of a whole number", '"visitor_id": 7.0', {"visitor_id": "7"}),
    (
        "ids of 64 bits without sign",
        '"event_id": 18446744073709551615, "visitor_id": 9223372036854775808',
        {"event_id": "18446744073709551615", "visitor_id": "9223372036854775808"},
    ),
    ("an id beyond exact floats", '"visitor_id": 1e22', {"visitor_id": "anonymous"}),
    ("an empty session", '"session_id": ""', {"session_id": ""}),
    ("an empty visitor", '"visitor_id": ""', {"visitor_id": "anonymous"}),
    ("no visitor", '"visitor_id": null, "session_id": null, "ts": null', {"visitor_id": "anonymous"}),
    ("a visitor called undefined", '"visitor_id": "undefined"', {"visitor_id": "anonymous"}),
    ("a title that is null", '"title": null', {"data": {"page": "/bad"}}),
    ("a long title", f'"title": "{"字" * 3000}"', {"data": {"page": "/bad", "title": "字" * 2048}}),
    ("a title that is a number", '"title": 2026', {"data": {"page": "/bad", "title": "2026"}}),
    ("a title that is a list", '"title": ["a"], "url": "/u"', {"data": {"page": "/bad", "url": "/u"}}),
    ("properties in a list", '"properties": [1], "size": 3', {"properties": {"size": 3}}),
    ("one bad property", '"properties": {"a": 1, "b": NaN}, "c": 2', {"properties": {"a": 1, "c": 2}}),
]


@pytest.mark.parametrize(
    ("fields", "expected"), [case[1:] for case in REPAIRED], ids=[case[0] for case in REPAIRED]
)
def test_the_valid_parts_of_an_event_are_kept(fields: str, expected: dict[str, Any]) -> None:
    (row,) = read_raw(with_field(fields))[0]

    stored = {name: getattr(row, name) for name in expected}
    for name in {"data", "properties"} & set(expected):
        stored[name] = msgspec.json.decode(stored[name])
    assert stored == expected


@pytest.mark.parametrize(
    ("event", "data", "warnings"),
    [
        (SHARE + '"channel": "", "target_url": null}', {"share_code": "q7Jm0Zt4"}, ["channel", "target_url"]),
        (SHARE + '"parent_share_code": "a b"}', {"share_code": "q7Jm0Zt4"}, ["parent_share_code"]),
        (REGISTRATION + '"registration_id": 12345}', {"form_id": "f", "registration_id": "12345"}, []),
        (
            REGISTRATION + f'"share_code": "{LONG}"}}',
            {"form_id": "f", "share_code": SHA},
            ["share_code"],
        ),
        (REGISTRATION + r'"share_code": "a\nb"}', {"form_id": "f", "share_code": "a\nb"}, []),
        (
            '{"type": "ai_chat", "conference_id": "summit", "message_length": 12.0}',
            {"message_length": 12},
            [],
        ),
    ],
    ids=["empty texts", "a malformed parent", "a numeric id", "a long code", "a code of two lines", "12.0"],
)
def test_own_fields_are_kept_as_far_as_possible(
    event: str, data: dict[str, Any], warnings: list[str]
) -> None:
    (row,), notices = read_raw(event.encode())

    assert row.decode_data() == data
    assert [notice.field for notice in notices] == warnings


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("refferer", "referrer"),
        ("referer", "referrer"),
        ("visitorId", "visitor_id"),
        ("VisitorID", "visitor_id"),
        ("session-id", "session_id"),
        ("tilte", "title"),
        ("propreties", "properties"),
        ("colour", None),
        ("pages", None),
        ("uri", None),
        ("x" * 5000, None),
    ],
)
def test_a_misspelt_name_is_a_warning(name: str, meant: str | None) -> None:
    (row,), notices = read_raw(with_field(f'"{name}": "v"'))

    assert msgspec.json.decode(row.properties) == {name: "v"}
    assert [(notice.code, notice.field) for notice in notices] == ([("unknown_field", name)] if meant else [])
    assert all(f"`{meant}`" in notice.message for notice in notices)


def test_a_short_code_gets_the_rule_in_words() -> None:
    event = b'{"type": "share", "conference_id": "s", "share_code": "abc"}'
    _, (rejection,), *_ = read_batch(
        b'{"events": [' + event + b"]}", CLIENT, max_events=500, acceptance_days=7
    )

    assert rejection.message == "`share_code`: a share code is 4 to 16 letters, digits, `-` or `_`."


def test_an_unknown_type_gets_the_types_that_clients_send() -> None:
    _, (rejection,), *_ = read_batch(
        b'{"events": [{"type": "x"}]}', CLIENT, max_events=500, acceptance_days=7
    )

    assert "known are ai_chat, checkin, page_view, registration, share, share_open." in rejection.message


def test_a_rejected_event_has_no_warnings() -> None:
    event = with_field('"title": null, "event_id": {}')
    taken = read_batch(b'{"events": [' + event + b"]}", CLIENT, max_events=500, acceptance_days=7)

    assert [rejection.field for rejection in taken.rejections] == ["event_id"]
    assert taken.notices == []


def test_an_answer_has_a_bounded_number_of_warnings() -> None:
    event = with_field(", ".join(f'"k{number}": NaN' for number in range(50)))
    taken = read_batch(
        b'{"events": [' + b",".join([event] * 200) + b"]}", CLIENT, max_events=500, acceptance_days=7
    )

    assert len(taken.batch.events) == 200
    assert len(taken.notices) == 100


@pytest.mark.parametrize("nothing", ["undefined", "null", "None", "NaN", "nil", "[object Object]"])
async def test_what_programs_write_for_no_id_is_none(door: Door, nothing: str) -> None:
    """Otherwise the second event would count as the first one sent again, and all visitors as one."""
    event = {"type": "registration", "conference_id": "summit", "form_id": "f"}
    for field in ("event_id", "visitor_id", "registration_id"):
        await door.send([{**event, "visitor_id": "v", field: nothing} for _ in range(2)])
    first, second, third, fourth = read_stream()

    assert first.visitor_id == second.visitor_id != nothing
    assert (third.subject, third.event_id != fourth.event_id) == (fourth.subject, True)
    assert third.subject != nothing


async def test_a_batch_without_a_valid_event_gets_400(door: Door) -> None:
    answer = await door.send([{"type": "page_view", "conference_id": "summit"}, {"type": "nope"}])

    assert answer.status_code == 400
    error = answer.json()["error"]
    assert error["code"] == "no_valid_event"
    assert [(item["index"], item["field"]) for item in error["details"]["rejected"]] == [
        (0, "page"),
        (1, "type"),
    ]


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "invalid_json"),
        (b"not json", "invalid_json"),
        (b'{"events": [', "invalid_json"),
        (b'{"events": []} and more', "invalid_json"),
        (b"\x00\x01\xff", "invalid_json"),
        (b'{"events": ' + b"[" * 100_000, "invalid_json"),
        (b'{"events": ' + b"[" * 100_000 + b"]" * 100_000 + b"}", "invalid_json"),
        (b"null", "no_events"),
        (b"7", "no_events"),
        (b'"events"', "no_events"),
        (b"[]", "no_events"),
        (b"{}", "no_events"),
        (b'{"events": null}', "no_events"),
        (b'{"events": NaN}', "no_events"),
        (b'{"events": {"type": "page_view"}}', "no_events"),
        (b'{"events": []}', "no_events"),
    ],
)
async def test_an_invalid_batch_gets_a_named_error(door: Door, content: bytes, code: str) -> None:
    answer = await door.send(content=content)

    assert answer.status_code == 400, answer.text
    assert answer.json()["error"]["code"] == code
    assert read_stream() == []


async def test_a_batch_may_begin_with_a_byte_order_mark(door: Door) -> None:
    assert (await door.send(content=b"\xef\xbb\xbf" + b'{"events": [' + GOOD + b"]}")).status_code == 202


async def test_extra_fields_join_the_properties(door: Door) -> None:
    await door.send([page_view(title="Agenda", colour="红", properties={"size": 3})])

    (row,) = read_stream()
    assert msgspec.json.decode(row.properties) == {"size": 3, "colour": "红"}
    assert row.decode_data() == {"page": "/", "title": "Agenda"}


async def test_an_event_without_id_gets_a_sortable_one(door: Door) -> None:
    await door.send([page_view() for _ in range(50)])

    ids = [row.event_id for row in read_stream()]
    assert len(set(ids)) == 50
    assert all(len(event_id) == 36 and event_id[14] == "7" for event_id in ids)
    assert ids == sorted(ids)


async def test_the_clients_own_ids_are_kept(door: Door) -> None:
    await door.send([page_view(event_id="e1", visitor_id="v1", session_id="s1")])

    (row,) = read_stream()
    assert (row.event_id, row.visitor_id, row.session_id, row.subject) == ("e1", "v1", "s1", "v1")
    assert (row.type, row.conference_id) == ("page_view", "summit")


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        (
            "https://x.example/?utm_source=news&utm_medium=mail&utm_campaign=c&utm_term=t&utm_content=b",
            {
                "utm_source": "news",
                "utm_medium": "mail",
                "utm_campaign": "c",
                "utm_term": "t",
                "utm_content": "b",
            },
        ),
        ("https://x.example/?a=1&utm_source=%E5%BE%AE%E4%BF%A1+%26+co#top", {"utm_source": "微信 & co"}),
        ("https://x.example/?utm_source=&utm_id=4", {}),
        ("https://x.example/?utm_source=" + "y" * 1000, {"utm_source": "y" * 512}),
        ("http://[bad/?utm_source=x", {}),
        ("/agenda?utm_source=relative", {"utm_source": "relative"}),
        ("https://x.example/?utm_source=a%00b", {"utm_source": "ab"}),
        ("https://x.example/?utm_source=%ff", {"utm_source": "\ufffd"}),
    ],
)
async def test_utm_parameters_are_read_from_the_url(door: Door, url: str, expected: dict[str, str]) -> None:
    assert (await door.send([page_view(url=url)])).status_code == 202

    (row,) = read_stream()
    assert {name: value for name, value in row.decode_data().items() if name.startswith("utm_")} == expected


CLIENT = Client(1_800_000_000_000, False, lambda conference_id: "anonymous")


def read_raw(event: bytes) -> tuple[list[Any], list[Any]]:
    """Return the rows and warnings of a batch with one accepted event."""
    batch, rejections, notices, _ = read_batch(
        b'{"events": [' + event + b"]}", CLIENT, max_events=500, acceptance_days=7
    )
    assert rejections == []
    return to_rows(batch), notices


def read(events: list[Any], *, more: bytes = b"") -> tuple[list[Any], list[Any]]:
    client = Client(1_800_000_000_000, False, lambda conference_id: "anonymous")
    body = msgspec.json.encode({"events": events})
    batch, rejections, *_ = read_batch(
        body[:-2] + more + body[-2:], client, max_events=500, acceptance_days=7
    )
    return to_rows(batch), rejections


def test_a_bad_event_does_not_change_its_neighbour() -> None:
    """A fully valid batch takes another path through the decoder than one with a bad event."""
    events = [
        page_view(event_id="a", ts=1_799_999_999_000, url="/?utm_source=x"),
        page_view(event_id="b", ts="2027-01-15T07:59:00.123+00:00", properties={"x": [1.5, None, "字"]}),
        {"type": "share_open", "conference_id": "s", "event_id": "c", "share_code": "q7Jm0Zt4"},
        {"type": "registration", "conference_id": "s", "event_id": "d", "form_id": "f", "visitor_id": "v"},
        {"type": "ai_chat", "conference_id": "s", "event_id": "e", "message_length": 5, "ts": None},
    ]
    rows, rejected = read(events)
    rows_beside_bad, rejected_beside_bad = read(events, more=b",7")

    assert rejected == []
    assert [rejection.index for rejection in rejected_beside_bad] == [5]
    assert rows == rows_beside_bad


def test_the_depth_limit_is_exact() -> None:
    value: Any = 1
    for _ in range(30):
        value = [value]

    assert read_raw(msgspec.json.encode(page_view(properties={"x": value})))[1] == []
    assert read_raw(msgspec.json.encode(page_view(properties={"x": [value]})))[1][0].code == "too_deep"


async def test_the_door_works_after_bad_input(door: Door) -> None:
    for _, event, _, _ in BAD_EVENTS:
        assert (await door.send(content=b'{"events": [' + event + b"]}")).status_code == 400

    assert (await door.send([page_view()])).status_code == 202


def test_empty_fields_are_left_out() -> None:
    empty = page_view(url="", title="Agenda")
    share = {"type": "share", "conference_id": "summit", "share_code": "q7Jm0Zt4", "channel": "x"}
    share["target_url"] = ""
    undeclared = page_view(extra=1)  # where there is one, each event is judged alone
    client = Client(1_800_000_000_000, False, lambda conference_id: "anonymous")

    for events in ([empty, share], [empty, share, undeclared]):
        body = msgspec.json.encode({"events": events})
        batch, *_ = read_batch(body, client, max_events=500, acceptance_days=7)
        assert [row.data for row in to_rows(batch)[:2]] == [
            '{"page":"/","title":"Agenda"}',
            '{"share_code":"q7Jm0Zt4","channel":"x"}',
        ]
