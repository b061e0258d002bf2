-- Forget whose the decisions were that do not stand any longer.
delete from ops.web_decision
where not exists (
    select 1
    from listening.recording_decision
    where recording_decision.decision_key = web_decision.decision_key
)
