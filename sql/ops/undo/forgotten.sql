-- Names that only the dying contents gave go, with the rest of an import. The tracks that shared such a name are looked
-- at again, and so are plays that may have been matched by it.
create temporary table forgotten_name on commit drop as
select
    track_alias.track_key,
    track_alias.name_hash
from listening.track_alias
where track_alias.content_keys <@ array(select dying_content.import_content_key from dying_content);

insert into changed_track (track_key)
select track_alias.track_key
from listening.track_alias
where track_alias.name_hash in (select forgotten_name.name_hash from forgotten_name)
on conflict do nothing;

insert into tracks_to_rematch (track_key)
select changed_track.track_key
from changed_track
on conflict do nothing;

-- the condition once more: another listener's import may have given the name while this waited for it
delete from listening.track_alias
using forgotten_name
where
    track_alias.track_key = forgotten_name.track_key
    and track_alias.name_hash = forgotten_name.name_hash
    and track_alias.content_keys <@ array(select dying_content.import_content_key from dying_content);

update listening.track_alias
set
    content_keys = array(
        select every.key
        from unnest(track_alias.content_keys) as every (key)
        where every.key not in (select dying_content.import_content_key from dying_content)
        order by every.key
    )
where track_alias.content_keys && array(select dying_content.import_content_key from dying_content)
