-- Let go what the deletion of a listener worked with, so that the same transaction can delete another one.
drop table if exists deleted_row, orphan_key, listener_table
