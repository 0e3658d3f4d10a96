"""Redis alone: every key, every Lua call, every read."""
