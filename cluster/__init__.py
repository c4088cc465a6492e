"""Starting, joining and ending a Ray cluster, and where actors are placed on it.

Imported as `tekton.cluster`, never under the bare name: one class, one name.
"""

if __name__ == "cluster":
    raise ImportError("import tekton.cluster instead of cluster")
