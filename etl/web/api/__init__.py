"""The JSON API below /api/v1: the same numbers as the pages and reports, for programs.

A key of the listener opens it, or their session in a browser for what only reads (`readers`). Questions go through the
files of sql/reports/ in few round trips (`reading`). Every refusal is an RFC 9457 problem (`problems`), every answer
has an ETag (`answers`). `description` makes the OpenAPI of it.
"""
