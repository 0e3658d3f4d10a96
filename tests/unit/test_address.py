"""Addresses as people write them, and as SMTP carries them."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.domain.address import _PLAIN, Address, AddressError, _check, parse_one, split_list


def parse_list(text: str) -> list[Address]:
    return [parse_one(item) for item in split_list(text)]


@pytest.mark.parametrize(
    ("text", "name", "address"),
    [
        ("ann@mailbox.test", "", "ann@mailbox.test"),
        (" ann@mailbox.test ", "", "ann@mailbox.test"),
        ("<ann@x.org>", "", "ann@x.org"),
        ("Ann <ann@x.org>", "Ann", "ann@x.org"),
        ("Ann<ann@x.org>", "Ann", "ann@x.org"),
        ("Ann  \t Smith < ann@x.org >", "Ann Smith", "ann@x.org"),
        ('"Smith, Ann" <ann@x.org>', "Smith, Ann", "ann@x.org"),
        (r'"Ann \"the\" Smith\\" <ann@x.org>', 'Ann "the" Smith\\', "ann@x.org"),
        ('"Ann <evil@x.org>" <ann@x.org>', "Ann <evil@x.org>", "ann@x.org"),
        ('Dr. "Ann" Smith <ann@x.org>', "Dr. Ann Smith", "ann@x.org"),
        ("Ann (Sales) <ann@x.org>", "Ann (Sales)", "ann@x.org"),
        ("ann@x.org (Ann Smith)", "Ann Smith", "ann@x.org"),
        ("ann@x.org <ann@x.org>", "ann@x.org", "ann@x.org"),
        ("Jürgen Größe <j@x.org>", "Jürgen Größe", "j@x.org"),
        ("=?utf-8?q?x?= <j@x.org>", "=?utf-8?q?x?=", "j@x.org"),
        ("ann@X.ORG", "", "ann@x.org"),
        ("Ann@x.org", "", "Ann@x.org"),
        ("ann+news@x.org", "", "ann+news@x.org"),
        ("ann@bücher.de", "", "ann@bücher.de"),
        ("ann@xn--bcher-kva.de", "", "ann@bücher.de"),
        ("jürgen@bücher.de", "", "jürgen@bücher.de"),
        ("root@localhost", "", "root@localhost"),
        ("a@example.test", "", "a@example.test"),
        ("a@example.invalid", "", "a@example.invalid"),
        ("a@mail.corp.local", "", "a@mail.corp.local"),
        ("a@[192.0.2.1]", "", "a@[192.0.2.1]"),
        ("a@[IPv6:2001:db8::1]", "", "a@[IPv6:2001:db8::1]"),
        ('"a b"@x.org', "", '"a b"@x.org'),
        ('Ann <"a,b@c"@x.org>', "Ann", '"a,b@c"@x.org'),
    ],
)
def test_an_address_is_read(text: str, name: str, address: str) -> None:
    assert parse_list(text) == [Address(name, address)]


@pytest.mark.parametrize(
    "text",
    [
        "ann",
        "@x.org",
        "ann@",
        "ann@@x.org",
        "ann@x..org",
        ".ann@x.org",
        "ann.@x.org",
        "an..n@x.org",
        "ann@-x.org",
        "ann@x_y.org",
        "a b@x.org",
        "Ann <ann@x.org",
        "Ann ann@x.org>",
        "Ann <ann@x.org> Smith",
        "Ann <>",
        "<>",
        "ann@x.org\n",
        "ann\0@x.org",
        "ann@x.org\r\nRCPT TO:<b@x.org>",
        "<ann@x.org> SIZE=1",
        "ann@[300.1.1.1]",
        "ann@xn--a.de",
        "\ud800@x.org",
        f"{'a' * 65}@x.org",
        f"{'é' * 33}@x.org",
        f"a@{'b' * 64}.org",
        f"a@{'b.' * 130}org",
        f"{'a' * 60}@{'b' * 63}.{'b' * 63}.{'b' * 63}.org",
        f"{'x' * 256} <a@x.org>",
        "x" * 5000,
    ],
)
def test_what_is_no_address_is_refused_in_a_sentence(text: str) -> None:
    with pytest.raises(AddressError) as refusal:
        parse_one(text)
    sentence = str(refusal.value)
    assert sentence.endswith(".")
    assert "\n" not in sentence
    assert len(sentence) < 400


@pytest.mark.parametrize(
    "text",
    [
        f"{'a' * 64}@x.org",
        f"{'é' * 32}@x.org",
        f"{'a' * 62}@{'b' * 63}.{'b' * 63}.{'b' * 63}",
        f"{'x' * 255} <a@x.org>",
    ],
)
def test_the_longest_address_is_taken(text: str) -> None:
    assert parse_one(text)


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("", 0),
        (" , ;, ", 0),
        ("a@x.org, b@x.org", 2),
        ("a@x.org; b@x.org;", 2),
        ("a@x.org,,b@x.org,", 2),
        ('"Smith, Ann" <a@x.org>, "B; C" <b@x.org>', 2),
        ("a@x.org (Ann, Smith), b@x.org", 2),
        ("<a@x.org>,<b@x.org>", 2),
        ('"un, closed <a@x.org>, b@x.org', 1),
    ],
)
def test_a_list_is_cut_at_its_commas(text: str, count: int) -> None:
    assert len(split_list(text)) == count


@pytest.mark.parametrize("text", ["Friends: a@x.org, b@x.org;", "undisclosed-recipients:;", "mailto:a@x.org"])
def test_groups_are_refused(text: str) -> None:
    with pytest.raises(AddressError, match="group"):
        split_list(text)


def test_a_name_with_a_comma_wants_quotes() -> None:
    with pytest.raises(AddressError, match="“Smith” is not an address"):
        parse_list("Smith, Ann <ann@x.org>")


@pytest.mark.parametrize(
    ("address", "wire", "smtputf8"),
    [
        ("ann@x.org", "ann@x.org", False),
        ("ann@bücher.de", "ann@xn--bcher-kva.de", False),
        ("jürgen@bücher.de", "jürgen@xn--bcher-kva.de", True),
        ("jürgen@x.org", "jürgen@x.org", True),
        ("用户@例え.jp", "用户@xn--r8jz45g.jp", True),
    ],
)
def test_the_wire_has_the_domain_in_a_labels_and_the_local_part_as_it_is(
    address: str, wire: str, smtputf8: bool
) -> None:
    parsed = parse_one(address)
    assert (parsed.address, parsed.wire, parsed.smtputf8) == (address, wire, smtputf8)


NAMES = st.text(st.characters(exclude_categories=["Cc", "Cs"], exclude_characters="\u2028\u2029"), max_size=60)


@settings(max_examples=200, deadline=None)
@given(NAMES | st.text(st.sampled_from('ab ",;:<>@()[]\\.'), max_size=30))
def test_an_address_is_shown_as_it_can_be_read_again(text: str) -> None:
    address = Address(" ".join(text.split()), "ann@x.org")
    assert parse_list(f"{address.shown}, b@x.org") == [address, Address("", "b@x.org")]


@settings(max_examples=300, deadline=None)
@given(st.text(st.characters() | st.sampled_from('ab@.,;<>()"\\[]: \n'), max_size=60))
def test_any_text_gives_addresses_or_a_sentence(text: str) -> None:
    try:
        addresses = parse_list(text)
    except AddressError as refusal:
        str(refusal).encode()
        return
    for address in addresses:
        assert address.wire.rpartition("@")[2].isascii()
        assert not set(address.wire) & set("\r\n\0")


def words(letters: str, *joints: str) -> st.SearchStrategy[str]:
    """Runs of letters with joints between them."""
    pieces = st.tuples(st.text(letters, min_size=1, max_size=30), st.sampled_from(joints))
    return st.lists(pieces, min_size=1, max_size=4).map(lambda each: "".join(word + joint for word, joint in each)[:-1])


@settings(max_examples=500)
@given(st.builds("{}@{}".format, words("az09_+-", "."), words("azxn09", ".", "-")).filter(_PLAIN.fullmatch))
def test_the_library_finds_nothing_to_change_in_a_plain_address(text: str) -> None:
    assert _check(text) == (text, text)


@pytest.mark.parametrize(
    "text", ["ann@x--y.org", "ann@xn--bcher-kva.de", "a" * 65 + "@x.org", "a@" + "x" * 64 + ".org"]
)
def test_what_the_library_would_refuse_or_change_is_no_plain_address(text: str) -> None:
    assert not _PLAIN.fullmatch(text)
