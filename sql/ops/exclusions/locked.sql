-- Nobody else makes a rule until the transaction ends, so that two never get the same number.
lock table listening.exclusion in share row exclusive mode
