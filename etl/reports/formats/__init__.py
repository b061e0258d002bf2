"""A report as text, Markdown, HTML, JSON or CSV."""
