"""The prompt travels in the stream and is counted."""

import pytest

import freegvc
from freegvc.errors import UsageError
from freegvc.priors.analytic import AnalyticPrior


class Prompted(AnalyticPrior):
    """A prior with a prompt."""

    prompt = "a harbour in fog, seen from a boat"
    attention = "flash"


def test_the_prompt_travels_and_costs(scene):
    frames = scene(4, 16, 24)
    plain = freegvc.compress(frames, stop_step=900, prior="analytic")
    prompted = freegvc.compress(frames, stop_step=900, prior=Prompted())
    assert plain.prompt is None
    again = freegvc.CompressedVideo(prompted.data)
    assert again.prompt == Prompted.prompt
    assert again.header.attention == "flash"
    more = prompted.num_bytes - plain.num_bytes
    assert 20 < more <= len(Prompted.prompt) + 20
    pixels = frames[..., 0].size
    assert prompted.bpp - plain.bpp == pytest.approx(8 * more / pixels)


def test_the_rate_target_counts_the_prompt(scene):
    compressed = freegvc.compress(scene(8, 64, 96), target_bytes=1000, prior=Prompted())
    assert compressed.num_bytes <= 1000
    assert compressed.prompt == Prompted.prompt


def test_the_decoder_loads_its_prior_with_prompt_and_attention(scene, monkeypatch):
    compressed = freegvc.compress(scene(2, 16, 24), stop_step=950, prior=Prompted())
    asked = {}

    def load_prior(name, **keywords):
        asked.update(keywords, name=name)
        return AnalyticPrior()

    monkeypatch.setattr(freegvc.priors.loading, "load_prior_by_name", load_prior)
    freegvc.decompress(compressed)
    expected = {"dtype": "float32", "attention": "flash"}
    assert asked == {"name": "analytic", "prompt": Prompted.prompt, **expected}


def test_a_prompt_beyond_the_limit_is_refused(scene):
    prior = Prompted()
    prior.prompt = "x" * 8193
    with pytest.raises(UsageError, match="8192"):
        freegvc.compress(scene(2, 16, 24), stop_step=950, prior=prior)
