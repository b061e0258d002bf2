-- Rows of the account export that tell a listen again for which another of its rows stands already: what the extended export told
-- again under a later date, it tells again in the minute of that date; and a listen by two artists may be under either name.

insert into same_listen (
    told_number,
    other_number,
    other_source
)
select
    min(stands.told_number),
    minuted.told_number,
    'account_export'
from told_play as minuted
inner join (
    select
        exported.told_number,
        exported.track_key,
        date_trunc('minute', exported.last_told_at) as told_at,
        exported.ms_played
    from told_play as exported
    where
        exported.source = 'extended_export'
        and exported.last_told_at > exported.told_at
    union all
    select
        same_listen.told_number,
        told.track_key,
        paired.told_at,
        paired.ms_played
    from same_listen
    inner join told_play as paired on paired.told_number = same_listen.other_number
    inner join told_play as told on told.told_number = same_listen.told_number
    where same_listen.other_source = 'account_export'
) as stands
    on
        stands.told_at = minuted.told_at
        and stands.ms_played = minuted.ms_played
where
    minuted.source = 'account_export'
    and minuted.told_number not in (select same_listen.other_number from same_listen)
    and exists (
        select 1
        from listening.track_alias as one
        inner join listening.track_alias as other on other.name_hash = one.name_hash
        where
            one.track_key = minuted.track_key
            and other.track_key = stands.track_key
    )
group by minuted.told_number;
