"""strip: one frame at growing rates in a picture."""

import numpy as np
import pytest
from PIL import Image

import freegvc
from freegvc import CompressedVideo
from freegvc._cli.main import main
from freegvc._cli.strip_picture import Cell, strip_picture
from tests.cli.tiny_clip import HEIGHT, NUM_FRAMES, WIDTH, waves

CODING = ["--prior", "analytic", "--gop-length", "5", "--overlap", "2", "--coder", "pfr"]
RATES = ["--rates", "0.4,0.15,0.2"]
GAP, BELOW = 6, 36
CELL = 71  # the caption "0.1234 bpp" is wider than the frame


@pytest.fixture(scope="module")
def rich_stream(clip, tmp_path_factory):
    """The clip's stream at 0.4 bpp."""
    path = tmp_path_factory.mktemp("rich") / "clip.fgvc"
    assert main(["compress", str(clip), str(path), "--target-bpp", "0.4", *CODING]) == 0
    return path


def cells_of(path, number):
    """The frames in a picture of so many cells, of this clip."""
    with Image.open(path) as picture:
        sheet = np.asarray(picture)
    rows = -(-number // 4)
    columns = -(-number // rows)
    width = (sheet.shape[1] - GAP) // columns - GAP
    height = (sheet.shape[0] - GAP) // rows - GAP - BELOW
    assert height == HEIGHT
    corners = [
        (GAP + k // columns * (height + BELOW + GAP), GAP + k % columns * (width + GAP))
        for k in range(number)
    ]
    return [sheet[top : top + HEIGHT, left : left + WIDTH] for top, left in corners]


def test_a_video_is_encoded_once_and_cut(run, clip, rich_stream, tmp_path):
    output = tmp_path / "a.png"
    result = run("strip", clip, output, "--frame", 6, *RATES, *CODING)
    assert (result.code, result.out) == (0, ""), result.err
    assert f"frame 6 of {NUM_FRAMES} at 3 rates" in result.err
    whole = CompressedVideo.open(rich_stream)
    *shown, original = cells_of(output, 4)
    for rate, cell in zip((0.15, 0.2, 0.4), shown, strict=True):
        cut = whole.truncate(bpp=rate)
        assert f"{cut.num_bytes} bytes, {cut.bpp:.4g} bpp" in result.err
        assert np.array_equal(cell, freegvc.decompress(cut).frames[6])
    assert np.array_equal(original, list(freegvc.open_video(clip))[6])
    assert run("strip", clip, output, *RATES, *CODING).code == 2
    assert run("strip", rich_stream, output, *RATES, "--force").code == 0


def test_a_stream_alone_is_halved_and_shows_its_middle(run, clip, rich_stream, tmp_path):
    output = tmp_path / "a.png"
    result = run("strip", rich_stream, output)
    assert result.code == 0, result.err
    assert "warning" not in result.err
    lines = [line for line in result.err.splitlines() if line.startswith("freegvc: strip: ")]
    assert f"frame {NUM_FRAMES // 2} of {NUM_FRAMES} at {len(lines)} rates" in result.err
    sizes = [int(line.split()[2]) for line in lines]
    whole = CompressedVideo.open(rich_stream)
    assert sizes[-1] == whole.num_bytes
    assert 2 <= len(sizes) <= 5
    for size, halvings in zip(reversed(sizes), range(5), strict=False):
        assert size == whole.truncate(bpp=whole.bpp / 2**halvings).num_bytes
    *_, last = cells_of(output, len(sizes))
    assert np.array_equal(last, freegvc.decompress(whole).frames[NUM_FRAMES // 2])
    more = run("strip", rich_stream, tmp_path / "b.png", "--reference", clip)
    assert more.code == 0
    *_, original = cells_of(tmp_path / "b.png", len(sizes) + 1)
    assert np.array_equal(original, list(freegvc.open_video(clip))[NUM_FRAMES // 2])


def test_rates_out_of_reach_are_named(run, rich_stream, tmp_path):
    result = run("strip", rich_stream, tmp_path / "a.png", "--rates", "0.001,0.2,9,10")
    assert result.code == 0
    assert "warning: 0.001 bpp: too low" in result.err
    assert "warning: 9, 10 bpp: more than this stream has" in result.err
    assert "at 2 rates" in result.err  # 9 and 10 give one stream
    assert run("strip", rich_stream, tmp_path / "b.png", "--rates", "0.001").code == 6


def test_a_reference_of_another_size_or_length_is_refused(run, rich_stream, tmp_path):
    for name, frames, message in [
        ("small", waves(width=WIDTH - 2), "has frames of 62x32, but"),
        ("short", waves(num_frames=3), "has 3 frames, and no frame 4"),
    ]:
        other = tmp_path / f"{name}.y4m"
        freegvc.Video.from_array(frames, 25).save(other)
        result = run("strip", rich_stream, tmp_path / "a.png", "--reference", other)
        assert result.code == 2
        assert message in result.err


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["{clip}", "a.jpg"], "name a .png file"),
        (["{clip}", "-"], "the output cannot be -"),
        (["{clip}", "gone/a.png"], "gone is not a folder"),
        (["{clip}", "a.png", "--frame", "9"], "must be in 0..8"),
        (["{clip}", "a.png", "--frame", "-1"], "must be in 0..8"),
        (["{stream}", "a.png", "--frame", "9"], "must be in 0..8"),
        (["{clip}", "a.png", "--rates", "0.1,-3"], "a rate is -3 bpp"),
        (["{clip}", "a.png", "--rates", "a"], "must be numbers with commas"),
        (["{clip}", "a.png", "--reference", "{clip}"], "--reference goes with a .fgvc file"),
        (["{stream}", "a.png", "--gop-length", "9"], "is a stream, which is only cut"),
        (["{stream}", "a.png", "--native-size", "48x16"], "leave out --native-size"),
    ],
)
def test_what_cannot_be_is_refused_before_any_work(
    run, clip, rich_stream, monkeypatch, tmp_path, words, message
):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delattr("freegvc._codec.coding.GopEncoder")
    monkeypatch.delattr("freegvc.priors.loading.load_prior_by_name")
    names = {"clip": clip, "stream": rich_stream}
    result = run("strip", *(word.format(**names) for word in words))
    assert (result.code, result.out) == (2, "")
    assert message in result.err
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("number", "columns", "rows"), [(1, 1, 1), (4, 4, 1), (5, 3, 2), (6, 3, 2), (9, 3, 3)]
)
def test_rows_are_filled_evenly(number, columns, rows):
    cell = Cell(np.zeros((50, 200, 3), np.uint8), "0.0040 bpp", "1234 bytes")
    picture = strip_picture([cell] * number)
    assert picture.size == (columns * 206 + GAP, rows * (50 + BELOW + GAP) + GAP)
