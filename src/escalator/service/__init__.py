"""The operator's verbs. The command line calls these; an API will call the same."""

from escalator.service.answers import report, status
from escalator.service.design import design
from escalator.service.learning import learn
from escalator.service.operations import commit, execute, restore, resume, roll_back, takeover
from escalator.service.place import Place, connected, take_inventory
from escalator.service.words import approve, extend, resolve, suspend

__all__ = [
    "Place", "approve", "commit", "connected", "design", "execute", "extend", "learn", "report", "resolve", "restore",
    "resume", "roll_back", "status", "suspend", "take_inventory", "takeover",
]  # fmt: skip
