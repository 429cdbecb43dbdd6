"""Puts together what gives an engine its rules of law."""

from collections.abc import Callable, Collection
from dataclasses import replace
from functools import cache, partial
from pathlib import Path
from typing import Protocol

from anpr_engine.metrics.table import Metrics
from anpr_engine.pipeline.core import StepRules
from anpr_engine.pipeline.run import EngineRules
from anpr_engine.policy.agreed_following import AgreedFiles
from anpr_engine.policy.following import PolicyFolder
from anpr_engine.policy.policy_set import PolicySet, load_policies, shipped_policies
from anpr_engine.ports import Clock


class AgreedPaths(Protocol):
    """Files of what services agreed on; an empty name for none."""

    @property
    def arrangements(self) -> str:
        """Arrangements for lists."""
        ...

    @property
    def joint_actions(self) -> str:
        """Joint patrols, checks and pursuits."""
        ...


def followed_policies(folder: str, clock: Clock, metrics: Metrics) -> Callable[[], PolicySet]:
    """Give the rules of a folder as they change, or for an empty name those shipped.

    Raises:
        PolicyError: something in the folder is wrong.

    """
    if folder:
        return PolicyFolder(Path(folder), clock, metrics)
    shipped_policies()  # Read now, so that no batch waits for the rules.
    return shipped_policies


def with_policies(rules: EngineRules, policies: Callable[[], PolicySet]) -> EngineRules:
    """Let an engine go by some rules of law."""
    return replace(rules, step=replace(rules.step, policies=policies))


def with_agreed(
    rules: EngineRules,
    laws: AgreedPaths,
    lists: Callable[[], Collection[str]],
    of: tuple[Clock, Metrics],
) -> EngineRules:
    """Let an engine go by files of arrangements and of joint actions, where there are any.

    Raises:
        AgreedFileError: something in them is wrong.

    """
    files = laws.arrangements, laws.joint_actions
    if not any(files):
        return rules
    agreed = AgreedFiles(files, lists, *of)
    return replace(rules, step=replace(rules.step, agreed=agreed))


def under_policies(step: StepRules, folder: str) -> StepRules:
    """Let a single run go by the rules of a folder as they are now; an empty name: those shipped.

    Raises:
        PolicyError: something in the folder is wrong.

    """
    if not folder:
        return step
    policies = partial(_policies_in, folder)
    policies()
    return replace(step, policies=policies)


def policies_of(folder: str) -> PolicySet:
    """Give the rules of a folder as they are now; for an empty name those shipped.

    Raises:
        PolicyError: something in the folder is wrong.

    """
    return load_policies(Path(folder)) if folder else shipped_policies()


@cache
def _policies_in(folder: str) -> PolicySet:
    # By its name, for rules are handed to other processes, which read the folder once each.
    return load_policies(Path(folder))
