-- Whether anything was listened to of what a report is about, however short.
select exists (select 1 from report_listen) as has_listens
