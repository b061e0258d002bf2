"""The player recorder's reading of `/v1/me/player`: a sequence of moments and answers becomes observations.

`read_answer` checks an answer, `place` dates it, `step` brings the `State` on and returns what has ended, `next_ask`
says when to ask again, `observation_tables` makes the rows of a batch. The rules of `step`:

1. An item began at the moment of the answer less its progress.
2. Heard between two answers is what the progress moved, at most the time that passed. More is a seek, and so is a step
   back; both count the time that passed.
3. An item ended when the next one began, or at its length if that was earlier, and was heard until then if it played.
4. Progress that is back near the beginning is a repeat if the item can have reached its end: if 12 seconds of it were
   left at most, or a fifth of one under a minute. Else the listener went back, and one play goes on.
5. A pause does not end a play while the item stays. That nothing plays ends it, and what follows is another play.
6. An ad, an unknown item and a private session end the play in hand and make none.
7. An error is no answer. What must have ended meanwhile ended at its length at most. After eleven minutes without
   an answer the play ended where it was last seen.
8. First seen in the middle: if an answer shortly before showed nothing, only what was seen counts; if there was none,
   the play began at the moment less its progress, and how far that is off is unknown.
"""
