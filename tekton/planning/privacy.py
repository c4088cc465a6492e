"""What must stay on one's own machines because of what it reads.

A result may quote what it was made from. So whatever waits for a local-only subtask, directly or
through others, is local-only as well; the synthesis is no exception. Pure.
"""

from __future__ import annotations

from dataclasses import replace

from tekton.types import Plan


def spread(plan: Plan) -> Plan:
    """The plan with `local_only` set on every subtask that depends on a local-only one."""
    private: set[str] = set()
    for subtask in plan.subtasks:  # every dependency comes earlier: Plan's own rule
        if subtask.local_only or not private.isdisjoint(subtask.depends_on):
            private.add(subtask.id)
    if not private:
        return plan
    kept = (replace(one, local_only=one.id in private) for one in plan.subtasks)
    return replace(plan, subtasks=tuple(kept))
