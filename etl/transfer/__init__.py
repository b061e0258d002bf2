"""A warehouse to another host, to a file, and back."""
