"""How the model of a learnware is run: in which process, trusted how far, within which limits."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy.typing as npt

from learnware.limits import Limits
from learnware.runtime import InProcessRunner, check_limits, runner_for, shares_worker

if TYPE_CHECKING:
    from learnware.bundle.content import Content
    from learnware.models.base import Predictor
    from learnware.runtime import Runner


@dataclass(frozen=True)
class Policy:
    """What a user says about models of others: where they run, what is vouched for, what they may use.

    Parameters
    ----------
    isolation : {"auto", "none", "process", "sandbox"}, default="auto"
        Where they run.
    trust : {"data", "code"}, optional
        What the user vouches for.
    limits : Limits, optional
        What they may use.

    Raises
    ------
    InvalidParameter
        An argument is none of the above.
    """

    isolation: str = "auto"
    trust: str | None = None
    limits: Limits | None = None

    def __post_init__(self) -> None:
        check_limits(self.isolation, self.trust, self.limits, "Learnware.load and Market.open")

    @property
    def shares_worker(self) -> bool:
        """Whether models of data start no process of their own."""
        return shares_worker(self.isolation, self.limits)


class Execution:
    """Runs the model of one learnware file in one way, decided when the file is opened.

    Parameters
    ----------
    content : Content
        The file.
    policy : Policy
        What its user says.
    runner : Runner, optional
        What runs the model; default: what the policy asks for.

    Raises
    ------
    UntrustedModel
        Models of its level do not run that way.
    """

    def __init__(self, content: Content, policy: Policy, *, runner: Runner | None = None) -> None:
        self._content = content
        self.policy = policy
        self._made: dict[str, Runner] = {} if runner is None else {"runner": runner}
        if runner is None and policy.isolation in ("none", "process"):
            # Both are refused to models of some levels, which the user wants to hear at once.
            self._make()

    @classmethod
    def of_own(cls, content: Content, model: Predictor) -> Execution:
        """Run a model of this very process, which needs no protection from it, here or wherever it is copied to."""
        return cls(content, Policy("none", "data"), runner=InProcessRunner(model, name=content.manifest.name))

    def anew(self) -> Execution:
        """Return the same way of running with nothing started yet, to be changed by nobody else."""
        return type(self)(self._content, self.policy)

    def call(self, method: str, X: Any, y: Any = None) -> npt.NDArray[Any] | None:
        """Call the model; see `Runner.call`."""
        return self.runner.call(method, X, y)

    @property
    def runner(self) -> Runner:
        """What runs the model; made on the first call, since that may need more of the machine than looking does."""
        return self._made.get("runner") or self._make()

    def _make(self) -> Runner:
        # Without a lock, which a fork could leave locked: who comes late drops what it has made, which started nothing.
        return self._made.setdefault("runner", runner_for(self._content.stored_model(), **vars(self.policy)))
