"""Talking SMTP to the relay."""
