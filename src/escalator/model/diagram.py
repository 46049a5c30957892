"""The state table as text for docs/reference/states.md: the diagram is generated, so it can't lie."""

from __future__ import annotations

from escalator.model.states import COUNTING, COUNTING_BACK, FINAL, MOVES, State

_INTRO = """\
# States of a campaign

The names and the legal moves are those of the Software Management Framework of SA Forum (saSmf.h). States are never
stored: they are folded from the journal through one table, from which this page is generated. An event that has no row
for the present state is refused.

Time counts against the campaign's limit in {counting}; a roll-back's own time counts in {back}.
"""


def states_page() -> str:
    """The page, in Markdown with a Mermaid diagram and the table."""
    lines = [_INTRO.format(counting=_names(COUNTING), back=_names(COUNTING_BACK)), "```mermaid", "stateDiagram-v2"]
    lines.append(f"    [*] --> {State.INITIAL}")
    lines += [f"    {before} --> {after}: {event}" for (before, event), after in MOVES.items()]
    lines += [f"    {state} --> [*]" for state in State if state in FINAL]
    lines += ["```", "", "| state | event | next state |", "|---|---|---|"]
    lines += [f"| {before} | {event} | {after} |" for (before, event), after in MOVES.items()]
    return "\n".join(lines) + "\n"


def _names(states: frozenset[State]) -> str:
    return ", ".join(state for state in State if state in states)


if __name__ == "__main__":
    print(states_page(), end="")  # noqa: T201 - `make docs` writes it to its file
