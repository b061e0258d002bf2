-- Settings for this transaction. Enough memory to hash a whole import. No merge joins: the planner can't know that one
-- side is a handful of rows, and would sort a million wide rows to join them. No compilation of queries that run once.
-- Temporary tables are analyzed by a small sample, which is enough to choose how to join them.
select
    set_config('work_mem', '128MB', true),
    set_config('enable_mergejoin', 'off', true),
    set_config('jit', 'off', true),
    set_config('default_statistics_target', '10', true)
