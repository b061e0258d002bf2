-- From here on in the transaction the listener's rules leave plays out again; see with_excluded.
set local brapped.with_excluded = 'off'
