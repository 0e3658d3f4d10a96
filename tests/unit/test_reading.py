"""Messages taken apart for reading, the broken ones too."""

from __future__ import annotations

import base64
from email.message import EmailMessage
from email.mime.image import MIMEImage
from email.mime.multipart import MIMEMultipart
from email.mime.text import MIMEText

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.domain.reading import Message, inline_images, read, safe_html, unstuff

PNG = b"\x89PNG\r\n\x1a\n" + bytes(20)


def with_headers(*lines: str, body: bytes = b"Hello\r\n") -> Message:
    return read("".join(f"{line}\r\n" for line in lines).encode("utf-8", "surrogateescape") + b"\r\n" + body)


def whole(message: Message) -> None:
    """Everything in it can be shown."""
    for text in (*(text for pair in message.headers for text in pair), message.text or "", message.html or ""):
        text.encode()
    for index, part in enumerate(message.attachments):
        assert part.index == index
        assert part.filename
        assert not set("/\\\r\n\0") & set(part.filename)
        part.filename.encode()
        part.content_type.encode()
        assert isinstance(part.content, bytes)
    safe_html(message.html or "", inline_images(message)).encode()


# The plain cases


def test_a_plain_message_is_its_headers_and_its_text() -> None:
    message = read(b"From: Ann <ann@x.org>\r\nSubject: Hi\r\nX-Twice: 1\r\nX-Twice: 2\r\n\r\nOne\r\n.two\r\n")
    assert message.headers == [("From", "Ann <ann@x.org>"), ("Subject", "Hi"), ("X-Twice", "1"), ("X-Twice", "2")]
    assert (message.text, message.html, message.attachments) == ("One\n.two\n", None, [])
    assert message.header("subject") == "Hi"
    assert message.header("X-None") is None


@pytest.mark.parametrize(
    ("wire", "source"),
    [
        (b"A: b\r\n\r\n..x\r\n", b"A: b\r\n\r\n.x\r\n"),
        (b"..\r\n", b".\r\n"),
        (b"a\r\n...\r\n", b"a\r\n..\r\n"),
        (b"a..\r\nb.\r\n", b"a..\r\nb.\r\n"),
        (b"", b""),
    ],
)
def test_dot_stuffing_is_undone(wire: bytes, source: bytes) -> None:
    assert unstuff(wire) == source


def test_a_message_of_the_standard_library_is_read() -> None:
    made = EmailMessage()
    made["Subject"] = "Grüße, " + "lang " * 30
    made["To"] = "Jürgen <j@x.org>"
    made.set_content("Text é\n")
    made.add_alternative("<p>Rich é</p>\n", subtype="html")
    made.add_attachment(PNG, maintype="image", subtype="png", filename="Bild é.png")
    message = read(made.as_bytes())
    assert message.header("Subject") == ("Grüße, " + "lang " * 30).strip()
    assert message.header("To") == "Jürgen <j@x.org>"
    assert (message.text, message.html) == ("Text é\n", "<p>Rich é</p>\n")
    assert [(part.index, part.filename, part.content_type, part.content) for part in message.attachments] == [
        (0, "Bild é.png", "image/png", PNG)
    ]


def test_an_enclosed_message_is_an_attachment() -> None:
    inner, outer = EmailMessage(), EmailMessage()
    inner["Subject"] = "Inner"
    inner.set_content("inside\n")
    outer.set_content("outside\n")
    outer.add_attachment(inner)
    message = read(outer.as_bytes())
    assert message.text == "outside\n"
    assert message.attachments[0].content_type == "message/rfc822"
    assert read(message.attachments[0].content).header("Subject") == "Inner"


def test_a_second_text_and_a_text_file_are_attachments() -> None:
    made = MIMEMultipart()
    made.attach(MIMEText("one"))
    made.attach(MIMEText("two"))
    made.attach(MIMEText("a;b", "csv"))
    message = read(made.as_bytes())
    assert message.text == "one"
    assert [part.filename for part in message.attachments] == ["part-1.txt", "part-2.csv"]


# Headers


@pytest.mark.parametrize(
    ("raw", "shown"),
    [
        ("plain", "plain"),
        ("one\r\n two\r\n\tthree", "one two\tthree"),
        ("=?utf-8?q?Gr=C3=BC=C3=9Fe?=", "Grüße"),
        ("=?UTF-8?B?R3LDvMOfZQ==?= Ann", "Grüße Ann"),
        ("=?utf-8?q?a?= =?utf-8?q?b?=\r\n =?utf-8?b?Yw==?=", "abc"),
        ("=?utf-8?q?a_?= b =?utf-8?q?c?=", "a  b c"),
        ("=?utf-8?q?=C3?= =?utf-8?q?=BC?=", "ü"),
        ("=?iso-8859-1?q?=FC?= =?utf-8?q?=C3=BC?=", "üü"),
        ("=?utf-8*de?q?=C3=BC?=", "ü"),
        ("Grüße raw", "Grüße raw"),
        ("latin-1 \udcfc raw", "latin-1 � raw"),
        ("=?utf-8?q?=FF?=", "�"),
        ("=?nonsense?q?=C3=BC?=", "ü"),
        ("=?idna?q?a..b?=", "a..b"),
        ("=?utf-8?b?R3L!DvMOfZQ?=", "Grüße"),
        ("=?utf-8?x?abc?=", "=?utf-8?x?abc?="),
        ("=?utf-7?q?+2D0-?=", "?"),
        ("=?=", "=?="),
    ],
)
def test_a_header_is_shown_as_it_is_meant(raw: str, shown: str) -> None:
    assert with_headers(f"Subject: {raw}").header("Subject") == shown


# Texts


@pytest.mark.parametrize(
    ("charset", "data", "text"),
    [
        ("utf-8", "é".encode(), "é"),
        ("iso-8859-1", b"\xe9", "é"),
        ("windows-1252", b"\x80", "€"),
        ("utf-8", b"\xe9", "�"),
        ("nonsense", "é".encode(), "é"),
        ("nonsense", b"\xe9", "é"),
        ("", b"\xe9", "é"),
        ("us-ascii", "é".encode(), "é"),
        ("hex", b"abc", "abc"),
        ("idna", b"a..b", "a..b"),
        ("undefined", b"abc", "abc"),
        ("unicode_escape", b"\\x41", "\\x41"),
        ("a\0b", b"abc", "abc"),
        ("é", b"abc", "abc"),
        ("utf-16", b"a\0b", "a�"),
    ],
)
def test_a_text_is_read_in_whatever_charset_it_claims(charset: str, data: bytes, text: str) -> None:
    encoded = base64.encodebytes(data)
    kind = f'Content-Type: text/plain; charset="{charset}"'
    assert with_headers(kind, "Content-Transfer-Encoding: base64", body=encoded).text == text


@pytest.mark.parametrize(
    ("encoding", "body", "text"),
    [
        ("quoted-printable", b"a=\r\nb =C3=A9 =ZZ =", "ab é =ZZ "),
        ("Base64", b"aGVs\r\n bG8", "hello"),
        ("base64", b"a", ""),
        ("8bit", "é".encode(), "é"),
        ("binary", b"x\0", "x\0"),
        ("x-unknown", b"abc", "abc"),
        ("", b"a\rb\r\nc\n", "a\nb\nc\n"),
    ],
)
def test_a_transfer_encoding_is_undone_as_far_as_it_goes(encoding: str, body: bytes, text: str) -> None:
    assert with_headers("Content-Type: text/plain", f"Content-Transfer-Encoding: {encoding}", body=body).text == text


# Broken ones

BROKEN = {
    "nothing": b"",
    "no headers": b"\r\n\r\nbody",
    "no blank line": b"Subject: x\r\nbody without colon\r\nmore",
    "no boundary": b"Content-Type: multipart/mixed\r\n\r\nstill text\r\n",
    "boundary that never comes": b'Content-Type: multipart/mixed; boundary="b"\r\n\r\nstill text\r\n',
    "boundary that never ends": b'Content-Type: multipart/mixed; boundary="b"\r\n\r\n--b\r\n\r\nstill text\r\n',
    "only parameters": b"Content-Type: ;;;=;charset\r\nContent-Disposition: ;\r\n\r\nstill text\r\n",
    "unsortable sections": b"Content-Disposition: inline; filename*=a; filename*1=b\r\n\r\nstill text\r\n",
    "endless section number": b"Content-Disposition: inline; x*%b=a\r\n\r\nstill text\r\n" % (b"9" * 5000),
    "charset by RFC 2231": b"Content-Type: text/plain; charset*=a\0b''x%FF\r\n\r\nstill text\r\n",
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_message_still_shows_what_is_there(name: str) -> None:
    message = read(BROKEN[name])
    whole(message)
    assert ("still text" in BROKEN[name].decode()) == ("still text" in (message.text or ""))


def test_multiparts_nested_a_thousand_deep_are_shown_as_source() -> None:
    nested = b"".join(b'Content-Type: multipart/mixed; boundary="%d"\r\n\r\n--%d\r\n' % (n, n) for n in range(1000))
    message = read(b"Subject: Deep\r\n" + nested)
    whole(message)
    assert message.header("Subject") == "Deep"


@pytest.mark.parametrize("name", ["../../etc/passwd", "a\\b\\passwd", "x/", "a\tb", '"', "=?utf-8?q?p=0D=0Ax?="])
def test_a_file_name_is_never_a_path_or_a_header(name: str) -> None:
    escaped = name.replace("\\", "\\\\").replace('"', '\\"')
    whole(with_headers(f'Content-Disposition: attachment; filename="{escaped}"'))


@pytest.mark.parametrize(
    ("parameter", "shown"),
    [
        ("filename=plain.pdf", "plain.pdf"),
        ('filename="größe.pdf"', "größe.pdf"),
        ("filename*=utf-8''gr%C3%B6%C3%9Fe.pdf", "größe.pdf"),
        ("filename*0*=utf-8''gr%C3%B6; filename*1*=%C3%9Fe; filename*2=.pdf", "größe.pdf"),
        ("filename*=iso-8859-1''gr%F6%DFe.pdf", "größe.pdf"),
        ("filename*=nonsense''gr%C3%B6%C3%9Fe.pdf", "größe.pdf"),
        ('filename="=?utf-8?q?gr=C3=B6=C3=9Fe.pdf?="', "größe.pdf"),
        ('filename=""', "part-1.txt"),
    ],
)
def test_a_file_name_is_read_by_whichever_way_it_was_written(parameter: str, shown: str) -> None:
    assert with_headers(f"Content-Disposition: attachment; {parameter}").attachments[0].filename == shown


def test_the_name_of_the_content_type_serves_where_there_is_no_other() -> None:
    assert with_headers('Content-Type: image/png; name="größe.png"').attachments[0].filename == "größe.png"


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=300))
def test_any_bytes_are_read(source: bytes) -> None:
    whole(read(source))


PIECES = st.sampled_from(
    [
        *(b"Content-Type: ", b"multipart/mixed", b"multipart/digest", b"text/plain", b"text/html", b"message/rfc822"),
        *(b"message/delivery-status", b"message/partial", b"; charset=", b"; charset*=", b"utf-7", b"x''%FF", b"; "),
        *(
            b"Content-Transfer-Encoding: ",
            b"base64",
            b"quoted-printable",
            b"uuencode",
            b"begin 666 a\r\n",
            b"=",
            b"=\r\n",
        ),
        *(b"Content-Disposition: ", b"attachment", b"; filename=", b"; filename*=", b"; filename*0*=", b"; name*1=a"),
        *(b'; boundary="b"', b"\r\n--b\r\n", b"\r\n--b--\r\n", b"\r\n", b"\r\n\r\n", b"\n", b"\r", b" ", b'"', b"("),
        *(
            b"Subject: ",
            b"Content-ID: <a>",
            b"=?utf-8?q?",
            b"?=",
            b"\xff",
            b"\xc3\xa9",
            b"\0",
            b"From ",
            b"To: a@x",
            b":",
        ),
    ]
)


@settings(max_examples=400, deadline=None)
@given(st.lists(PIECES | st.binary(max_size=3), max_size=40).map(b"".join))
def test_anything_that_looks_like_a_message_is_read(source: bytes) -> None:
    whole(read(source))


# Pictures within the message


def picture(kind: str, content: bytes) -> Message:
    made = MIMEMultipart("related")
    made.attach(MIMEText('<p>Look: <img src="cid:logo@x" alt="Logo"></p>', "html"))
    image = MIMEImage(content, kind)
    image["Content-ID"] = "<logo@x>"
    made.attach(image)
    return read(made.as_bytes())


@pytest.mark.parametrize("kind", ["png", "jpeg", "gif", "webp"])
def test_a_picture_in_the_message_is_shown_in_place(kind: str) -> None:
    message = picture(kind, PNG)
    uri = f"data:image/{kind};base64,{base64.b64encode(PNG).decode()}"
    assert f'<img src="{uri}" alt="Logo">' in safe_html(message.html or "", inline_images(message))


def test_a_picture_that_may_hold_script_or_is_too_large_is_not() -> None:
    for message in (picture("svg+xml", b"<svg onload=alert(1)>"), picture("png", bytes(5_000_001))):
        shown = safe_html(message.html or "", inline_images(message))
        assert "<img" not in shown
        assert "Logo" in shown
