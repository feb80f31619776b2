"""Diagnostics: what was found wrong, where, and how to repair it."""

from resdsl.diagnostics.model import Code, Diagnostic, Edit, Fix, Label, Severity, Sink
from resdsl.diagnostics.render import render

__all__ = ["Code", "Diagnostic", "Edit", "Fix", "Label", "Severity", "Sink", "render"]
