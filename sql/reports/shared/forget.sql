-- Forget what the parts of a report share, so that the same transaction can make another report.
drop table if exists report_listen, report_play, report_track, report_credit
