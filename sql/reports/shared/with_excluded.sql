-- From here to the end of the transaction the listener's rules leave nothing out; see kept_plays.
set local brapped.with_excluded = 'on'
