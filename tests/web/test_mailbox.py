"""The local mailbox: its pages and its JSON, which show and do the same."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from flask.testing import FlaskClient

from tasks.settings import Settings
from tests.web.asking import UNKNOWN_ID, problem_of
from tests.web.pages import token
from webapp import create_app
from webapp.context import Postroom
from webapp.documents import MailboxDocument, OpenMailDocument

SOURCE = b"Subject: Hi\r\nContent-Type: text/plain\r\n\r\nHello.\r\n"
Put = Callable[..., str]


@pytest.fixture
def put(postroom: Postroom) -> Put:
    def put(subject: str, to: str = "ann@mailbox.test", text: str = "") -> str:
        return postroom.mailbox.add("shop@mailbox.test", [to], SOURCE, subject=subject, text=text)

    return put


def box(client: FlaskClient, query: str = "") -> MailboxDocument:
    answer = client.get(f"/api/mailbox{query}")
    assert answer.status_code == 200, answer.text
    return MailboxDocument.model_validate(answer.get_json())


def subjects(document: MailboxDocument) -> list[str]:
    return [mail.subject for mail in document.messages]


def shown(client: FlaskClient, query: str = "") -> list[str]:
    return re.findall(r'class="title"[^>]*>([^<]*)<', client.get(f"/mailbox{query}").text)


QUERIES = (
    "",
    "?q=order",
    "?q=hello+ann",
    "?recipient=ben@mailbox.test",
    "?recipient=ben@mailbox.test&q=order",
    "?q=zz",
)


@pytest.mark.parametrize("query", QUERIES)
def test_page_region_and_api_find_the_same(client: FlaskClient, put: Put, query: str) -> None:
    put("Your order", text="Hello Ann.")
    put("Another order", "Ben@mailbox.test")
    put("Minutes")
    found = subjects(box(client, query))
    assert shown(client, query) == found
    assert re.findall(r'class="title"[^>]*>([^<]*)<', client.get(f"/partials/mailbox{query}").text) == found
    assert (len(found) == 0) == (query == "?q=zz")


def test_the_answer_says_how_many_there_are_and_were_searched(client: FlaskClient, put: Put) -> None:
    put("One")
    put("Two", "ben@mailbox.test")
    everything = box(client)
    assert (everything.count, everything.unread, everything.searched) == (2, 2, None)
    found = box(client, "?q=one")
    assert (found.count, found.searched, found.next_cursor) == (2, 2, None)
    assert box(client, "?recipient=BEN@mailbox.test").count == 1
    assert "1 found in subject, addresses and text of all 2 mails" in " ".join(
        client.get("/mailbox?q=one").text.split()
    )


def test_older_mail_is_on_the_next_page(client: FlaskClient, put: Put) -> None:
    for number in range(55):
        put(f"Number {number}")
    first = box(client, "?limit=50")
    assert len(first.messages) == 50
    assert subjects(box(client, f"?cursor={first.next_cursor}")) == [f"Number {number}" for number in range(4, -1, -1)]
    older = re.search(r'id="older"[^>]*href="([^"]+)"', client.get("/mailbox").text)
    assert older is not None
    assert shown(client, older[1].removeprefix("/mailbox")) == [f"Number {number}" for number in range(4, -1, -1)]


def test_opening_a_mail_marks_it_as_read_and_reading_it_by_api_does_not(client: FlaskClient, put: Put) -> None:
    mail = put("One")
    put("Two")
    opened = OpenMailDocument.model_validate(client.get(f"/api/mailbox/{mail}").get_json())
    assert (opened.mail.unread, opened.message.text) == (True, "Hello.\n")
    assert client.get(f"/api/mailbox/{mail}/message").data == SOURCE
    assert box(client).unread == 2
    assert client.get(f"/mailbox/{mail}").status_code == 200
    assert [(each.subject, each.unread) for each in box(client).messages] == [("Two", True), ("One", False)]
    assert client.get("/mailbox").text.count("Unread: ") == 1


def test_all_are_marked_as_read_by_button_and_by_api(client: FlaskClient, put: Put) -> None:
    mail = put("One")
    put("Two")
    assert client.post(f"/api/mailbox/{mail}/read").get_json() == {"changed": 1}
    assert client.post(f"/api/mailbox/{mail}/read").get_json() == {"changed": 0}
    assert client.post("/api/mailbox/read").get_json() == {"changed": 1}
    put("Three")
    assert client.post("/mailbox/read", data={"csrf_token": token(client)}).status_code == 303
    assert box(client).unread == 0
    assert "/mailbox/read" not in client.get("/mailbox").text


def test_one_is_deleted_by_button_and_by_api(client: FlaskClient, put: Put) -> None:
    first, second = put("One"), put("Two")
    answer = client.post(f"/mailbox/{first}/delete", data={"csrf_token": token(client)})
    assert answer.headers["Location"] == "/mailbox"
    assert "Deleted the mail." in client.get("/mailbox").text
    assert subjects(box(client)) == ["Two"]
    assert client.delete(f"/api/mailbox/{second}").get_json() == {"changed": 1}
    assert box(client).count == 0
    assert client.delete(f"/api/mailbox/{second}").status_code == 404
    assert client.post(f"/mailbox/{UNKNOWN_ID}/delete", data={"csrf_token": token(client)}).status_code == 404


def test_all_are_deleted_after_a_question_and_by_api(client: FlaskClient, put: Put) -> None:
    put("One")
    put("Two")
    assert 'href="/mailbox/delete"' in client.get("/mailbox").text
    assert "Delete all 2 mails?" in client.get("/mailbox/delete").text
    assert box(client).count == 2
    client.post("/mailbox/delete", data={"csrf_token": token(client)})
    assert "Deleted 2 mails." in client.get("/mailbox").text
    assert "nothing to delete" in client.get("/mailbox/delete").text
    put("Three")
    assert client.delete("/api/mailbox").get_json() == {"changed": 1}


def test_the_addresses_to_try_stay_within_reach(client: FlaskClient, put: Put) -> None:
    put("One")
    assert "drop@mailbox.test" in client.get("/mailbox").text


@pytest.mark.parametrize(
    "call", ["GET ", "DELETE ", "POST /read", f"GET /{UNKNOWN_ID}", f"DELETE /{UNKNOWN_ID}", f"POST /{UNKNOWN_ID}/read"]
)
def test_with_a_real_relay_there_is_no_mailbox(settings: Settings, call: str) -> None:
    relayed = create_app(settings.model_copy(update={"smtp_host": "smtp.example.org"})).test_client()
    method, path = call.split(" ")
    assert "smtp.example.org" in problem_of(relayed.open(f"/api/mailbox{path}", method=method), 404).detail
