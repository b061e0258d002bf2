-- Write down whose a decision about recordings is.
insert into ops.web_decision (
    decision_key,
    listener_key
)
values (
    :decision_key,
    :listener_key
)
on conflict (decision_key) do nothing
