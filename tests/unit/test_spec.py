"""What a submission may say, and what is answered where it is wrong."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.domain.message import size_of
from tasks.domain.spec import Attachment, Defaults, FieldError, JobSpec, parse

NOW = datetime(2030, 1, 31, 9, 0, tzinfo=UTC)
DEFAULTS = Defaults("Postroom <postroom@mailbox.test>", 8, 86_400, 25_000_000)
LEAST: dict[str, object] = {"to": "ann@mailbox.test", "text": "Hello"}


def submission(**fields: Any) -> dict[str, object]:
    return LEAST | {name.rstrip("_"): value for name, value in fields.items()}


def spec(**fields: Any) -> JobSpec:
    parsed = parse(submission(**fields), DEFAULTS, NOW)
    assert isinstance(parsed, JobSpec), parsed
    return parsed


def errors(**fields: Any) -> list[tuple[str, str]]:
    parsed = parse(submission(**fields), DEFAULTS, NOW)
    assert isinstance(parsed, list), parsed
    for error in parsed:
        assert error.message[0].isupper() or error.message[0] in "“0123456789", error
        assert error.message.endswith((".", "?")), error
        json.dumps([error.field, error.message], ensure_ascii=False).encode()
    return [(error.field, error.message) for error in parsed]


def wrong_fields(**fields: Any) -> list[str]:
    return [field for field, _ in errors(**fields)]


def b64(data: bytes) -> str:
    return base64.b64encode(data).decode()


# The whole


def test_the_least_submission_is_filled_up_with_defaults() -> None:
    assert spec().model_dump() == {
        "sender": {"name": "Postroom", "address": "postroom@mailbox.test"},
        "to": ({"name": "", "address": "ann@mailbox.test"},),
        "cc": (),
        "bcc": (),
        "reply_to": (),
        "subject": "",
        "text": "Hello",
        "html": None,
        "headers": {},
        "attachments": (),
        "send_at": None,
        "priority": "normal",
        "tags": (),
        "max_attempts": 8,
        "give_up_after_seconds": 86_400,
        "on_unknown": "hold",
    }


@pytest.mark.parametrize("blank", [None, "", "  ", "\n"])
def test_a_blank_field_is_as_good_as_left_out(blank: object) -> None:
    names = [
        "from",
        "cc",
        "bcc",
        "reply_to",
        "subject",
        "html",
        "headers",
        "attachments",
        "send_at",
        "priority",
        "tags",
    ]
    names += ["max_attempts", "give_up_after_seconds", "on_unknown"]
    assert spec(**dict.fromkeys(names, blank)) == spec()


@pytest.mark.parametrize("body", [None, [], "to=ann", 5, True, [LEAST]])
def test_a_body_that_is_no_object_is_one_error(body: object) -> None:
    parsed = parse(body, DEFAULTS)
    assert isinstance(parsed, list)
    assert [error.field for error in parsed] == [""]


def test_all_errors_are_told_at_once_in_the_order_of_the_form() -> None:
    assert wrong_fields(
        to="nobody", cc=5, text=None, subject="a\nb", priority="urgent", tags=["?"], max_attempts=0, colour="red"
    ) == ["to", "cc", "subject", "priority", "tags", "max_attempts", "text", "colour"]


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("subjekt", "did you mean subject?"),
        ("body", "did you mean text?"),
        ("sender", "did you mean from?"),
        ("attachment", "did you mean attachments?"),
        ("zzz", "leave it out."),
    ],
)
def test_an_unknown_field_is_named_with_a_near_one(name: str, hint: str) -> None:
    assert errors(**{name: "x"}) == [(name, f"There is no field “{name}”: {hint}")]


@pytest.mark.parametrize("name", ["x" * 5000, "a\r\nb", "\ud800", ""])
def test_an_unknown_field_of_any_name_can_be_told(name: str) -> None:
    assert len(errors(**{name: 1})) == 1


@pytest.mark.parametrize("name", [name for name in JobSpec.model_json_schema()["properties"] if name != "headers"])
@pytest.mark.parametrize("value", [5.5, True, {"a": 1}, [1], [[]], -1, 10**400, "\ud800", ["\udfff"], float("nan")])
def test_a_wrong_type_is_an_error_at_its_field_and_never_an_exception(name: str, value: object) -> None:
    assert all(field.startswith(name) for field in wrong_fields(**{name: value}))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(), max_size=20),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(st.characters(), max_size=8), inner, max_size=3)
    ),
    max_leaves=6,
)
NAMES = st.sampled_from([*JobSpec.model_json_schema()["properties"], "filename", "colour"]) | st.text(max_size=5)


@settings(max_examples=200, deadline=None)
@given(st.dictionaries(NAMES, JSON, max_size=6))
def test_any_json_gives_a_job_or_errors(body: dict[str, object]) -> None:
    parsed = parse(body, DEFAULTS)
    if isinstance(parsed, JobSpec):
        assert 1 <= len(parsed.rcpt_tos) <= 50
        assert size_of(parsed) > 0
        return
    assert parsed
    for error in parsed:
        assert isinstance(error, FieldError)
        f"{error.field}{error.message}".encode()


# From


def test_without_a_default_the_sender_must_be_given() -> None:
    parsed = parse(LEAST, Defaults(None, 8, 86_400, 25_000_000))
    assert isinstance(parsed, list)
    assert [error.field for error in parsed] == ["from"]


def test_a_default_that_is_no_address_is_told_and_does_no_harm_where_another_is_given() -> None:
    bad = Defaults("nobody", 8, 86_400, 25_000_000)
    parsed = parse(LEAST, bad)
    assert isinstance(parsed, list)
    assert [error.field for error in parsed] == ["from"]
    assert isinstance(parse(submission(from_="a@x.org"), bad), JobSpec)


@pytest.mark.parametrize("value", ["a@x.org, b@x.org", "Ann", "<>", ["a@x.org"], "a@x.org\r\nBcc: b@x.org"])
def test_the_sender_is_exactly_one_address(value: object) -> None:
    assert wrong_fields(from_=value) == ["from"]


# Recipients


def test_a_job_needs_a_recipient_somewhere() -> None:
    assert wrong_fields(to=None) == ["to"]
    assert wrong_fields(to=[]) == ["to"]
    assert wrong_fields(to=["", " "]) == ["to"]
    assert wrong_fields(to=",") == ["to"]
    assert spec(to=None, bcc="bob@x.org").rcpt_tos == ["bob@x.org"]


def test_a_wrong_recipient_is_not_also_a_missing_one() -> None:
    assert wrong_fields(to="nobody") == ["to"]
    assert wrong_fields(to=None, cc="nobody") == ["cc"]


def test_every_wrong_address_is_told() -> None:
    assert [message[:8] for _, message in errors(to=["one", "two@", "a@x.org"], cc="three")] == [
        "“one” is",
        "“two@” i",
        "“three” ",
    ]


def test_the_same_address_is_one_recipient_where_it_is_named_first() -> None:
    parsed = spec(to="Ann <ann@x.org>, ann@X.org", cc="ann@x.org, bob@bücher.de", bcc="bob@xn--bcher-kva.de, c@x.org")
    assert [address.shown for address in (*parsed.to, *parsed.cc, *parsed.bcc)] == [
        "Ann <ann@x.org>",
        "bob@bücher.de",
        "c@x.org",
    ]
    assert parsed.rcpt_tos == ["ann@x.org", "bob@xn--bcher-kva.de", "c@x.org"]


def test_fifty_recipients_are_the_most() -> None:
    people = [f"p{number}@x.org" for number in range(50)]
    assert len(spec(to=people[:20], cc=people[20:40], bcc=[*people[40:], *people]).rcpt_tos) == 50
    assert errors(to=people, cc="one@more.org") == [
        ("to", "These are 51 recipients: a job takes at most 50 in to, cc and bcc.")
    ]


def test_fifty_addresses_to_reply_to_are_the_most() -> None:
    people = [f"p{number}@x.org" for number in range(51)]
    assert len(spec(reply_to=people[:50]).reply_to) == 50
    assert wrong_fields(reply_to=people) == ["reply_to"]


def test_a_flood_of_addresses_is_refused_without_reading_it() -> None:
    assert wrong_fields(to="a@x.org," * 1_000_000) == ["to"]
    assert wrong_fields(to=["a@x.org"] * 1_000_000) == ["to"]


# Text


@pytest.mark.parametrize("text", [None, "", " \r\n\t"])
def test_a_message_needs_text_or_html(text: object) -> None:
    assert errors(text=text) == [("text", "Write a message: give text, html or both.")]
    assert spec(text=text, html="<p>x</p>").text is None


def test_text_is_kept_as_it_is() -> None:
    assert spec(text=" a\r\nb\0\t ").text == " a\r\nb\0\t "


def test_half_a_surrogate_pair_is_no_text() -> None:
    assert wrong_fields(text="a\ud83d", html="\ude00b", subject="\ud800") == ["subject", "text", "html"]


# Header injection

INJECTIONS = [
    "a\r\nBcc: evil@x.org",
    "a\nb",
    "a\rb",
    "a\0b",
    "a\x1bb",
    "a\x0bb",
    "a\x0cb",
    "a\x85b",
    "a\u2028b",
    "a\x7fb",
]


@pytest.mark.parametrize("text", INJECTIONS)
@pytest.mark.parametrize(
    ("field", "place", "around"),
    [
        ("subject", "subject", lambda text: text),
        ("from", "from", lambda text: f"{text} <a@x.org>"),
        ("from", "from", lambda text: f"{text}@x.org"),
        ("to", "to", lambda text: f'"{text}" <a@x.org>'),
        ("cc", "cc", lambda text: [f"a@x.org ({text})"]),
        ("bcc", "bcc", lambda text: f"a@{text}.org"),
        ("reply_to", "reply_to", lambda text: f"{text} <a@x.org>"),
        ("headers", "headers.X-A", lambda text: {"X-A": text}),
        ("tags", "tags", lambda text: [text]),
        ("attachments", "attachments.0.filename", lambda text: [{"filename": text, "content": ""}]),
        (
            "attachments",
            "attachments.0.content_type",
            lambda text: [{"filename": "a", "content": "", "content_type": f"text/{text}"}],
        ),
    ],
)
def test_no_value_can_break_out_of_its_header(field: str, place: str, around: Any, text: str) -> None:
    assert set(wrong_fields(**{field: around(text)})) == {place}


@pytest.mark.parametrize("text", INJECTIONS)
def test_no_header_name_can_break_out(text: str) -> None:
    assert len(errors(headers={text: "x"})) == 1


def test_a_tab_is_no_control_character() -> None:
    assert spec(subject="a\tb").subject == "a\tb"


# Headers


@pytest.mark.parametrize(
    "name", ["X-Campaign", "List-Unsubscribe", "In-Reply-To", "References", "x_y", "Auto-Submitted"]
)
def test_other_headers_may_be_given(name: str) -> None:
    assert spec(headers={name: " <value> "}).headers == {name: "<value>"}


@pytest.mark.parametrize(
    "name",
    [
        *("From", "To", "Cc", "bcc", "SUBJECT", "Date", "message-id", "MIME-Version", "Content-Type", "content-thing"),
        *("Reply-To", "Sender", "Return-Path", "Received", "DKIM-Signature", "Resent-To", "ARC-Seal"),
    ],
)
def test_our_own_headers_are_refused(name: str) -> None:
    assert wrong_fields(headers={name: "x"}) == [f"headers.{name}"]


@pytest.mark.parametrize("name", ["", "a b", "a:b", "ü", "x" * 77, "a\tb", "\ud800"])
def test_a_header_name_is_a_token(name: str) -> None:
    assert len(errors(headers={name: "x"})) == 1


@pytest.mark.parametrize("value", [None, "", " ", 5, ["x"], "x" * 4001, "\ud800"])
def test_a_header_value_is_a_line_of_text(value: object) -> None:
    assert wrong_fields(headers={"X-A": value}) == ["headers.X-A"]


def test_headers_are_bounded_and_each_stands_once() -> None:
    assert wrong_fields(headers={f"X-{number}": "x" for number in range(51)}) == ["headers"]
    assert wrong_fields(headers={"X-A": "1", "x-a": "2"}) == ["headers.x-a"]
    assert wrong_fields(headers=["X-A: 1"]) == ["headers"]


def test_the_subject_is_bounded() -> None:
    assert spec(subject="é" * 998).subject == "é" * 998
    assert wrong_fields(subject="é" * 999) == ["subject"]


# Times, numbers, words


@pytest.mark.parametrize(
    ("text", "instant"),
    [
        ("2030-02-01T00:00:00Z", "2030-02-01T00:00:00+00:00"),
        ("2030-02-01t00:00:00.25z", "2030-02-01T00:00:00.250000+00:00"),
        ("2030-02-01 01:00:00+01:00", "2030-02-01T00:00:00+00:00"),
        ("2030-01-31T23:30:00-00:30", "2030-02-01T00:00:00+00:00"),
        (datetime(2030, 2, 1, tzinfo=UTC), "2030-02-01T00:00:00+00:00"),
    ],
)
def test_send_at_is_an_instant_with_its_zone(text: object, instant: str) -> None:
    send_at = spec(send_at=text).send_at
    assert send_at is not None
    assert send_at.isoformat() == instant


@pytest.mark.parametrize(
    "value",
    [
        "tomorrow",
        "2030-02-01",
        "2030-02-01T00:00:00",
        "2030-02-30T00:00:00Z",
        "2030-02-01T25:00:00Z",
        "0001-01-01T00:00:00+23:59",
        "9999-12-31T23:59:59-23:59",
        "٢٠٣٠-02-01T00:00:00Z",
        1_900_000_000,
        datetime(2030, 2, 1),
        "2031-03-01T00:00:00Z",
    ],
)
def test_what_is_no_instant_within_a_year_is_refused(value: object) -> None:
    assert wrong_fields(send_at=value) == ["send_at"]


@pytest.mark.parametrize("instant", ["2030-01-31T09:00:00Z", "2030-01-31T08:59:59Z", "1970-01-01T00:00:00Z"])
def test_a_past_instant_means_now(instant: str) -> None:
    assert spec(send_at=instant).send_at is None


@pytest.mark.parametrize("value", [1, 100, "7", " 7 "])
def test_max_attempts_is_a_whole_number(value: object) -> None:
    assert spec(max_attempts=value).max_attempts == int(str(value))


@pytest.mark.parametrize("value", [0, 101, -1, 1.0, True, "seven", "7.5", "٧", [7], "9" * 5000])
def test_max_attempts_is_within_its_bounds(value: object) -> None:
    assert errors(max_attempts=value) == [("max_attempts", "This must be a whole number from 1 to 100.")]


@pytest.mark.parametrize(("value", "good"), [(1, True), (2_592_000, True), (0, False), (2_592_001, False)])
def test_the_time_to_give_up_is_at_most_thirty_days(value: int, good: bool) -> None:
    assert isinstance(parse(submission(give_up_after_seconds=value), DEFAULTS), JobSpec) is good


def test_words_are_told_where_another_is_given() -> None:
    assert errors(priority="High", on_unknown="ask") == [
        ("priority", "This must be high, normal or low."),
        ("on_unknown", "This must be hold or resend."),
    ]


@pytest.mark.parametrize("tags", ["spring, A/B:2", ["spring", "A/B:2"], ["spring", " A/B:2 ", "spring"]])
def test_tags_are_a_list_or_a_line(tags: object) -> None:
    assert spec(tags=tags).tags == ("spring", "A/B:2")


@pytest.mark.parametrize("tags", [[""], ["<b>"], ["-x"], ["x" * 51], [5], {"a": 1}, [f"t{n}" for n in range(11)]])
def test_tags_are_bounded(tags: object) -> None:
    assert wrong_fields(tags=tags) == ["tags"]


# Attachments


def test_an_attachment_comes_from_json_in_base64() -> None:
    given = [{"filename": "r.pdf", "content_type": "application/pdf", "content": b64(b"%PDF")}]
    assert spec(attachments=given).attachments == (Attachment("r.pdf", "application/pdf", b"%PDF"),)


def test_an_attachment_comes_from_the_form_in_bytes() -> None:
    file = Attachment("r.pdf", "application/pdf", b"%PDF")
    assert spec(attachments=[file]).attachments == (file,)
    assert spec(attachments=[{"filename": "r.pdf", "content": b"%PDF"}]).attachments == (file,)


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("a/b/c.txt", "c.txt"),
        ("C:\\docs\\c.txt", "c.txt"),
        (" c.txt ", "c.txt"),
        ("../c.txt", "c.txt"),
        ("ü\t.txt", "ü .txt"),
    ],
)
def test_a_file_name_is_the_last_part_of_its_path(given: str, kept: str) -> None:
    assert spec(attachments=[{"filename": given, "content": ""}]).attachments[0].filename == kept


@pytest.mark.parametrize("name", [None, "", " ", "a/", "..", ".", "x" * 256, 5, "\ud800"])
def test_a_file_needs_a_name(name: object) -> None:
    assert wrong_fields(attachments=[{"filename": name, "content": ""}]) == ["attachments.0.filename"]


@pytest.mark.parametrize("content", [None, 5, "a", "aGk", "aGk=\n", "aG k=", "a-_=", "é", "aGk=aGk=", ["aGk="]])
def test_content_is_strict_base64(content: object) -> None:
    assert wrong_fields(attachments=[{"filename": "a", "content": content}]) == ["attachments.0.content"]


@pytest.mark.parametrize(
    ("name", "given", "kept"),
    [
        ("a.pdf", None, "application/pdf"),
        ("a.pdf", "", "application/pdf"),
        ("a.unheardof", None, "application/octet-stream"),
        ("a", "text/calendar; method=REQUEST", "text/calendar; method=REQUEST"),
        ("a.eml", "message/rfc822", "application/octet-stream"),
        ("a.eml", None, "application/octet-stream"),
        ("a", "Multipart/Mixed", "application/octet-stream"),
    ],
)
def test_the_content_type_is_given_or_guessed(name: str, given: object, kept: str) -> None:
    files = [{"filename": name, "content": "", "content_type": given}]
    assert spec(attachments=files).attachments[0].content_type == kept


@pytest.mark.parametrize(
    "kind", ["pdf", "a/b/c", "a/ü", "text/plain; charset", "/", 5, "a/" + "b" * 250, 'a/b; c="\n"']
)
def test_a_content_type_is_type_and_subtype(kind: object) -> None:
    files = [{"filename": "a", "content": "", "content_type": kind}]
    assert wrong_fields(attachments=files) == ["attachments.0.content_type"]


def test_every_error_of_every_attachment_is_told_at_its_place() -> None:
    files = [{"filename": "a", "content": ""}, {"filename": "", "content": "?", "data": 1, "content_type": "x"}, 5]
    assert wrong_fields(attachments=files) == [
        "attachments.1.data",
        "attachments.1.filename",
        "attachments.1.content_type",
        "attachments.1.content",
        "attachments.2",
    ]


def test_fifty_attachments_are_the_most() -> None:
    file = {"filename": "a", "content": ""}
    assert len(spec(attachments=[file] * 50).attachments) == 50
    assert wrong_fields(attachments=[file] * 51) == ["attachments"]
    assert wrong_fields(attachments=file) == ["attachments"]


# Size


def small(limit: int, **fields: Any) -> JobSpec | list[FieldError]:
    return parse(submission(**fields), Defaults("p@mailbox.test", 8, 86_400, limit), NOW)


def test_the_size_is_that_of_the_message_as_sent() -> None:
    files = [Attachment("a.bin", "application/octet-stream", bytes(60_000))]
    octets = size_of(spec(from_="p@mailbox.test", attachments=files))
    assert isinstance(small(octets, attachments=files), JobSpec)
    assert small(octets - 1, attachments=files) == [
        FieldError(
            "attachments",
            f"The message would be {octets:,} bytes as sent, and at most {octets - 1:,} bytes is allowed: "
            "send fewer or smaller files (they grow by a third on their way).",
        )
    ]


@pytest.mark.parametrize(
    ("fields", "field"),
    [({"text": "x" * 9_000}, "text"), ({"html": "x" * 9_000}, "html"), ({"text": "ж" * 9_000, "html": "x"}, "html")],
)
def test_too_large_a_text_is_told_at_the_text(fields: dict[str, Any], field: str) -> None:
    parsed = small(9_000, **fields)
    assert isinstance(parsed, list)
    assert [error.field for error in parsed] == [field]


# Fingerprint


def test_what_is_left_out_counts_as_its_default() -> None:
    assert (
        spec().fingerprint()
        == spec(
            from_="Postroom <postroom@mailbox.test>",
            subject="",
            cc=[],
            headers={},
            attachments=[],
            priority="normal",
            max_attempts=8,
            give_up_after_seconds="86400",
            on_unknown="hold",
        ).fingerprint()
    )


def test_spelling_does_not_count() -> None:
    one = spec(to="Ann <ann@x.org>, b@bücher.de", send_at="2030-02-01T00:00:00Z", tags="a,b")
    other = spec(to=['"Ann" <ann@X.org>', "b@xn--bcher-kva.de"], send_at="2030-02-01T01:00:00+01:00", tags=["a", "b"])
    assert one.fingerprint() == other.fingerprint()


@pytest.mark.parametrize(
    "change",
    [
        {"to": "bob@x.org"},
        {"to": "Ann <ann@mailbox.test>"},
        {"to": None, "cc": "ann@mailbox.test"},
        {"from_": "x@x.org"},
        {"subject": "x"},
        {"text": "hello"},
        {"html": "Hello"},
        {"headers": {"X-A": "1"}},
        {"attachments": [Attachment("a", "text/plain", b"")]},
        {"send_at": "2030-02-01T00:00:00Z"},
        {"send_at": "2030-01-01T00:00:00Z"},
        {"priority": "high"},
        {"tags": ["a"]},
        {"max_attempts": 9},
        {"give_up_after_seconds": 9},
        {"on_unknown": "resend"},
    ],
)
def test_any_other_content_has_another_fingerprint(change: dict[str, Any]) -> None:
    assert spec(**change).fingerprint() != spec().fingerprint()


def test_attachments_count_by_their_content() -> None:
    assert spec(attachments=[Attachment("a", "text/plain", b"1")]).fingerprint() != (
        spec(attachments=[Attachment("a", "text/plain", b"2")]).fingerprint()
    )


def test_a_fingerprint_does_not_change_when_its_send_time_has_passed() -> None:
    body = submission(send_at="2030-02-01T00:00:00Z")
    before, after = parse(body, DEFAULTS, NOW), parse(body, DEFAULTS, NOW + timedelta(days=5))
    assert isinstance(before, JobSpec)
    assert isinstance(after, JobSpec)
    assert after.send_at is None
    assert before.fingerprint() == after.fingerprint()


def test_a_fingerprint_does_not_change_with_the_settings() -> None:
    other = parse(submission(), Defaults("other@x.org", 3, 60, 25_000_000), NOW)
    assert isinstance(other, JobSpec)
    assert other.fingerprint() == spec().fingerprint()
