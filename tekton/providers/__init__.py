"""Clients of remote models. Each is an Engine, so whatever holds a local model can hold one.

`*_wire` are pure translations between `chat.types` and a provider's format, `errors` is the one
table of what a failure means; the rest talks HTTP through the official SDKs. Retries and total
time limits belong to the caller: an SDK here never tries anything twice.
"""
