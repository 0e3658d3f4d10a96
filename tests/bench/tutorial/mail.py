"""What every tutorial's Celery worker does: a task a mail, a message by the standard library, a connection a mail."""

from __future__ import annotations

import os
import smtplib
from email.message import EmailMessage

from celery import Celery

app = Celery("tutorial", broker=os.environ["TUTORIAL_REDIS"], backend=os.environ["TUTORIAL_REDIS"])
app.conf.broker_connection_retry_on_startup = True


def _send_email(to: str, subject: str, text: str, html: str | None = None) -> str:
    message = EmailMessage()
    message["From"] = "tutorial@bench.test"
    message["To"] = to
    message["Subject"] = subject
    message.set_content(text)
    if html:
        message.add_alternative(html, subtype="html")
    with smtplib.SMTP("127.0.0.1", int(os.environ["TUTORIAL_SMTP_PORT"]), timeout=60) as smtp:
        smtp.send_message(message)
    return f"sent to {to}"


send_email = app.task(
    name="tutorial.send_email",
    autoretry_for=(smtplib.SMTPException, OSError),
    retry_backoff=10,
    retry_jitter=True,
    max_retries=5,
)(_send_email)
