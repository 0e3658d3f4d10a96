"""HTML out of a message, made safe to show: no script, no form, and nothing that would be fetched from anywhere.

It is shown in a sandboxed frame under a strict policy of its own; this sees to it that there is nothing to refuse.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import partial
from urllib.parse import unquote

import nh3

from tasks.domain.html_depth import is_too_much
from tasks.domain.safe_css import safe_declarations, safe_sheet

IMAGE_TYPES = frozenset({"image/png", "image/jpeg", "image/jpg", "image/gif", "image/webp"})
IMAGE_LIMIT = 5_000_000
"""The octets of a picture that is shown in place."""


def _words(text: str) -> set[str]:
    return set(text.split())


_TAGS = _words(
    "a abbr address article aside b bdi bdo big blockquote br caption center cite code col colgroup dd del details dfn "
    "div dl dt em figcaption figure font footer h1 h2 h3 h4 h5 h6 header hgroup hr i img ins kbd li main mark nav ol p "
    "pre q rp rt ruby s samp section small span strike strong sub summary sup table tbody td tfoot th thead time tr tt "
    "u ul var wbr"
)
_DROPPED_WITH_CONTENT = _words(
    "applet audio canvas embed frameset iframe math noembed noframes noscript object script select style svg template "
    "textarea title video xmp"
)
_EVERYWHERE = _words(
    "align bgcolor border cellpadding cellspacing class color colspan dir face height id lang nowrap role rowspan size "
    "span start style summary title type valign value width"
)
_ATTRIBUTES = {"*": _EVERYWHERE, "a": {"href", "name"}, "img": {"src", "alt"}, "ol": {"reversed"}}
_DATA_IMAGE = re.compile(r"data:(image/\w+);base64,[A-Za-z0-9+/=\s]+", re.IGNORECASE)
_TAG = re.compile(r'<[a-z][a-z0-9]*(?:\s+[^\s=>"]+(?:="[^"]*")?)*\s*/?>')
_ALT = re.compile(r'\salt="([^"]*)"')
_TINY = re.compile(r'\s(?:width|height)="[01](?:px)?"')
_TOO_MUCH = "<p>This HTML is too large or too deeply nested to be shown here: look at the message's source.</p>"
_PLACEHOLDER = (
    '<span title="Remote image, not loaded" '
    'style="display:inline-block;padding:2px 8px;border:1px dashed #888;color:#666;font:12px sans-serif">{}</span>'
)


def safe_html(html: str, cid: Mapping[str, str] | None = None) -> str:
    """The HTML with its styles, and pictures where they are in the message itself: ``cid`` gives the ``data:`` URIs of
    content ids. Other pictures become a box with their alternative text."""
    if is_too_much(html):
        return _TOO_MUCH
    clean = partial(
        nh3.clean,
        tags=_TAGS,
        clean_content_tags=_DROPPED_WITH_CONTENT,
        attributes=_ATTRIBUTES,
        attribute_filter=partial(_attribute, cid or {}),
        set_tag_attribute_values={"a": {"target": "_blank"}},
        url_schemes={"http", "https", "mailto", "data", "cid"},
        url_relative="deny",
    )
    # The second cleaning makes safety independent of how the first one's output was cut.
    content = clean(_TAG.sub(_without_remote_image, clean(html)))
    sheet = safe_sheet(html)
    return f"<style>{sheet}</style>{content}" if sheet else content


def _attribute(cid: Mapping[str, str], tag: str, name: str, value: str) -> str | None:
    """The value to keep, or None."""
    if name == "style":
        return safe_declarations(value) or None
    if name == "src":
        return _picture(cid, value)
    if name == "href":
        return value if tag == "a" and value.strip().lower().startswith(("http:", "https:", "mailto:")) else None
    return value


def _picture(cid: Mapping[str, str], source: str) -> str | None:
    if source[:4].lower() == "cid:":
        source = cid.get(source[4:]) or cid.get(unquote(source[4:])) or ""
    found = _DATA_IMAGE.fullmatch(source)
    good = found is not None and found[1].lower() in IMAGE_TYPES and len(source) <= IMAGE_LIMIT * 4 // 3 + 100
    return source if good else None


def _without_remote_image(tag: re.Match[str]) -> str:
    text = tag[0]
    if not text.startswith("<img") or ' src="' in text:
        return text
    if _TINY.search(text):  # a tracking pixel
        return ""
    alt = _ALT.search(text)
    return _PLACEHOLDER.format(alt[1].strip() if alt and alt[1].strip() else "Image")
