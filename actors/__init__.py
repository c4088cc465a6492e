"""The Ray actors: thin shells that carry out what the core decided.

Imported as `tekton.actors`, never under the bare name: one class, one name.
"""

if __name__ == "actors":
    raise ImportError("import tekton.actors instead of actors")
