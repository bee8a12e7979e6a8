"""Does what was found fit? A word, and the numbers it is derived from."""

from __future__ import annotations

import numpy as np

from learnware.market.believed import believed_error
from learnware.market.result import Evidence, Verdict
from learnware.market.searcher.mixture import Blend
from learnware.market.searcher.statistical import Scan

#: The share of the user's embedding that must be explained for a match, and for anything to fit at all. Chosen on
#: digits, wine and breast cancer; checked on five other tables (see docs/concepts.md).
MATCH_FIT = 0.85
LEAST_FIT = 0.3


def judge(scan: Scan, blend: Blend) -> tuple[Verdict, Evidence]:
    """Derive the verdict on the best mixture for the user.

    With many rows a test of equality rejects every real market, since no mixture is exactly the user's distribution;
    with few rows it rejects none. So the verdict rests on an effect size, the fit, which is freed of the sampling
    noise that resampling the user's points shows: "match" from `MATCH_FIT` on, "nothing fits" below `LEAST_FIT`, else
    "weak". A distance that sampling alone would bring about is a match too. Noise is the 0.95 quantile of the user's
    resampling, plus the sampling noise of the members and the error of their reduced sets. Of the members of the
    island, only those that may be found say how far learnwares are apart.
    """
    noise = scan.query.noise_quantile + _noise_of(scan, blend)
    distance = float(np.sqrt(blend.squared_distance))
    evidence = Evidence(distance, blend.fit, float(np.sqrt(noise)), scan.island.spread(np.flatnonzero(scan.mask)))
    if blend.fit < LEAST_FIT:
        return "nothing fits", evidence
    return ("match" if blend.fit >= MATCH_FIT or blend.squared_distance <= noise else "weak"), evidence


def _noise_of(scan: Scan, blend: Blend) -> float:
    noise = 0.0
    for row, member, weight in zip(blend.rows, blend.members, blend.weights, strict=True):
        rkme = member.embedding
        sampling = (1.0 - scan.island.self_products[row]) / (rkme.n_samples or len(rkme.weights))
        noise += weight**2 * (sampling + believed_error(rkme))
    return float(noise)
