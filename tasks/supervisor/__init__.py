"""``python -m tasks.supervisor`` runs the processes of the ``Procfile`` together; ``make run`` ends in it.

Why not a library: honcho signals all at once and kills after five seconds; circus and supervisor are daemons with
configurations and sockets of their own, and neither waits for one process to answer before it starts the next.
"""
