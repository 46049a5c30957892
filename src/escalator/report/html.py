"""The report as one HTML file that needs nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def render(report: Mapping[str, Any]) -> str:
    """HTML of what :func:`escalator.report.build.build` returned."""
    raise NotImplementedError
