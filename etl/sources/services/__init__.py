"""Histories that other services keep of what was played: one small reader for each, all of which make the same rows."""
