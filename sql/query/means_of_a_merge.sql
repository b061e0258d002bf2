-- For this transaction: room to hash an import in memory, and no compiling of queries that run once.
select
    set_config('work_mem', '64MB', true),
    set_config('jit', 'off', true)
