"""Alerts: GitHub issues, a webhook, a watchdog. Standard library only, so that `python -m etl.alerts.ledger` needs nothing installed."""
