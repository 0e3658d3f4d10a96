"""The only reader of the environment and of ``.env``: one frozen object, or one line that says what is wrong."""

from __future__ import annotations

import hashlib
import ipaddress
import os
import secrets
import stat
import tempfile
from functools import cached_property
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, SecretStr, ValidationError, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from tasks.domain.errors import StartError
from tasks.domain.lists import one_address
from tasks.domain.wording import Wrong
from tasks.redis_address import REDIS_SCHEMES, SOCKET_PATH_LIMIT, RedisAddress, must_start_with

LOCAL_FROM = "postroom@mailbox.test"
Port = Annotated[int, Field(ge=1, le=65535)]


def _redis_url(text: str | None) -> str | None:
    if not text:
        return None
    RedisAddress.parse(text)
    return text


def _broker_url(text: str | None) -> str | None:
    if not text or urlsplit(text).scheme in REDIS_SCHEMES:
        return _redis_url(text)
    if not _is_amqp(text):
        raise ValueError(must_start_with(*REDIS_SCHEMES, "amqp", "amqps"))
    if not urlsplit(text).hostname:
        raise ValueError("it names no host")
    return text


def _is_amqp(text: str) -> bool:
    return text.startswith(("amqp://", "amqps://"))


def _loopback(host: str) -> str:
    if host == "localhost":
        return host
    try:
        if ipaddress.ip_address(host).is_loopback:
            return host
    except ValueError:
        pass
    raise ValueError(
        f"{host} is not a loopback address. Postroom has no users and passwords yet, so it serves this machine only: "
        "use 127.0.0.1 (and a tunnel or a proxy with a login, should others need it)"
    )


def _sender(text: str | None) -> str | None:
    if not text:
        return None
    try:
        one_address(text)
    except Wrong as wrong:
        raise ValueError(" ".join(sentence for _, sentence in wrong.problems)) from None
    return text


RedisUrl = Annotated[str | None, AfterValidator(_redis_url)]
BrokerUrl = Annotated[str | None, AfterValidator(_broker_url)]


class Settings(BaseSettings):
    """Every setting, under its environment name in lower case. ``.env.example`` explains each."""

    model_config = SettingsConfigDict(env_file=".env", env_ignore_empty=True, extra="ignore", frozen=True)

    host: Annotated[str, AfterValidator(_loopback)] = "127.0.0.1"
    port: Port = 8000
    mailbox_port: Port = 1025
    web_processes: int = Field(default=2, ge=1, le=64)
    data_dir: Path = Path("var")
    secret_key: SecretStr | None = None
    development: bool = False

    redis_url: RedisUrl = None
    redis_backend_url: RedisUrl = None
    redis_broker_url: BrokerUrl = None
    redis_fsync: Literal["always", "everysec"] = "always"
    key_prefix: str = Field(default="postroom:", max_length=64)

    smtp_host: str | None = None
    smtp_port: Port | None = None
    smtp_tls: Literal["starttls", "implicit", "none"] | None = None
    smtp_ca_file: Path | None = None
    smtp_username: str | None = None
    smtp_password: SecretStr | None = None
    smtp_timeout_seconds: float = Field(default=60, gt=0, le=600)
    smtp_sessions: int = Field(default=16, ge=1, le=100)
    email_from: Annotated[str | None, AfterValidator(_sender)] = None

    worker_processes: int = Field(default=2, ge=1, le=64)
    worker_threads: int = Field(default=1, ge=1, le=64)
    max_attempts: int = Field(default=8, ge=1, le=100)
    give_up_after_seconds: int = Field(default=86_400, ge=1, le=2_592_000)
    retry_backoff_seconds: float = Field(default=10, gt=0, le=3600)
    retry_backoff_max_seconds: float = Field(default=3600, gt=0, le=86_400)
    lease_seconds: float = Field(default=15, ge=1, le=600)
    shutdown_seconds: float = Field(default=30, ge=1, le=600)
    replay_seconds: float = Field(default=-1, ge=-1, le=60)
    retention_days: float = Field(default=30, gt=0, le=3650)
    max_message_bytes: int = Field(default=25_000_000, ge=10_000, le=100_000_000)

    @model_validator(mode="after")
    def _login_is_whole(self) -> Settings:
        if (self.smtp_username is None) != (self.smtp_password is None):
            raise ValueError("SMTP_USERNAME and SMTP_PASSWORD go together: set both or neither")
        if self.smtp_username is not None and self.tls == "none":
            raise ValueError("SMTP_USERNAME with SMTP_TLS=none would send the password in clear text")
        return self

    @model_validator(mode="after")
    def _replay_is_decided(self) -> Settings:
        """Only a Redis that may forget its last second needs to be reminded; what an external one does is not known."""
        if self.replay_seconds < 0:
            never_forgets = self.embeds_redis and self.redis_fsync == "always"
            object.__setattr__(self, "replay_seconds", 0.0 if never_forgets else 5.0)
        return self

    @property
    def result_seconds(self) -> int:
        """How long Celery's own records of jobs last."""
        return min(int(self.retention_days * 86_400), 86_400)

    @property
    def embeds_redis(self) -> bool:
        """No Redis was named, so the first run starts its own."""
        return self._store_url is None

    @property
    def embeds_mailbox(self) -> bool:
        """No relay was named, so mail goes to the local mailbox."""
        return self.smtp_host is None

    @property
    def socket_path(self) -> Path:
        """The embedded Redis's socket; in a short private directory where ``DATA_DIR`` is too deep for one."""
        path = self.data_dir.resolve() / "redis.sock"
        if len(os.fsencode(path)) <= SOCKET_PATH_LIMIT:
            return path
        digest = hashlib.sha256(os.fsencode(path)).hexdigest()[:16]
        return Path(tempfile.gettempdir()) / f"postroom-{os.getuid()}" / f"{digest}.sock"

    @cached_property
    def store(self) -> RedisAddress:
        """Where the jobs are."""
        return RedisAddress.parse(self._store_url) if self._store_url else RedisAddress(path=str(self.socket_path))

    @property
    def _store_url(self) -> str | None:
        return self.redis_backend_url or self.redis_url or (None if self.broker_is_amqp else self.redis_broker_url)

    @property
    def broker_is_amqp(self) -> bool:
        """Celery's queue is in RabbitMQ, or what else speaks AMQP 0-9-1; the jobs are in Redis all the same."""
        return _is_amqp(self.redis_broker_url or "")

    @cached_property
    def broker(self) -> str:
        """Where Celery's queue is, as Celery spells it."""
        named = self.redis_broker_url or self.redis_url
        if named is None:
            return self.store.for_celery()
        return named if self.broker_is_amqp else RedisAddress.parse(named).for_celery()

    @property
    def one_redis(self) -> bool:
        """Broker and store are the same database, so that a wake-up can be part of ``accept``."""
        return self.broker == self.store.for_celery()

    @property
    def tls(self) -> str:
        """How the relay is spoken to: ``starttls`` unless said otherwise, ``none`` to the local mailbox."""
        return self.smtp_tls or ("none" if self.embeds_mailbox else "starttls")

    @property
    def relay_address(self) -> tuple[str, int]:
        """Host and port that messages are handed to."""
        if self.smtp_host is None:
            return "127.0.0.1", self.mailbox_port
        return self.smtp_host, self.smtp_port or {"implicit": 465, "starttls": 587, "none": 25}[self.tls]

    @property
    def relay_name(self) -> str:
        """Where mail goes, as every page says it."""
        return "local mailbox" if self.embeds_mailbox else f"{self.smtp_host}:{self.relay_address[1]}"

    @property
    def default_from(self) -> str | None:
        """The From of a job that names none; None where one must be named."""
        return self.email_from or (LOCAL_FROM if self.embeds_mailbox else None)

    def read_secret_key(self) -> bytes:
        """The key that signs forms and cookies: ``SECRET_KEY``, or one made once and kept in ``DATA_DIR``."""
        if self.secret_key is not None:
            return self.secret_key.get_secret_value().encode()
        path = self.data_dir / "secret_key"
        self.data_dir.mkdir(parents=True, exist_ok=True)
        try:
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, stat.S_IRUSR | stat.S_IWUSR)
        except FileExistsError:
            return path.read_bytes()
        with os.fdopen(descriptor, "wb") as file:
            file.write(secrets.token_hex(32).encode())
        return path.read_bytes()


def load() -> Settings:
    """The settings of this process; :class:`StartError` with one line where one is wrong."""
    try:
        return Settings()
    except ValidationError as problem:
        raise StartError("; ".join(_line(error["loc"], error["msg"]) for error in problem.errors())) from None


def _line(place: tuple[int | str, ...], message: str) -> str:
    text = message.removeprefix("Value error, ")
    return f"{str(place[0]).upper()}: {text}" if place else text
