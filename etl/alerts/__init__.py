"""Alerts: GitHub issues, a webhook, a watchdog. Standard library only, so that `python -m etl.alerts` needs nothing installed."""
