"""Alerts: GitHub issues, a webhook, a watchdog. Standard library only: `python -m etl.alerts` needs no package."""
