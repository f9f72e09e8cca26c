"""Poisson blending by sparse least squares: the five-point equation with the target's values along the border."""

import numpy as np
from scipy import sparse
from scipy.sparse.linalg import spsolve


def blended(source: np.ndarray, target: np.ndarray, mask: np.ndarray, *, mixed: bool = False) -> np.ndarray:
    """Return the picture of Perez et al. 2003, eq. 7: ``sum_q (f_p - f_q) = sum_q v_pq`` for each pixel p of the mask.

    q are the neighbors of p within the picture; where q is not in the mask, f_q is the target's value. Pictures are
    ``(rows, columns, channels)`` in float64, and so is the result, not clipped.
    """
    rows, columns = mask.shape
    number = -np.ones(mask.shape, int)
    number[mask] = np.arange(mask.sum())
    matrix = sparse.lil_array((mask.sum(), mask.sum()))
    right = np.zeros((mask.sum(), target.shape[2]))
    for row, column in np.argwhere(mask):
        here = number[row, column]
        for down, along in ((1, 0), (-1, 0), (0, 1), (0, -1)):
            at = row + down, column + along
            if not (0 <= at[0] < rows and 0 <= at[1] < columns):
                continue
            matrix[here, here] += 1
            right[here] += guidance(source, target, (row, column), at, mixed=mixed)
            if mask[at]:
                matrix[here, number[at]] -= 1
            else:
                right[here] += target[at]
    result = target.copy()
    solved = spsolve(matrix.tocsc(), right)
    result[mask] = solved.reshape(-1, target.shape[2])
    return result


def guidance(
    source: np.ndarray, target: np.ndarray, p: tuple[int, int], q: tuple[int, int], *, mixed: bool
) -> np.ndarray:
    """Return v_pq: the source's difference (eq. 11), or the larger one of both (eq. 13)."""
    own, other = source[p] - source[q], target[p] - target[q]
    return np.where(np.abs(other) > np.abs(own), other, own) if mixed else own


def errors(
    picture: np.ndarray, source: np.ndarray, target: np.ndarray, mask: np.ndarray, *, mixed: bool = False
) -> tuple[float, float]:
    """Return root mean squares of ``f_p - f_q - v_pq`` over pairs inside the mask, and over those across its border."""
    within, across = [], []
    for row, column in np.ndindex(mask.shape):
        for at in ((row + 1, column), (row, column + 1)):
            if at[0] >= mask.shape[0] or at[1] >= mask.shape[1]:
                continue
            missed = picture[row, column] - picture[at] - guidance(source, target, (row, column), at, mixed=mixed)
            if mask[row, column] and mask[at]:
                within.append(missed)
            elif mask[row, column] or mask[at]:
                across.append(missed)
    found = [float(np.sqrt(np.square(each).mean())) if each else 0.0 for each in (within, across)]
    return found[0], found[1]
