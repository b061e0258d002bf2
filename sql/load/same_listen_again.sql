-- What the extended export told again under a later date, the account export told again in the minute of that date: that row is
-- the same listen, though another one stands for it already.

insert into same_listen (
    told_number,
    other_number,
    other_source
)
select
    min(exported.told_number),
    minuted.told_number,
    'account_export'
from told_play as exported
inner join told_play as minuted
    on
        minuted.source = 'account_export'
        and minuted.told_at = date_trunc('minute', exported.last_told_at)
        and minuted.ms_played = exported.ms_played
where
    exported.source = 'extended_export'
    and exported.last_told_at > exported.told_at
    and minuted.told_number not in (select same_listen.other_number from same_listen)
    and minuted.told_number not in (select same_listen.told_number from same_listen)
    and exists (
        select 1
        from listening.track_alias as one
        inner join listening.track_alias as other on other.name_hash = one.name_hash
        where
            one.track_key = minuted.track_key
            and other.track_key = exported.track_key
    )
group by minuted.told_number;
