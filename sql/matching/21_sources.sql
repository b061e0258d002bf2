-- The sources that have observations at hand.
select batch_observation.source
from batch_observation
union
select recorded_observation.source
from recorded_observation
