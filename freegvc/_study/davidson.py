"""The Bradley-Terry model with ties, as Davidson extended it (JASA 65, 1970).

With strengths pi and a tie parameter nu, i against j ends

    i better  pi_i / s,    tie  nu sqrt(pi_i pi_j) / s,    j better  pi_j / s,

where s is the sum of the three. Without ties it is the Bradley-Terry model; a tie says more the
closer the strengths are, so it is not half a win.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]

_MAX_NEWTON_STEPS, _MAX_HALVINGS = 200, 40
_TOLERANCE = 1e-10  # of the gradient, for one comparison


@dataclass(frozen=True, eq=False)
class Strengths:
    """The maximum of the likelihood.

    Attributes:
        log_strengths: [..., codecs], natural logarithms with mean 0. The odds of a win of i
            against one of j are exp(log_strengths[i] - log_strengths[j]).
        log_tie: [...], the logarithm of nu.
    """

    log_strengths: Array
    log_tie: Array


def davidson(counts: npt.ArrayLike, pairs: Sequence[tuple[int, int]], num_codecs: int) -> Strengths:
    """Fit Davidson's model by maximum likelihood, with Newton's method.

    The log-likelihood is concave, and has one finite maximum if every count is above 0 and the
    pairs connect all codecs.

    Args:
        counts: [..., pairs, 3], above 0, not necessarily whole: how often the first was better, how
            often there was a tie, and how often the second was better. Leading axes are
            independent fits.
        pairs: the codecs of each pair, 0 to num_codecs - 1.
        num_codecs: how many there are.

    Returns:
        Strengths with the leading axes of `counts`.

    Raises:
        ValueError: a count is not above 0 or not finite, or the pairs do not connect all codecs.
    """
    counts = np.asarray(counts, np.float64)
    if counts.shape[-2:] != (len(pairs), 3):
        raise ValueError(f"counts have shape {counts.shape}, but must be [..., {len(pairs)}, 3]")
    if not (np.isfinite(counts).all() and (counts > 0).all()):
        raise ValueError("every count must be finite and above 0: add pseudo-counts")
    terms = _terms(pairs, num_codecs)
    if np.linalg.matrix_rank(terms[:, 0] - terms[:, 2]) < num_codecs - 1:
        raise ValueError("the pairs do not connect all codecs")
    leading = counts.shape[:-2]
    flat = counts.reshape(-1, len(pairs), 3)
    parameters = _maximise(flat, terms)
    log_strengths = parameters[:, :-1]
    log_strengths = log_strengths - log_strengths.mean(axis=1, keepdims=True)
    return Strengths(
        log_strengths.reshape(*leading, num_codecs), parameters[:, -1].reshape(leading)
    )


def _terms(pairs: Sequence[tuple[int, int]], num_codecs: int) -> Array:
    """The logarithms of the three outcomes' weights, linear in strengths and tie parameter.

    Returns:
        [pairs, 3, codecs + 1].
    """
    terms = np.zeros((len(pairs), 3, num_codecs + 1))
    for p, (i, j) in enumerate(pairs):
        terms[p, 0, i] = terms[p, 2, j] = 1.0
        terms[p, 1, [i, j]] = 0.5
        terms[p, 1, -1] = 1.0
    return terms


def _maximise(counts: Array, terms: Array) -> Array:
    """Newton's method with step halving, for all fits at once; [fits, codecs + 1]."""
    totals = counts.sum(axis=2)
    num_fits, num_parameters = len(counts), terms.shape[2]
    anchor = np.ones((num_parameters, num_parameters))  # strengths have no level of their own
    anchor[-1] = anchor[:, -1] = 0.0
    squares = np.einsum("pok,pol->pokl", terms, terms).reshape(-1, num_parameters**2)
    parameters = np.zeros((num_fits, num_parameters))
    value, chances = _likelihood(parameters, counts, totals, terms)
    for _ in range(_MAX_NEWTON_STEPS):
        residuals = counts - totals[..., None] * chances
        gradient = np.einsum("bpo,pok->bk", residuals, terms)
        if (np.abs(gradient).max(axis=1) <= _TOLERANCE * totals.sum(axis=1)).all():
            return parameters
        means = np.einsum("bpo,pok->bpk", chances, terms)
        expected = (totals[..., None] * chances).reshape(num_fits, -1)
        hessian = (expected @ squares).reshape(num_fits, num_parameters, num_parameters)
        hessian -= (totals[..., None] * means).swapaxes(1, 2) @ means
        step = np.linalg.solve(hessian + anchor, gradient[..., None])[..., 0]
        size = np.ones((num_fits, 1))
        for _ in range(_MAX_HALVINGS):
            moved = parameters + size * step
            new_value, new_chances = _likelihood(moved, counts, totals, terms)
            worse = new_value < value - 1e-12 * np.abs(value)
            if not worse.any():
                break
            size[worse] /= 2
        parameters, value, chances = moved, new_value, new_chances
    raise ValueError("the fit did not converge: the counts differ by too many powers of ten")


def _likelihood(
    parameters: Array, counts: Array, totals: Array, terms: Array
) -> tuple[Array, Array]:
    """The log-likelihood, [fits], and the outcomes' probabilities, [fits, pairs, 3]."""
    logits = np.einsum("bk,pok->bpo", parameters, terms)
    logits -= logits.max(axis=2, keepdims=True)
    weights = np.exp(logits)
    sums = weights.sum(axis=2)
    value = np.einsum("bpo,bpo->b", counts, logits) - np.einsum("bp,bp->b", totals, np.log(sums))
    return value, weights / sums[..., None]
