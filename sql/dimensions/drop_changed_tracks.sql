-- Drop the tables that the merge of the catalogue leaves for every listener, where no merge follows.
drop table
    pg_temp.newest_track,
    pg_temp.changed_track,
    pg_temp.tracks_to_rematch
