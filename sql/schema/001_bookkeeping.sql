-- What the program must remember between runs. Nobody reads reports here, and a BI role has no right to look.

create table ops.login (
    login_key bigint generated always as identity primary key,
    setting_fingerprint text not null unique,
    listener_key integer,
    refresh_token_encrypted text,
    first_seen_at timestamptz not null,
    rotated_at timestamptz,
    refused_at timestamptz,
    refused_reason text
);
comment on table ops.login is 'One row for each refresh token that was ever set as SPOTIFY_REFRESH_TOKEN, and whose listening it opens.';
comment on column ops.login.login_key is 'Surrogate key.';
comment on column ops.login.setting_fingerprint is 'Keyed hash of the token as it was set: enough to know it again, useless for anything else.';
comment on column ops.login.listener_key is 'The listener that Spotify named for this token; null until it was asked.';
comment on column ops.login.refresh_token_encrypted is 'A newer token that Spotify gave in exchange, encrypted; it wins over the setting. Null: the setting is still the token.';
comment on column ops.login.first_seen_at is 'When this setting was first used. A token dies six months after consent, so it is no younger than this.';
comment on column ops.login.rotated_at is 'When Spotify last replaced the token.';
comment on column ops.login.refused_at is 'When Spotify refused the token for good; null while it works.';
comment on column ops.login.refused_reason is 'What Spotify said when it refused.';

create table ops.watermark (
    listener_key integer not null,
    source text not null,
    played_at timestamptz,
    checked_at timestamptz not null,
    primary key (listener_key, source)
);
comment on table ops.watermark is 'How far the record of a listener reaches, one row a source. It measures freshness and gaps; it never keeps a late play out.';
comment on column ops.watermark.listener_key is 'Whose record.';
comment on column ops.watermark.source is 'Which source: recently_played.';
comment on column ops.watermark.played_at is 'The newest play recorded from this source; null when it never had one.';
comment on column ops.watermark.checked_at is 'When the source was last asked with success.';

create table ops.coverage (
    coverage_key bigint generated always as identity primary key,
    listener_key integer not null,
    source text not null,
    state text not null,
    starts_at timestamptz not null,
    ends_at timestamptz not null,
    found_at timestamptz not null,
    unique (listener_key, source, state, starts_at)
);
comment on table ops.coverage is 'The coverage ledger: spans of time of which something is to be said, such as that plays in it were probably lost.';
comment on column ops.coverage.coverage_key is 'Surrogate key.';
comment on column ops.coverage.listener_key is 'Whose listening.';
comment on column ops.coverage.source is 'Which source the span speaks of: recently_played.';
comment on column ops.coverage.state is 'gap: the source had forgotten what lay in the span before it was asked.';
comment on column ops.coverage.starts_at is 'Begin of the span, exclusive: the last play known before it.';
comment on column ops.coverage.ends_at is 'End of the span, exclusive: the first play known after it.';
comment on column ops.coverage.found_at is 'When it was found.';

create table ops.run (
    run_key bigint generated always as identity primary key,
    job text not null,
    listener_key integer,
    started_at timestamptz not null,
    finished_at timestamptz not null,
    outcome text not null,
    received_count integer,
    recorded_count integer,
    program_version text not null
);
comment on table ops.run is 'One row for each run of a job that reached the database.';
comment on column ops.run.run_key is 'Surrogate key.';
comment on column ops.run.job is 'The command: plays or dimensions.';
comment on column ops.run.listener_key is 'For whom; null where a job serves all, or failed before it knew.';
comment on column ops.run.started_at is 'When it began.';
comment on column ops.run.finished_at is 'When it ended.';
comment on column ops.run.outcome is 'done, gap (done, but plays were probably lost before it), waiting (locked out by Spotify for now) or failed.';
comment on column ops.run.received_count is 'Items that Spotify answered with; null when there was no answer.';
comment on column ops.run.recorded_count is 'Of these, the rows that were new or completed.';
comment on column ops.run.program_version is 'Version of the program.';

create table ops.catalogue_call (
    catalogue_call_key bigint generated always as identity primary key,
    called_at timestamptz not null,
    call_count integer not null
);
create index catalogue_call_called_at on ops.catalogue_call (called_at);
comment on table ops.catalogue_call is 'Calls to Spotify''s catalogue, reserved before they are made: the daily budget is their sum over the last 24 hours.';
comment on column ops.catalogue_call.catalogue_call_key is 'Surrogate key.';
comment on column ops.catalogue_call.called_at is 'When they were reserved.';
comment on column ops.catalogue_call.call_count is 'How many: as reserved, and as made once that is known.';

create table ops.catalogue_miss (
    kind text not null,
    spotify_id text not null,
    miss_count integer not null,
    missed_at timestamptz not null,
    primary key (kind, spotify_id)
);
comment on table ops.catalogue_miss is 'Ids that Spotify''s catalogue does not know, or gives no answer about. Asked again on other days, a few times at most.';
comment on column ops.catalogue_miss.kind is 'artist, track, album or episode.';
comment on column ops.catalogue_miss.spotify_id is 'The id asked for.';
comment on column ops.catalogue_miss.miss_count is 'How often it was not found; 0: there was no answer.';
comment on column ops.catalogue_miss.missed_at is 'When it was last asked for in vain.';

create table ops.refusal (
    endpoint text not null,
    client_fingerprint text not null,
    refused_at timestamptz not null,
    primary key (endpoint, client_fingerprint)
);
comment on table ops.refusal is 'Endpoints that Spotify refuses to this app for good, so that they are not tried at every run.';
comment on column ops.refusal.endpoint is 'Such as artists?ids=.';
comment on column ops.refusal.client_fingerprint is 'Hash of the client id that was refused: another app is asked anew.';
comment on column ops.refusal.refused_at is 'When it was refused.';

create table ops.pause (
    scope text primary key,
    resume_at timestamptz not null,
    reason text not null,
    noted_at timestamptz not null
);
comment on table ops.pause is 'Until when Spotify wants to be left alone. Looked at before the first call of a run, and never slept through.';
comment on column ops.pause.scope is 'catalogue, or plays and whose: a lock on one never stops the other.';
comment on column ops.pause.resume_at is 'No call before this moment.';
comment on column ops.pause.reason is 'What Spotify said: QUOTA_EXCEEDED or rate limit.';
comment on column ops.pause.noted_at is 'When it said so.';

create table ops.lease (
    job text primary key,
    holder text not null,
    expires_at timestamptz not null
);
comment on table ops.lease is 'Who is at a long job right now: a lock that outlives a transaction, and a killed holder too, but not for long.';
comment on column ops.lease.job is 'The command.';
comment on column ops.lease.holder is 'A random name of the run.';
comment on column ops.lease.expires_at is 'From this moment anybody may take it over.';
