"""The command line: one module a command group, and what people see of a run.

Commands check all they can before they connect; what a run *is* comes from `workflow`, never from
here. Modules of this room import typer at the top and everything heavy inside functions, so that
`tekton --help` costs nothing; Ray is reached through `client` and `cluster` only.
"""
