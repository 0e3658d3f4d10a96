"""What the first run brings along: a Redis server and a mailbox."""
