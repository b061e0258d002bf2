-- The player recorder: which one watches a listener, and what it knows of each play beyond an observation.

-- Grain: a listener whom a recorder watches.
create table ops.recorder (
    listener_key integer primary key,
    holder_id text not null,
    host_name text not null,
    claimed_at timestamptz not null,
    flushed_at timestamptz,
    answered_at timestamptz,
    call_count integer,
    call_date date,
    refused_count integer not null default 0,
    released_at timestamptz
);
comment on table ops.recorder is
    'Who watches the player of a listener. One recorder at a time: another one would ask twice for the same.';
comment on column ops.recorder.listener_key is 'Whose player.';
comment on column ops.recorder.holder_id is 'The recorder, by a random number in its spool.';
comment on column ops.recorder.host_name is 'Name of the computer that it runs on.';
comment on column ops.recorder.claimed_at is 'Since when it watches this listener.';
comment on column ops.recorder.flushed_at is
    'When it last wrote here. It writes when something was played, so days without music bring no sign of it.';
comment on column ops.recorder.answered_at is 'Its last answer from Spotify, as of then.';
comment on column ops.recorder.call_count is 'How often its app had asked about players on call_date, as of then.';
comment on column ops.recorder.call_date is 'The day (UTC) of call_count.';
comment on column ops.recorder.refused_count is 'Observations that this database refused; they are in the spool.';
comment on column ops.recorder.released_at is 'When it ended in good order; null while it runs, or if it was killed.';

-- Grain: an observation of the player. 76 to 100 bytes a row and 44 in its only index.
create table listening.player_observation (
    observed_at timestamptz not null,
    listener_key integer not null,
    track_key integer not null,
    start_within_ms integer,
    end_within_ms integer not null,
    ms_within integer,
    progress_ms integer not null,
    pause_count smallint not null,
    seek_count smallint not null,
    device_change_count smallint not null,
    sequence smallint not null,
    is_complete boolean,
    is_smart_shuffle boolean,
    repeat_mode text,
    start_basis text not null,
    end_basis text not null,
    primary key (listener_key, observed_at, track_key, sequence)
);
comment on table listening.player_observation is
    'What the player recorder knows of its observations besides the row in listening.observation of the same key.';
comment on column listening.player_observation.observed_at is 'When the play ended.';
comment on column listening.player_observation.listener_key is 'Who listened.';
comment on column listening.player_observation.track_key is 'What was played.';
comment on column listening.player_observation.sequence is 'As in listening.observation.';
comment on column listening.player_observation.start_basis is
    'How the start is known. seen: it began while watched. progress: it was under way, so long as its progress says. '
    'changed: it began in the middle. resumed: it was taken up again.';
comment on column listening.player_observation.end_basis is
    'How the end is known. next: another item began. length: it reached its end. paused: it was paused and not resumed. '
    'stopped: it was gone at the next answer. bounded: answers were missing, it ended by then. stalled: it stood still.';
comment on column listening.player_observation.start_within_ms is
    'How far off the start may be, in milliseconds. Null: nobody knows.';
comment on column listening.player_observation.end_within_ms is 'How far off the end may be, in milliseconds.';
comment on column listening.player_observation.ms_within is
    'How far off the milliseconds listened may be. Null: nobody knows.';
comment on column listening.player_observation.progress_ms is 'Where in the item it ended, in milliseconds.';
comment on column listening.player_observation.is_complete is
    'Whether it reached the end of the item. Null: the length of the item is unknown.';
comment on column listening.player_observation.pause_count is 'How often it was paused and resumed.';
comment on column listening.player_observation.seek_count is 'How often the listener moved within it.';
comment on column listening.player_observation.device_change_count is 'How often it moved to another device.';
comment on column listening.player_observation.is_smart_shuffle is 'Whether smart shuffle was on. Null: not said.';
comment on column listening.player_observation.repeat_mode is 'off, track or context; null: not said.';

-- Device and context come from the player: it saw them. Reasons and flags come from the export, which knows more of them.
alter table listening.source add column profile_rank smallint;
comment on column listening.source.device_rank is 'Rank for the device. Null: it never gives one.';
comment on column listening.source.profile_rank is 'Rank for the reasons and flags. Null: it never gives them.';

update listening.source
set
    context_rank = ranked.context_rank,
    device_rank = ranked.device_rank,
    profile_rank = ranked.profile_rank
from (
    values
    ('player', 1, 1, 2),
    ('recently_played', 2, null, null),
    ('extended_export', null, 2, 1)
) as ranked (source_name, context_rank, device_rank, profile_rank)
where source.source_name = ranked.source_name;

-- Without this permission of its own a recorder can't ask, and the hourly list goes on.
alter table ops.login add column has_player_scope boolean;
comment on column ops.login.has_player_scope is
    'Whether Spotify lets this login ask what plays (user-read-playback-state). Null: it has not said.';
