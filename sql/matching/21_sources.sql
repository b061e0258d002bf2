-- Which sources tell of the plays at hand.
select staged_report.source
from staged_report
union
select known_report.source
from known_report
