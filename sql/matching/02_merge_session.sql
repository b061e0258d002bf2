-- For this transaction: room to hash an import in memory; no sorting of a million wide rows to join them with a handful, which is what
-- the planner does where it can't know that it is a handful; and no compiling of queries that run once.
select
    set_config('work_mem', '128MB', true),
    set_config('enable_mergejoin', 'off', true),
    set_config('jit', 'off', true)
