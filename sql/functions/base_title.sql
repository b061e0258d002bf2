-- A title without its endings in brackets or after a dash that name a version: "Song - Remastered 2011" and
-- "Song (feat. Bob)" are "song". What names no version stays: "Song - Part 2".

create or replace function listening.base_title(told text)
returns text
language sql immutable parallel safe
return btrim(
    regexp_replace(
        regexp_replace(
            ops.folded(told),
            '\s+[(\[][^)\]]*\y(remaster\w*|live|feat|ft|featuring|with|radio|edit|version|mix|remix|mono|stereo'
            '|acoustic|demo|deluxe|bonus|single|explicit|clean|instrumental|extended|unplugged|sessions?|anniversary'
            '|re-?record\w*|original|karaoke|from|soundtrack|edition)\y[^)\]]*[)\]]',
            '',
            'g'
        ),
        '\s+[-–—]\s+(.*\y)?(remaster\w*|live|feat|ft|featuring|with|radio|edit|version|mix|remix|mono|stereo|acoustic'
        '|demo|deluxe|bonus|single|explicit|clean|instrumental|extended|unplugged|sessions?|anniversary'
        '|re-?record\w*|original|karaoke|from|soundtrack|edition)\y.*$',
        ''
    )
);

comment on function listening.base_title is
    'A title without case, width and accents, and without endings that name a version: remastered, live, feat. …';
