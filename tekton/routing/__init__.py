"""Which model takes a subtask: features, predictions and a pure, versioned policy.

Nothing here does I/O, keeps state or reads a clock: the same arguments give the same Decision,
so one can be printed, replayed and compared with what another version would have said. No Ray.
"""
