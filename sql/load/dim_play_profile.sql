-- Combinations of flags, reasons and sources that the batch brings and the warehouse has not met.

create temporary table reported_profile on commit drop as
select
    reported_play.item_number,
    reported_play.reason_start,
    reported_play.reason_end,
    reported_play.is_shuffle,
    reported_play.is_skipped,
    reported_play.is_offline,
    reported_play.is_private,
    reported_play.country_code,
    case
        when reported_play.ms_played is null then null
        when reported_play.source = 'player' then 'measured'
        else 'reported'
    end as ms_played_basis,
    reported_play.source = 'recently_played' as has_recently_played,
    reported_play.source = 'extended_export' as has_extended_export,
    reported_play.source = 'account_export' as has_account_export,
    reported_play.source = 'player' as has_player
from reported_play
where reported_play.item_number not in (select same_listen.item_number from same_listen);

insert into listening.dim_play_profile (
    reason_start,
    reason_end,
    is_shuffle,
    is_skipped,
    is_offline,
    is_private,
    country_code,
    ms_played_basis,
    has_recently_played,
    has_extended_export,
    has_account_export,
    has_player
)
select distinct
    reported_profile.reason_start,
    reported_profile.reason_end,
    reported_profile.is_shuffle,
    reported_profile.is_skipped,
    reported_profile.is_offline,
    reported_profile.is_private,
    reported_profile.country_code,
    reported_profile.ms_played_basis,
    reported_profile.has_recently_played,
    reported_profile.has_extended_export,
    reported_profile.has_account_export,
    reported_profile.has_player
from reported_profile
except
select
    dim_play_profile.reason_start,
    dim_play_profile.reason_end,
    dim_play_profile.is_shuffle,
    dim_play_profile.is_skipped,
    dim_play_profile.is_offline,
    dim_play_profile.is_private,
    dim_play_profile.country_code,
    dim_play_profile.ms_played_basis,
    dim_play_profile.has_recently_played,
    dim_play_profile.has_extended_export,
    dim_play_profile.has_account_export,
    dim_play_profile.has_player
from listening.dim_play_profile
on conflict do nothing;
