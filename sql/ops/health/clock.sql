-- What time the database thinks it is.
select clock_timestamp() as now_at
