-- What it takes to go on unattended: when a listener agreed, logins under way, and a ledger of what is covered.

alter table ops.login add column consented_at timestamptz;
comment on table ops.login is 'One row for each refresh token that was set as SPOTIFY_REFRESH_TOKEN or that brapped login got, and whose listening it opens.';
comment on column ops.login.setting_fingerprint is 'Keyed hash of the token as it was set, or as Spotify gave it first: enough to know it again, useless for anything else.';
comment on column ops.login.refresh_token_encrypted is 'The token as brapped login got it, or a newer one that Spotify gave in exchange, encrypted; it wins over the setting. Null: the setting is still the token.';
comment on column ops.login.first_seen_at is 'When this token was first used or got. Spotify lets it live six months from the consent, which is no later.';
comment on column ops.login.consented_at is 'When the listener agreed. Null for a token that was only set: then first_seen_at is the best that is known.';

create table ops.consent (
    state_fingerprint text primary key,
    verifier_encrypted text not null,
    redirect_uri text not null,
    asked_at timestamptz not null
);
comment on table ops.consent is 'Logins under way that are finished by another run: whoever agrees comes back with this state. A row lives an hour, and serves once.';
comment on column ops.consent.state_fingerprint is 'Keyed hash of the state that the address held.';
comment on column ops.consent.verifier_encrypted is 'The secret of the trip (PKCE) that goes with the code, encrypted.';
comment on column ops.consent.redirect_uri is 'Where Spotify sends the listener back to.';
comment on column ops.consent.asked_at is 'When the address was shown.';

alter table ops.watermark add column window_starts_at timestamptz;
comment on column ops.watermark.window_starts_at is 'The oldest play that the source told when it last told any; null while it never has.';

update ops.watermark
set window_starts_at = page.oldest_at
from (
    select
        latest.listener_key,
        min(latest.played_at) as oldest_at
    from (
        select
            fact_play.listener_key,
            fact_play.played_at,
            row_number() over (
                partition by fact_play.listener_key
                order by fact_play.played_at desc
            ) as place
        from listening.fact_play
        inner join listening.dim_play_profile on dim_play_profile.play_profile_key = fact_play.play_profile_key
        where dim_play_profile.has_recently_played
    ) as latest
    where latest.place <= 50
    group by latest.listener_key
) as page
where
    watermark.listener_key = page.listener_key
    and watermark.source = 'recently_played';

alter table ops.coverage
    add column reason text,
    add column closed_at timestamptz,
    add column closed_by text;
comment on table ops.coverage is 'The coverage ledger: which spans of time a source tells of in full, and which may hold losses.';
comment on column ops.coverage.source is 'Which source the span speaks of: recently_played, extended_export or account_export.';
comment on column ops.coverage.state is 'covered: the source tells of all of it. gap: the source had forgotten some of it before it was asked.';
comment on column ops.coverage.starts_at is 'Begin of the span; of a gap exclusive: the last play known before it.';
comment on column ops.coverage.ends_at is 'End of the span; of a gap exclusive: the first play known after it. Of a covered one, the last look.';
comment on column ops.coverage.found_at is 'When it was found, or first looked at.';
comment on column ops.coverage.reason is 'Why a gap could come about. run_missing: no run reached the database for hours. outage: runs failed. full_window: more was played than the list holds, between two runs on time; or plays came late, at its very end.';
comment on column ops.coverage.closed_at is 'When an export brought what the gap had lost; null while it is open.';
comment on column ops.coverage.closed_by is 'Which source brought it.';

insert into ops.coverage (
    listener_key,
    source,
    state,
    starts_at,
    ends_at,
    found_at
)
select
    span.listener_key,
    span.source,
    'covered',
    span.starts_at,
    span.ends_at,
    span.found_at
from (
    select
        edge.listener_key,
        edge.source,
        edge.starts_at,
        coalesce(
            (
                select min(gap.starts_at)
                from ops.coverage as gap
                where
                    gap.listener_key = edge.listener_key
                    and gap.source = edge.source
                    and gap.state = 'gap'
                    and gap.starts_at >= edge.starts_at
            ),
            watermark.checked_at
        ) as ends_at,
        edge.found_at
    from (
        select
            watermark.listener_key,
            watermark.source,
            (
                select fact_play.played_at
                from listening.fact_play
                inner join listening.dim_play_profile on dim_play_profile.play_profile_key = fact_play.play_profile_key
                where
                    fact_play.listener_key = watermark.listener_key
                    and dim_play_profile.has_recently_played
                order by fact_play.played_at
                limit 1
            ) as starts_at,
            watermark.checked_at as found_at
        from ops.watermark
        union all
        select
            coverage.listener_key,
            coverage.source,
            coverage.ends_at,
            coverage.found_at
        from ops.coverage
        where coverage.state = 'gap'
    ) as edge
    inner join ops.watermark
        on
            watermark.listener_key = edge.listener_key
            and watermark.source = edge.source
) as span
where span.starts_at < span.ends_at
on conflict (listener_key, source, state, starts_at) do nothing;

-- Which export told what is no longer known: Spotify's reach back to the first play, or a year, so those of one kind overlap.
insert into ops.coverage (
    listener_key,
    source,
    state,
    starts_at,
    ends_at,
    found_at
)
select
    numbered.listener_key,
    numbered.source,
    'covered',
    min(numbered.starts_at),
    max(numbered.ends_at),
    transaction_timestamp()
from (
    select
        spaced.listener_key,
        spaced.source,
        spaced.starts_at,
        spaced.ends_at,
        count(*) filter (where spaced.is_apart) over (
            partition by
                spaced.listener_key,
                spaced.source
            order by spaced.starts_at
        ) as span_number
    from (
        select
            day_told.listener_key,
            day_told.source,
            day_told.starts_at,
            day_told.ends_at,
            day_told.starts_at - lag(day_told.ends_at) over (
                partition by
                    day_told.listener_key,
                    day_told.source
                order by day_told.starts_at
            ) > interval '14 days' as is_apart
        from (
            select
                fact_play.listener_key,
                source.name as source,
                min(fact_play.played_at) as starts_at,
                max(fact_play.played_at) as ends_at
            from listening.fact_play
            inner join listening.dim_track on dim_track.track_key = fact_play.track_key
            inner join listening.dim_play_profile on dim_play_profile.play_profile_key = fact_play.play_profile_key
            cross join (values ('extended_export'), ('account_export')) as source (name)
            where
                dim_track.content_type in ('track', 'local')
                and case source.name
                    when 'extended_export' then dim_play_profile.has_extended_export
                    else dim_play_profile.has_account_export
                end
            group by
                fact_play.listener_key,
                source.name,
                fact_play.date_key
        ) as day_told
    ) as spaced
) as numbered
group by
    numbered.listener_key,
    numbered.source,
    numbered.span_number
on conflict (listener_key, source, state, starts_at) do nothing;

update ops.coverage
set
    closed_at = transaction_timestamp(),
    closed_by = brought.source
from (
    select
        gap.coverage_key,
        max(span.source) as source
    from ops.coverage as gap
    inner join ops.coverage as span
        on
            span.listener_key = gap.listener_key
            and span.state = 'covered'
            and span.source in ('extended_export', 'account_export')
            and span.starts_at <= gap.starts_at + interval '1 minute'
            and span.ends_at >= gap.ends_at - interval '1 minute'
    where gap.state = 'gap'
    group by gap.coverage_key
) as brought
where coverage.coverage_key = brought.coverage_key;
