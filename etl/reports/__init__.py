"""Reports: what one listener played, as sections of rows; formats/ writes them for people and programs."""
