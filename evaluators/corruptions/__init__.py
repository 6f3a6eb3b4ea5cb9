"""Corruptions: what happens to inputs between a scanner and a network, at fixed severities. One file each; no edit elsewhere.

A change of what a corruption does, or of a severity, raises its `version`: results compare within one version only.
"""

from evaluators.corruptions.registry import ATTACK, CORRUPTIONS, Corruption, apply, corruption, load, suited

load(__name__)

__all__ = ["ATTACK", "CORRUPTIONS", "Corruption", "apply", "corruption", "suited"]
