"""What everybody says about rows: the label-free answer, the learnwares, and the user's own models."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]

_FLOOR = 1e-12


@dataclass(frozen=True)
class Evidence:
    """Answers to rows; to labelled rows by nobody who has seen their labels.

    Parameters
    ----------
    prior : ndarray of shape (n_samples, n_outputs)
        The answer that needs no labels.
    members : ndarray of shape (n_members, n_samples, n_outputs)
        The learnwares', 0 for classes that one does not know.
    known : ndarray of bool of shape (n_members, n_outputs)
        Which learnware knows which class; all for values.
    own : ndarray of shape (n_own, n_samples, n_outputs)
        The user's own models'.
    taught : ndarray of bool of shape (n_outputs,)
        Classes that the own models have met; all for values.
    columns : ndarray of shape (n_samples, n_columns)
        The user's samples as scaled numbers; no columns for classes.
    """

    prior: Array
    members: Array
    known: npt.NDArray[np.bool_]
    own: Array
    taught: npt.NDArray[np.bool_]
    columns: Array

    def take(self, index: npt.NDArray[Any]) -> Evidence:
        """Return the evidence on some rows."""
        members, own = self.members[:, index], self.own[:, index]
        return Evidence(self.prior[index], members, self.known, own, self.taught, self.columns[index])

    def completed(self, only: npt.NDArray[np.intp]) -> Array:
        r"""Return the answers of some members and of all own models, where they know nothing the prior's.

        .. math:: \tilde p_k(y|x) = p_k(y|x)\,q(C_k|x)\ \text{ for } y \in C_k, \quad q(y|x)\ \text{ otherwise}

        with the prior q and the classes :math:`C_k` that k knows, so that one does not speak of classes it never met.
        """
        answers = np.concatenate([self.members[only], self.own])
        known = np.vstack([self.known[only], np.tile(self.taught, (len(self.own), 1))])
        if known.all():
            return answers
        share = np.einsum("nc,kc->kn", self.prior, known.astype(np.float64))
        completed = np.where(known[:, None, :], answers * share[..., None], self.prior)
        return np.asarray(completed / np.maximum(completed.sum(axis=2, keepdims=True), _FLOOR))
