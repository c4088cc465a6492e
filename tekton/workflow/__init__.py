"""The run as a pure state machine, its journal, and what is derived from them. No Ray."""
