"""view and score --page: what a page holds, read back from its file."""

import base64
import json
import re
from fractions import Fraction
from itertools import accumulate, pairwise

import numpy as np
import pytest

from freegvc import CompressedVideo, decompress
from freegvc._page.clip import PageClip, decode_clip
from freegvc._video import Video, load_video
from tests.cli.tiny_clip import SMALL


class Page:
    """The data and the clips of a page file."""

    def __init__(self, path):
        html = path.read_text(encoding="utf-8")
        self.data = json.loads(re.search(r'id="page-data">(.*?)</script>', html)[1])
        self.title = re.search(r"<title>(.*?)</title>", html)[1]
        packed = [base64.b64decode(b) for b in re.findall(r'id="clip-\d+">(.*?)</script>', html)]
        self.frames = [
            np.stack(list(decode_clip(self.clip(described, packets))))
            for described, packets in zip(self.data["clips"], packed, strict=True)
        ]

    @staticmethod
    def clip(described, packets):
        ends = [0, *accumulate(described["sizes"])]
        cut = tuple(packets[a:b] for a, b in pairwise(ends))
        return PageClip(described["width"], described["height"], described["pixels"], cut, 0)


@pytest.fixture
def view(run, tmp_path):
    """Run view; gives what it printed, and its page."""

    def view(*arguments):
        out = tmp_path / "page.html"
        result = run("view", *arguments, "--out", out, "--force", "--metrics", "psnr")
        assert result.code == 0, result.err
        assert result.out == ""
        return result, Page(out)

    return view


@pytest.fixture(scope="module")
def noisy(clip, tmp_path_factory):
    """The clip with noise, as another version of it."""
    frames = load_video(clip).frames
    noise = np.random.default_rng(0).integers(-20, 21, frames.shape)
    path = tmp_path_factory.mktemp("noisy") / "noisy.mkv"
    Video((frames + noise).clip(0, 255).astype(np.uint8), Fraction(25)).save(path)
    return path


def test_a_page_holds_exact_frames_scores_and_gops(run, view, clip, stream, noisy):
    result, page = view(clip, stream, noisy)
    originals = load_video(clip).frames
    for frames, expected in zip(
        page.frames,
        (originals, decompress(stream).frames, load_video(noisy).frames),
        strict=True,
    ):
        np.testing.assert_array_equal(frames, expected)
    source, coded, other = page.data["versions"]
    assert [v["name"] for v in (source, coded, other)] == ["clip.y4m", "clip.fgvc", "noisy.mkv"]
    for version, path in ((coded, stream), (other, noisy)):
        scored = json.loads(run("score", clip, path, "--metrics", "psnr", "--json").out)
        assert version["scores"]["psnr"] == scored["psnr"]["per_frame"]
        assert version["means"]["psnr"] == pytest.approx(scored["psnr"]["mean"])
        assert version["bpp"] == scored["bpp"]
        assert version["numBytes"] == path.stat().st_size
    compressed = CompressedVideo.open(stream)
    assert [gop["bits"] for gop in coded["gops"]] == [gop.bits for gop in compressed.gops]
    assert [gop["first"] for gop in coded["gops"]] == [g.first_frame for g in compressed.gops]
    assert sum(gop["length"] for gop in coded["gops"]) == 9
    assert source["gops"] == other["gops"] == []
    assert page.data["frameRate"] == 25.0
    assert "every sample is exact" in result.err
    assert "Frames 0 to 8" in page.data["about"]


@pytest.mark.parametrize("part", [("--frames", "5:8"), ("--time", "0.2:0.32")])
def test_a_part_is_that_of_all_videos(view, clip, stream, noisy, part):
    _, page = view(clip, stream, noisy, *part)
    for frames, path in zip(page.frames, (clip, stream, noisy), strict=True):
        whole = decompress(path).frames if path is stream else load_video(path).frames
        np.testing.assert_array_equal(frames, whole[5:8])
    assert page.data["first"] == 5
    # frame 5 is shown by the second GOP, and frames 6 and 7 by the third
    gops = [(g["number"], g["first"], g["length"]) for g in page.data["versions"][1]["gops"]]
    assert gops == [(1, 0, 1), (2, 1, 2)]


def test_streams_of_one_prior_load_it_once(view, stream, tmp_path, monkeypatch):
    from freegvc.priors import loading

    load, loaded = loading.load_prior_by_name, []
    monkeypatch.setattr(
        loading, "load_prior_by_name", lambda *a, **k: loaded.append(a) or load(*a, **k)
    )
    other = tmp_path / "other.fgvc"
    other.write_bytes(CompressedVideo.open(stream).truncate(stop_step=900).data)
    _, page = view(stream, other, "--frames", "5:8")
    assert len(loaded) == 1
    np.testing.assert_array_equal(page.frames[1], decompress(other).frames[5:8])


def test_a_stream_can_be_the_source(view, stream, clip):
    _, page = view(stream, clip, "--frames", "2:")
    np.testing.assert_array_equal(page.frames[0], decompress(stream).frames[2:])
    np.testing.assert_array_equal(page.frames[1], load_video(clip).frames[2:])
    assert len(page.data["versions"][0]["gops"]) == 3


def test_close_pixels_are_close_and_said_to_be(view, clip, noisy):
    result, page = view(clip, noisy, "--pixels", "close")
    error = np.abs(page.frames[0].astype(int) - load_video(clip).frames).max()
    assert 0 < error < 16
    largest = int(re.search(r"off by at most (\d+) of 255", result.err)[1])
    assert error <= largest


def test_a_large_page_becomes_close(view, clip, noisy, monkeypatch):
    monkeypatch.setattr("freegvc._page.fitting.MAX_EXACT_BYTES", 1000)
    _, page = view(clip, noisy)
    assert {described["pixels"] for described in page.data["clips"]} == {"close"}


def test_a_page_that_no_browser_would_open_is_refused_early(run, clip, tmp_path, monkeypatch):
    monkeypatch.setattr("freegvc._page.fitting.MAX_PAGE_BYTES", 8000)
    out = tmp_path / "page.html"
    result = run("view", clip, clip, "--out", out, "--pixels", "exact")
    assert result.code == 2
    assert "--frames" in result.err
    assert not out.exists()


def test_equal_names_are_told_apart_by_their_folders(view, clip, tmp_path):
    other = tmp_path / "clip.y4m"
    other.write_bytes(clip.read_bytes())
    _, page = view(clip, other)
    assert [v["name"] for v in page.data["versions"]] == [str(clip), str(other)]
    _, page = view(clip, other, other)
    names = [v["name"] for v in page.data["versions"]]
    assert names == [str(clip), f"{other} (1)", f"{other} (2)"]
    _, page = view(clip, clip)
    assert [v["name"] for v in page.data["versions"]] == [f"{clip.name} (1)", f"{clip.name} (2)"]


def test_what_cannot_be_compared_is_refused_before_decoding(
    run, clip, stream, tmp_path, monkeypatch
):
    monkeypatch.delattr("freegvc._cli.view.ClipEncoder")
    Video(load_video(clip).frames[:, :16, :16], Fraction(25)).save(tmp_path / "small.y4m")
    for last, code in ((tmp_path / "missing.mkv", 3), (tmp_path / "small.y4m", 2)):
        result = run("view", clip, stream, last, "--out", tmp_path / "page.html")
        assert (result.code, result.err.count("\n")) == (code, 1)
        assert last.name in result.err


def test_hostile_names_do_not_leave_their_place(view, clip, tmp_path):
    name = "<img src=x onerror=alert(1)>"
    hostile = tmp_path / name
    hostile.write_bytes(clip.read_bytes())
    _, page = view(clip, hostile, "--title", "</title><script>")
    assert page.data["versions"][1]["name"] == name
    assert page.title == "&lt;/title&gt;&lt;script&gt;"
    assert "<img" not in (tmp_path / "page.html").read_text(encoding="utf-8")


def test_without_metrics_nothing_is_scored(run, clip, tmp_path):
    out = tmp_path / "page.html"
    assert run("view", clip, clip, "--out", out, "--metrics", "none").code == 0
    assert Page(out).data["metrics"] == []
    assert run("view", clip, clip, "--out", out).code == 2  # it exists
    result = run("view", clip, clip, "--out", out, "--force")
    assert "without ms_ssim" in result.err  # the clip is too small for it
    assert [metric["name"] for metric in Page(out).data["metrics"]] == ["psnr"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["{clip}"], "version"),
        (["{clip}", "{clip}", "--out", "page.png"], ".html"),
        (["{clip}", "{clip}", "--out", "-"], "--out cannot be -"),
        (["-", "-"], "read once"),
        (["{clip}", "{short}"], "short.y4m"),
        (["{clip}", "{small}"], "small.y4m"),
        (["{clip}", "{clip}", "--frames", "12:"], "none of the 9 frames"),
        (["{clip}", "{clip}", "--time", "3:4"], "lasts 0.36 s"),
        (["{clip}", "{clip}", "--metrics", "fid"], "fid"),
        (["{clip}", "{clip}", "--metrics", "psnr,cvvdp"], "cvvdp scores a whole video"),
    ],
)
def test_usage_errors(run, clip, tmp_path, monkeypatch, arguments, message):
    monkeypatch.chdir(tmp_path)
    frames = load_video(clip).frames
    Video(frames[:5], Fraction(25)).save(tmp_path / "short.y4m")
    Video(frames[:, :16, :16], Fraction(25)).save(tmp_path / "small.y4m")
    paths = {"clip": clip, "short": "short.y4m", "small": "small.y4m"}
    result = run("view", *(word.format(**paths) for word in arguments))
    assert result.code == 2
    assert message in result.err
    assert not list(tmp_path.glob("*.html"))


def test_score_writes_the_page_of_its_two_videos(run, view, clip, stream, tmp_path):
    _, expected = view(clip, stream)
    out = tmp_path / "scored.html"
    assert run("score", clip, stream, "--metrics", "psnr", "--page", out).code == 0
    page = Page(out)
    assert page.data == expected.data
    for frames, wanted in zip(page.frames, expected.frames, strict=True):
        np.testing.assert_array_equal(frames, wanted)
    assert run("score", clip, stream, "--page", out).code == 2  # it exists
    assert run("score", clip, stream, "--page", tmp_path / "a.png").code == 2


def test_score_keeps_the_first_frames_of_a_long_video(run, clip, stream, tmp_path, monkeypatch):
    monkeypatch.setattr("freegvc._page.recorder.MAX_RECORDED_BYTES", 14_000)
    out = tmp_path / "scored.html"
    result = run("score", clip, stream, "--metrics", "psnr", "--page", out)
    assert result.code == 0
    page = Page(out)
    count = len(page.frames[0])
    assert 1 < count < 9
    assert f"the first {count} of 9 frames" in result.err
    assert f"the first {count} of 9 frames" in page.data["about"]
    np.testing.assert_array_equal(page.frames[1], decompress(stream).frames[:count])
    version = page.data["versions"][1]
    assert len(version["scores"]["psnr"]) == count
    assert sum(gop["length"] for gop in version["gops"]) == count


def test_a_report_has_the_page_of_the_decoded_stream(run, clip, stream, tmp_path):
    out, report = tmp_path / "again.fgvc", tmp_path / "report"
    assert run("compress", clip, out, *SMALL, "--report", report).code == 0
    page = Page(report / "view.html")
    np.testing.assert_array_equal(page.frames[0], load_video(clip).frames)
    np.testing.assert_array_equal(page.frames[1], decompress(stream).frames)
    version = page.data["versions"][1]
    assert version["name"] == "again.fgvc"
    assert [gop["bits"] for gop in version["gops"]] == [
        gop.bits for gop in CompressedVideo.open(out).gops
    ]
    assert len(version["scores"]["psnr"]) == 9
