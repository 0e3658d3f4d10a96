"""The engine: it takes jobs, keeps them in Redis and delivers them over SMTP. It knows nothing of the web."""
