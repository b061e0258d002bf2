-- Nobody derives recordings until this decision is made. Not waited for: who derives them may wait for a listener whose
-- lock this transaction holds.
lock table listening.recording_decision in row exclusive mode nowait
