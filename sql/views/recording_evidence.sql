-- Grain: a track that is one recording with others, and why.

create or replace view listening.recording_evidence with (security_invoker = true) as
select
    dim_track.track_key,
    dim_track.recording_key,
    case
        when shared.is_decided then 'decided by a person'
        when shared.has_isrc_and_name then 'same ISRC and name'
        when shared.has_isrc_and_length then 'same ISRC and length'
        when shared.has_name_and_length then 'same name, artist and length'
        when shared.has_name_alone and dim_track.track_uri like 'name:%' then 'known by name alone'
        when shared.has_name_alone then 'same name as one known by name alone'
        else 'decided by a person'
    end as evidence
from listening.dim_track
cross join lateral (
    select
        coalesce(bool_or(likeness.is_decided), false) as is_decided,
        coalesce(bool_or(likeness.has_isrc and likeness.has_name), false) as has_isrc_and_name,
        coalesce(bool_or(likeness.has_isrc and likeness.has_length), false) as has_isrc_and_length,
        coalesce(bool_or(likeness.has_name and likeness.has_length and not likeness.has_two_isrcs), false)
            as has_name_and_length,
        coalesce(bool_or(likeness.has_name and likeness.is_by_name), false) as has_name_alone
    from listening.dim_track as other
    cross join lateral (
        select
            other.isrc = dim_track.isrc as has_isrc,
            coalesce(other.isrc <> dim_track.isrc, false) as has_two_isrcs,
            abs(other.duration_ms - dim_track.duration_ms) <= 2000 as has_length,
            other.track_uri like 'name:%' or dim_track.track_uri like 'name:%' as is_by_name,
            other.track_key in (
                select track_namesake.namesake_track_key
                from listening.track_namesake
                where track_namesake.track_key = dim_track.track_key
            ) as has_name,
            (
                least(other.track_uri collate "C", dim_track.track_uri collate "C"),
                greatest(other.track_uri collate "C", dim_track.track_uri collate "C")
            ) in (
                select
                    recording_decision.track_uri,
                    recording_decision.other_track_uri
                from listening.recording_decision
                where recording_decision.is_same
            ) as is_decided
    ) as likeness
    where
        other.recording_key = dim_track.recording_key
        and other.track_key <> dim_track.track_key
) as shared
where dim_track.recording_key is not null;

comment on view listening.recording_evidence is
    'Why a track is one recording with others: one row a track that is.';
comment on column listening.recording_evidence.track_key is 'The track.';
comment on column listening.recording_evidence.recording_key is 'The track_key that stands for the recording.';
comment on column listening.recording_evidence.evidence is
    'What it shares with one of the others: same ISRC and name; same ISRC and length; same name, artist and length; '
    'known by name alone; same name as one known by name alone. '
    'Lengths are the same within two seconds. decided by a person: they merged it with one of '
    'the others, or it came along.';
