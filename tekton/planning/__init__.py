"""Problem decomposition: from a problem to a validated plan.

Pure: text and values in, values out. `prompt` and `schema` are what a model is asked, `parse` and
`stream` read what it wrote, `rules` add the edges its own words give away, `planfile` reads a plan
that a person wrote. Calling a model is somebody else's work. See docs/planning.md for figures.
"""
