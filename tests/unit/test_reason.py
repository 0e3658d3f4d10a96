"""Replies that differ only in addresses, ids, numbers, times and hosts are one group; two reasons are two."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.domain.reason import group_of


@pytest.mark.parametrize(
    ("replies", "group"),
    [
        pytest.param(
            [
                "550 5.1.1 <ann@b.test> queue id 4Xy12 rejected",
                "550 5.1.1 <bob.smith+x@c.example> queue id 4Zk9T3b rejected",
            ],
            "550 5.1.1 <address> queue id <id> rejected",
            id="as in the issue",
        ),
        pytest.param(
            [
                "550 5.1.1 The email account that you tried to reach does not exist. For more information, go to "
                "https://support.google.com/mail/?p=NoSuchUser a640c23a62f3a-a99fb1a52c5si123456b.123 - gsmtp",
                "550 5.1.1 The email account that you tried to reach does not exist. For more information, go to "
                "https://support.google.com/mail/?p=NoSuchUser d9443c01a7336-1f4ed20b7a9si98765ad.77 - gsmtp",
            ],
            "550 5.1.1 The email account that you tried to reach does not exist. For more information, go to "
            "https://support.google.com/mail/?p=NoSuchUser <id> - gsmtp",
            id="Gmail, no such user",
        ),
        pytest.param(
            [
                "550 5.7.26 This mail has been blocked because the sender is unauthenticated. SPF [shop.test] with "
                "ip: [192.0.2.7] = did not pass",
                "550 5.7.26 This mail has been blocked because the sender is unauthenticated. SPF [shop.test] with "
                "ip: [2001:db8::17:2] = did not pass",
            ],
            "550 5.7.26 This mail has been blocked because the sender is unauthenticated. SPF [shop.test] with "
            "ip: [<ip>] = did not pass",
            id="Gmail, unauthenticated",
        ),
        pytest.param(
            [
                "550 5.4.1 Recipient address rejected: Access denied. [BL1NAM02FT001.eop-nam02.prod.protection.outlook"
                ".com 2026-11-24T08:36:52.123Z 08DD0C5A1B2C3D4E]",
                "550 5.4.1 Recipient address rejected: Access denied. [DB5EUR03FT042.eop-EUR03.prod.protection.outlook"
                ".com 2026-12-01T00:00:01.007Z 08DD0C5F99AA0011]",
            ],
            "550 5.4.1 Recipient address rejected: Access denied. [<id>.<id>.prod.protection.outlook.com <time> <id>]",
            id="Outlook, access denied",
        ),
        pytest.param(
            [
                "550 5.7.1 Unfortunately, messages from [192.0.2.7] weren't sent. Part of their network is on our block"
                " list (S3140). [Name=Protocol Filter Agent][AGT=PFA][MxId=11BB3C2D4E5F6A7B] [AM6EUR05FT051.mail.test]",
                "550 5.7.1 Unfortunately, messages from [192.0.2.9] weren't sent. Part of their network is on our block"
                " list (S3140). [Name=Protocol Filter Agent][AGT=PFA][MxId=11AA4455667788FF] [VE1EUR03FT003.mail.test]",
            ],
            "550 5.7.1 Unfortunately, messages from [<ip>] weren't sent. Part of their network is on our block list "
            "(S3140). [Name=Protocol Filter Agent][AGT=PFA][MxId=<id>] [<id>.mail.test]",
            id="Outlook, block list",
        ),
        pytest.param(
            [
                "550 5.1.1 <ann@b.test>: Recipient address rejected: User unknown in virtual mailbox table",
                "550 5.1.1 <zoë@b.test>: Recipient address rejected: User unknown in virtual mailbox table",
            ],
            "550 5.1.1 <address>: Recipient address rejected: User unknown in virtual mailbox table",
            id="Postfix, no such user",
        ),
        pytest.param(
            [
                "552 5.3.4 Message size 20971520 exceeds fixed limit of 10240000 bytes",
                "552 5.3.4 Message size 31457280 exceeds fixed limit of 10240000 bytes",
            ],
            "552 5.3.4 Message size <number> exceeds fixed limit of <number> bytes",
            id="Postfix, too large",
        ),
        pytest.param(
            [
                "554 5.7.1 Service unavailable; Client host [192.0.2.7] blocked using zen.spamhaus.org; "
                "https://www.spamhaus.org/query/ip/192.0.2.7",
                "554 5.7.1 Service unavailable; Client host [198.51.100.250] blocked using zen.spamhaus.org; "
                "https://www.spamhaus.org/query/ip/198.51.100.250",
            ],
            "554 5.7.1 Service unavailable; Client host [<ip>] blocked using zen.spamhaus.org; "
            "https://www.spamhaus.org/query/ip/<ip>",
            id="Postfix, a block list",
        ),
        pytest.param(
            [
                "451 Temporary local problem, id=1rXyZa-0001Ab-CD",
                "451 Temporary local problem, id=1tQw3E-00000005kLm-2x",
            ],
            "451 Temporary local problem, id=<id>",
            id="Exim, old ids and new",
        ),
        pytest.param(
            [
                "550 Spam score 12.3 (limit 5.0), try again in 5 minutes",
                "550 Spam score 9.07 (limit 5.0), try again in 12 minutes",
            ],
            "550 Spam score <number> (limit <number>), try again in <number> minutes",
            id="Exim, a score",
        ),
        pytest.param(
            [
                "554 Message rejected: Email address is not verified. The following identities failed the check in "
                "region EU-WEST-1: ann@shop.test",
                "554 Message rejected: Email address is not verified. The following identities failed the check in "
                "region EU-WEST-1: Bob@shop.test",
            ],
            "554 Message rejected: Email address is not verified. The following identities failed the check in "
            "region EU-WEST-1: <address>",
            id="Amazon SES, not verified",
        ),
        pytest.param(
            [
                "454 Throttling failure: Daily message quota exceeded "
                "0100018d1234abcd-12345678-1234-1234-1234-123456789012-000000",
                "454 Throttling failure: Daily message quota exceeded "
                "0102019abcde0012-deadbeef-0000-4abc-9def-aabbccddeeff-000000",
            ],
            "454 Throttling failure: Daily message quota exceeded <id>",
            id="Amazon SES, throttled",
        ),
        pytest.param(
            ["421 mx01.example.org closed at Tue, 24 Nov 2026 08:36:52 +0000", "421 mx12.example.org closed at 09:00"],
            "421 <id>.example.org closed at <time>",
            id="hosts and times",
        ),
    ],
)
def test_replies_of_one_reason_have_one_group(replies: list[str], group: str) -> None:
    assert [group_of(reply) for reply in replies] == [group[:200]] * len(replies)


@pytest.mark.parametrize(
    "reply",
    [
        "550 5.1.1 No such mailbox here",
        "550 5.7.1 refused by policy (S3150), see RFC 5322 section 2.1 and use TLS 1.2",
        "421 RP-001 The mail server IP connecting to Outlook.com server has exceeded the rate limit",
        "554 OU-002 refused",
        "421 4.7.0 [TSS04] Messages temporarily deferred due to user complaints",
        "530 5.7.0 Must issue a STARTTLS command with TLSv1.2 first, see DKIM2 and SHA256 in base64",
        "451 4.7.500-699 Server busy",
        "550 AUP#In-1010 refused at example.org",
        "Its worker was lost three times while sending it, and nothing else.",
        "",
    ],
)
def test_words_and_codes_stay_as_they_are(reply: str) -> None:
    assert group_of(reply) == reply


def test_a_long_reply_is_cut_and_one_of_several_lines_is_one_line() -> None:
    assert group_of("550 two\r\n lines  here") == "550 two lines here"
    assert len(group_of("550 " + "very " * 400)) == 200


@given(st.text(max_size=3000))
def test_any_reply_has_a_group_and_a_group_is_its_own(reply: str) -> None:
    group = group_of(reply)
    assert len(group) <= 200
    assert "\n" not in group
