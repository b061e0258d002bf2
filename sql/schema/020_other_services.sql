-- Histories that other services keep of what was played: Last.fm, ListenBrainz, Maloja, Koito. They date the start of a
-- play, have names only (ListenBrainz sometimes an id), and list a play once half of it or four minutes were heard. So
-- a source says whether its dates are those of the end or of the start, and the rule compares start with start.

alter table listening.source
    add column dates text not null default 'end' check (dates in ('end', 'start'));
comment on column listening.source.dates is
    'What its dates are: end, or start. A play that only sources of the second kind report ends at its start plus the '
    'length of its track, as far as that is known and no more than ops.longest_scrobble().';
comment on column listening.observation.observed_at is
    'When the play ended, as the source dates it; when it began, for a source that dates the start (source.dates).';

create function ops.longest_scrobble()
returns interval
language sql immutable parallel safe
return interval '2 hours';
comment on function ops.longest_scrobble is
    'How long after the start that a source gives a play may have ended, at most, for them to be compared.';

-- Row 8 is what ListenBrainz itself copied from Spotify: from its list of recently played, or from an extended export that
-- the listener uploaded there. Those dates are Spotify's, so they are those of the end. The number 9 is left free.
insert into listening.source (
    source_key, source_name, date_rank, ms_rank, name_rank, context_rank, device_rank, profile_rank, precision_s,
    is_redating, ms_basis, coverage, has_ids, dates
)
values
(5, 'lastfm', 7, null, 8, null, null, null, 0, false, null, null, false, 'start'),
(6, 'lastfm_minutes', 10, null, 9, null, null, null, 60, false, null, null, false, 'start'),
(7, 'listenbrainz', 6, null, 6, null, null, null, 0, false, null, null, true, 'start'),
(8, 'listenbrainz_spotify', 5, 4, 5, null, null, null, 0, false, 'reported', null, true, 'end'),
(10, 'maloja', 8, 5, 7, null, null, null, 0, false, 'reported', null, false, 'start'),
(11, 'koito', 9, null, 10, null, null, null, 0, false, null, null, false, 'start');

alter table ops.match_rule add column shortest_ms integer;
comment on column ops.match_rule.shortest_ms is
    'A play of fewer milliseconds, by either source, is no candidate. Null: any may be.';
alter table ops.match_rule drop constraint match_rule_compared_check;
alter table ops.match_rule add check (
    compared in (
        'recording', 'name', 'similar name', 'name and milliseconds', 'milliseconds', 'artist and milliseconds',
        'nothing'
    )
);
comment on column ops.match_rule.compared is
    'What must be equal. "recording". "name": artist and title, and lengths that differ by at most two seconds. '
    '"similar name": an artist, and one title begins like the other, without blanks, punctuation and guests. '
    '"name and milliseconds". "milliseconds": one of the two has no name. "artist and milliseconds". "nothing": one '
    'of the two has no name, nor has any source matched with it.';
comment on column ops.match_rule.seconds is
    'How far apart the two dates may be: the ends, or the starts if one of the two sources dates the start. A date of '
    'a source that gives the minute stands for all of it, and a start that has to be estimated for all it may be.';

create function ops.plain_title(title text)
returns text
language sql immutable strict parallel safe
return
    coalesce(
        nullif(
            translate(
                regexp_replace(
                    regexp_replace(
                        ops.folded(title),
                        '[\(\[]\s*(feat|ft|featuring|with)\M[^\)\]]*[\)\]]',
                        '',
                        'g'
                    ),
                    '\s(feat\.|ft\.|featuring)\s.*$',
                    ''
                ),
                ' !"#$%&''()*+,-./:;<=>?@[\]^_`{|}~‘’“”´–—…·',
                ''
            ),
            ''
        ),
        ops.folded(title)
    );
comment on function ops.plain_title is
    'A title as different services agree on it: folded, without guests, blanks and punctuation.';

create function ops.plain_artists(artist text)
returns text[]
language sql immutable strict parallel safe
return
    array(
        select distinct ops.plain_title(part.artist)
        from unnest(
            artist
            || regexp_split_to_array(
                ops.folded(artist),
                '\s*[,;&/+]\s*|\s(feat\.?|ft\.?|featuring|and|und|et|y|e|with|x|vs\.?)\s'
            )
        ) as part (artist)
        where part.artist <> ''
    );
comment on function ops.plain_artists is
    'The name of an artist as services agree on it, as a whole and in its parts: some join all the artists of a track.';

-- How far apart the sources may date one play.
--
-- 15 s: a scrobble needs half of a track of over 30 s, so two of one track are at least that far apart; nearer ones were
-- sent twice. For the same reason no play under 15 s is one. 60 s: the clocks of players and the ways of sending differ.
-- 300 s: where the start has to be estimated from the end, pauses lie between. Names are the second and third choice.
insert into ops.match_rule (tier, source_key, other_source_key, compared, seconds)
select
    0,
    source.source_key,
    source.source_key,
    'recording',
    case when source.precision_s = 0 then 15 else 0 end
from listening.source
where source.source_key in (5, 6, 7, 8, 10, 11);

insert into ops.match_rule (tier, source_key, other_source_key, compared, seconds, shortest_ms)
select
    compared.tier,
    service.source_key,
    other.source_key,
    compared.compared,
    compared.seconds,
    case when service.source_key <> 8 then 15000 end
from listening.source as service
inner join listening.source as other
    on
        other.source_key <= 4
        or (other.source_key > service.source_key and other.source_key in (6, 7, 8, 10, 11))
cross join (
    values
    (11, 'recording', 60),
    (12, 'name', 60),
    (13, 'similar name', 60),
    (14, 'similar name', 300)
) as compared (tier, compared, seconds)
where
    service.source_key in (5, 6, 7, 8, 10, 11)
    and (compared.tier <= 13 or (other.source_key <= 4 and service.dates = 'start'));
