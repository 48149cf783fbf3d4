"""A prior is loaded anew only for what needs another, and only once the last one is let go."""

import gc
import weakref

from freegvc._codec.kept_prior import KeptPrior


def test_one_prior_at_a_time():
    held = []

    def forget():
        held.clear()

    kept = KeptPrior(forget)
    held.append(kept.of_name("analytic", device="cpu"))
    assert kept.of_name("analytic", device="cpu") is held[0]
    first = weakref.ref(held[0])
    other = kept.of_name("analytic", device="cpu", dtype="float64")
    gc.collect()
    assert first() is None
    assert kept.of_name("analytic", device="cpu", dtype="float64") is other
