"""Text travels compressed where the asker takes it, and as it is where not."""

from __future__ import annotations

import gzip
import re

import pytest
from flask.testing import FlaskClient

GZIP = {"Accept-Encoding": "gzip, br"}


@pytest.mark.parametrize("path", ["/", "/partials/overview", "/api/openapi.json", "/nowhere"])
def test_text_is_compressed_for_those_who_take_it(client: FlaskClient, path: str) -> None:
    plain, packed = client.get(path), client.get(path, headers=GZIP)
    assert "Content-Encoding" not in plain.headers
    assert packed.headers["Content-Encoding"] == "gzip"
    assert plain.headers["Vary"] == packed.headers["Vary"]
    assert "Accept-Encoding" in packed.headers["Vary"]
    assert int(packed.headers["Content-Length"]) == len(packed.data) < len(plain.data)
    pattern = rb'name="csrf_token" value="[^"]*"'
    assert re.sub(pattern, b"", gzip.decompress(packed.data)) == re.sub(pattern, b"", plain.data)


@pytest.mark.parametrize(("path", "headers"), [("/healthz", GZIP), ("/", {"Accept-Encoding": "gzip;q=0"}), ("/", {})])
def test_what_is_short_or_not_wanted_so_is_not(client: FlaskClient, path: str, headers: dict[str, str]) -> None:
    assert "Content-Encoding" not in client.get(path, headers=headers).headers


def test_style_sheets_and_scripts_are_compressed_and_fonts_are_not(client: FlaskClient) -> None:
    urls = re.findall(r'(?:src|href)="(/assets/[^"]+)"', client.get("/").text)
    assert len(urls) >= 8
    for url in urls:
        with client.get(url) as plain, client.get(url, headers=GZIP) as packed:
            assert "immutable" in packed.headers["Cache-Control"]
            if url.endswith(".woff2"):
                assert "Content-Encoding" not in packed.headers
                continue
            assert gzip.decompress(packed.data) == plain.data
            assert packed.headers["ETag"] != plain.headers["ETag"]
            tag = {"If-None-Match": packed.headers["ETag"]}
        with client.get(url, headers=GZIP | tag) as again:
            assert again.status_code in (200, 304)


def test_no_body_stays_no_body(client: FlaskClient) -> None:
    tag = client.get("/partials/overview").headers["HX-PTag"]
    same = client.get("/partials/overview", headers=GZIP | {"HX-PTag": tag})
    assert (same.status_code, same.data) == (304, b"")
    assert client.head("/", headers=GZIP).data == b""
