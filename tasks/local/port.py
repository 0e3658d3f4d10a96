"""Is a port free?"""

from __future__ import annotations

import socket

from tasks.domain.errors import StartError


def require_free(name: str, host: str, port: int) -> None:
    """StartError where somebody listens there. (The web server would share a port with its like and not notice.)"""
    family, kind, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    with socket.socket(family, kind) as trial:
        trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            trial.bind(address)
            trial.listen(1)
        except OSError as problem:
            raise StartError(
                f"{name}: cannot listen on {host}:{port} ({problem.strerror}): set {name} to a free port"
            ) from None
