"""The state of a warehouse: checks, the findings that need a person, and their text."""
