"""Catalogue metadata: fetch tracks, artists and albums, and turn them into rows of the dimensions."""
