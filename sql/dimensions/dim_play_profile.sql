-- Insert new combinations of flags, reasons and sources, and find the key of each.

create temporary table profile_met on commit drop as
select
    met.profile,
    resolved_play.reason_start,
    resolved_play.reason_end,
    resolved_play.is_shuffle,
    resolved_play.is_skipped,
    resolved_play.is_offline,
    resolved_play.is_private,
    resolved_play.country_code,
    resolved_play.ms_played_basis,
    resolved_play.has_recently_played,
    resolved_play.has_extended_export,
    resolved_play.has_account_export,
    resolved_play.has_player
from (
    select
        resolved_play.profile,
        min(resolved_play.resolved_number) as resolved_number
    from resolved_play
    group by resolved_play.profile
) as met
inner join resolved_play on resolved_play.resolved_number = met.resolved_number;

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
select
    profile_met.reason_start,
    profile_met.reason_end,
    profile_met.is_shuffle,
    profile_met.is_skipped,
    profile_met.is_offline,
    profile_met.is_private,
    profile_met.country_code,
    profile_met.ms_played_basis,
    profile_met.has_recently_played,
    profile_met.has_extended_export,
    profile_met.has_account_export,
    profile_met.has_player
from profile_met
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

create temporary table profile_key on commit drop as
select
    profile_met.profile,
    dim_play_profile.play_profile_key
from profile_met
inner join listening.dim_play_profile
    on
        (
            dim_play_profile.reason_start,
            dim_play_profile.reason_end,
            dim_play_profile.is_shuffle,
            dim_play_profile.is_skipped,
            dim_play_profile.is_offline,
            dim_play_profile.is_private,
            dim_play_profile.country_code,
            dim_play_profile.ms_played_basis
        ) is not distinct from (
            profile_met.reason_start,
            profile_met.reason_end,
            profile_met.is_shuffle,
            profile_met.is_skipped,
            profile_met.is_offline,
            profile_met.is_private,
            profile_met.country_code,
            profile_met.ms_played_basis
        )
        and dim_play_profile.has_recently_played = profile_met.has_recently_played
        and dim_play_profile.has_extended_export = profile_met.has_extended_export
        and dim_play_profile.has_account_export = profile_met.has_account_export
        and dim_play_profile.has_player = profile_met.has_player;
