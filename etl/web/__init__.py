"""The web application and its JSON API: what one listener reads of their own record in a browser.

Requests go through `security` (headers, origin, sizes, rates) to `pages` and the API. A listener's rows are read in
transactions that `records` confines to them, by row-level security besides the filter of each query; `sessions` says
who asks. Nothing imports this package but `brapped serve`.
"""
