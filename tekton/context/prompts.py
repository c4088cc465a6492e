"""The words around a subtask. Short on purpose: a laptop reads 50 to 100 tokens a second.

The order in a prompt is: system, what siblings share (inputs, the whole problem), what is the
subtask's own (results of earlier steps, its instruction). An engine reuses the common beginning.
"""

from __future__ import annotations

WORK = (
    "You do one step of a larger task. Do only what the step says and answer it directly, in a few "
    "sentences at most unless it asks for more. Figures in the context are exact: copy them digit "
    "by digit, never calculate or invent any. If something you need is missing, say what."
)
SYNTHESIS = (
    "You write the final answer for the user in Markdown, from the results of the steps. Keep "
    "every name and figure exactly as the results give them. Add nothing that they do not say. If "
    "a result is missing, say so."
)
PROBLEM = "The whole task, for background:"
PROBLEM_OF_SYNTHESIS = "The user's task:"
RESULTS = "Results of the steps before:"
MISSING_RESULT = "(this step failed: its result is missing)"
FIGURES = 'Figures of "{name}", computed from all rows (exact):'
STEP = "Your step:"
QUOTE = "Quote the exact figures."
"""The last words where figures were given: a 0.5B model names the winner and no figure without."""
FINAL_STEP = "Now write the final answer:"
AGAIN = "That was not valid: {error}\nGive the whole answer again, corrected, and nothing else."
EXCERPT = "an excerpt, […] marks what is left out"
