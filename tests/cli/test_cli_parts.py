"""Parts: decompress --frames and --time, thumbnail, compress --gops, merge."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import freegvc
from freegvc._video import load_video
from tests.cli.tiny_clip import HEIGHT, NUM_FRAMES, SMALL, WIDTH


@pytest.fixture(scope="module")
def whole(stream):
    return freegvc.decompress(stream).frames


def pngs(folder):
    return np.stack([np.asarray(Image.open(file)) for file in sorted(folder.iterdir())])


@pytest.mark.parametrize(
    ("option", "frames"),
    [
        ("--frames=2:6", range(2, 6)),
        ("--frames=7:", range(7, 9)),
        ("--frames=:1", range(1)),
        ("--frames=-2:", range(7, 9)),
        ("--frames=-9:-1", range(8)),
        ("--frames=5:100", range(5, 9)),
        ("--frames=-100:2", range(2)),
        ("--time=0.04:0.12", range(1, 3)),
        ("--time=0.05:0.12", range(1, 3)),
        ("--time=0.3:", range(7, 9)),
        ("--time=-0.04:", range(8, 9)),
        ("--time=:100", range(9)),
    ],
)
def test_a_part_is_decoded(run, stream, whole, tmp_path, option, frames):
    result = run("decompress", stream, tmp_path / "f", option)
    assert result.code == 0, result.err
    assert np.array_equal(pngs(tmp_path / "f"), whole[frames.start : frames.stop])
    assert f"{len(frames)} frame" in result.err


@pytest.mark.parametrize(
    ("option", "message"),
    [
        ("--frames=9:", "names none of the 9 frames"),
        ("--frames=3:3", "names none of the 9 frames"),
        ("--time=99:", "no frame is shown from 99 s on: the video lasts 0.36 s"),
        ("--frames=5", "must be two numbers with a colon"),
        ("--frames=a:b", "must be two numbers with a colon"),
        ("--time=1:2:3", "must be two numbers with a colon"),
        ("--time=1/0:", "must be two numbers with a colon"),
        ("--time=0:1e99999999", "must be two numbers with a colon"),
        ("--time=1e-99999999:", "must be two numbers with a colon"),
        (f"--time={'9' * 400}:", "must be two numbers with a colon"),
        ("--time=4:5", "no frame is shown from 4 to 5 s"),
        ("--time=0.1:0.1", "no frame is shown"),
    ],
)
def test_a_part_that_is_not_there(run, stream, tmp_path, option, message):
    result = run("decompress", stream, tmp_path / "a.mkv", option)
    assert result.code == 2
    assert message in result.err
    assert list(tmp_path.iterdir()) == []


def test_both_options_and_batches_are_refused(run, stream, tmp_path):
    both = run("decompress", stream, tmp_path / "a.mkv", "--frames", "0:1", "--time", "0:1")
    assert both.code == 2
    batch = run("decompress", stream, "--out-dir", tmp_path / "out", "--frames", "0:1")
    assert batch.code == 2
    assert "of one file" in batch.err


def test_a_container_holds_the_part(run, stream, audio_stream, tmp_path):
    assert run("decompress", stream, tmp_path / "a.mkv", "--frames", "3:7").code == 0
    assert load_video(tmp_path / "a.mkv").num_frames == 4
    result = run("decompress", audio_stream, tmp_path / "b.mkv", "--frames", "3:7")
    assert result.code == 0
    assert "warning" not in result.err
    assert load_video(tmp_path / "b.mkv").audio is not None


@pytest.mark.parametrize(
    ("number", "indices", "size"),
    [
        (1, [4], (WIDTH, HEIGHT)),
        (2, [2, 6], (2 * WIDTH + 4, HEIGHT)),
        (3, [1, 4, 7], (2 * WIDTH + 4, 2 * HEIGHT + 4)),
        (9, list(range(9)), (3 * WIDTH + 8, 3 * HEIGHT + 8)),
    ],
)
def test_thumbnails(run, stream, whole, tmp_path, number, indices, size):
    output = tmp_path / "a.png"
    result = run("thumbnail", stream, output, "--count", number)
    assert result.code == 0, result.err
    assert f"{number} frame" in result.err
    with Image.open(output) as picture:
        assert picture.size == size
        sheet = np.asarray(picture)
    assert np.array_equal(sheet[:HEIGHT, :WIDTH], whole[indices[0]])
    if number == 3:
        assert np.array_equal(sheet[HEIGHT + 4 :, :WIDTH], whole[indices[2]])
    assert run("thumbnail", stream, output).code == 2
    assert run("thumbnail", stream, output, "--force").code == 0
    link = tmp_path / "link.png"
    link.symlink_to(stream)
    result = run("thumbnail", stream, link, "--force")
    assert (result.code, "is the input itself" in result.err) == (2, True)


def test_thumbnails_that_cannot_be_made(run, stream, tmp_path):
    for arguments, message in [
        ([tmp_path / "a.jpg"], "name a .png file"),
        (["-"], "the output cannot be -"),
        ([tmp_path / "a.png", "--count", NUM_FRAMES + 1], "must be in 1..9"),
        ([tmp_path / "a.png", "--count", 0], "must be in 1..9"),
    ]:
        result = run("thumbnail", stream, *arguments)
        assert result.code == 2
        assert message in result.err
    assert list(tmp_path.iterdir()) == []


def test_a_stream_that_asks_for_too_much_loads_no_model(run, stream, tmp_path, monkeypatch):
    for limit in ("FREE_GOP_PIXELS", "GOP_PIXELS_PER_BYTE"):
        monkeypatch.setattr(f"freegvc._codec.limits.{limit}", 0)
    monkeypatch.delattr("freegvc.priors.loading.load_prior_by_name")
    result = run("thumbnail", stream, tmp_path / "a.png")
    assert result.code == 4
    assert "--allow-large" in result.err


def test_parts_are_coded_and_merged(run, clip, stream, tmp_path):
    first, second, output = (tmp_path / name for name in ("a.part", "b.part", "out.fgvc"))
    result = run("compress", clip, first, *SMALL, "--gops", ":1")
    assert result.code == 0, result.err
    assert f"{first}: GOPs 0 to 0, 1 GOP," in result.err
    assert run("compress", clip, second, *SMALL, "--gops", "1:").code == 0
    result = run("merge", first, second, output)
    assert result.code == 0, result.err
    assert f"{output}: " in result.err
    assert "3 GOPs of 2 parts" in result.err
    assert output.read_bytes() == stream.read_bytes()
    assert sorted(file.name for file in tmp_path.iterdir()) == ["a.part", "b.part", "out.fgvc"]
    assert run("merge", first, second, output).code == 2
    result = run("merge", second, tmp_path / "half.fgvc")
    assert result.code == 4
    assert "GOP 0 is in no part" in result.err
    assert run("info", first).code == 4


def test_a_part_is_coded_with_all_settings(run, clip, tmp_path, monkeypatch):
    coded = []

    def code(video, path, target, *, gops, settings, **keywords):
        Path(path).touch()
        coded.append(settings)
        return gops

    monkeypatch.setattr("freegvc._codec.parts.compress_part", code)
    more = ["--gops", "0:1", "--tune", "balanced", "--metric-weights", "w"]
    assert run("compress", clip, tmp_path / "a.part", *SMALL, *more).code == 0
    settings = {"gop_length": 4, "overlap": 1, "tune": "balanced", "tune_weights": Path("w")}
    assert coded == [freegvc.Settings(**settings)]


def test_the_events_of_a_part_end_as_those_of_a_file(run, clip, tmp_path):
    output = tmp_path / "a.part"
    score = [*SMALL[:-2], "--target-psnr", "20", "--gops", "1:", "--events", "ndjson"]
    result = run("compress", clip, output, *score)
    assert result.code == 0, result.err
    events = [json.loads(line) for line in result.out.splitlines()]
    assert (events[0]["event"], events[-1]["event"]) == ("CommandStarted", "CommandDone")
    done = events[-1]
    assert (done["output"], done["num_bytes"]) == (str(output), output.stat().st_size)
    assert (done["num_gops"], done["num_frames"], done["bpp"]) == (2, None, None)
    scores = [event["score"] for event in events if event["event"] == "GopDone"]
    assert (done["metric"], done["score"]) == ("psnr", pytest.approx(np.mean(scores)))
    failed = run("compress", clip, output, *score)
    assert failed.code == 2
    assert json.loads(failed.out.splitlines()[-1])["event"] == "CommandFailed"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["a.part", "--gops", "1"], "is not A:B, such as 10:20"),
        (["a.part", "--gops", "3:3"], "names no GOP: B must be above A"),
        (
            ["a.part", "--gops", "7:"],
            "begins with GOP 7, but the video has GOPs 0 to 2: begin with one of these",
        ),
        (["a.fgvc", "--gops", "0:1"], "name it a.part"),
        (["-", "--gops", "0:1"], "cannot go to -"),
        (["--out-dir", "d", "--gops", "0:1"], "leave it or --out-dir out"),
        (["a.part", "--gops", "0:1", "--report", "r"], "leave it or --report out"),
        (["a.part", "--gops", "0:1", "--chain"], "chained GOPs need the one before"),
    ],
)
def test_parts_that_cannot_be_coded(run, clip, tmp_path, monkeypatch, arguments, message):
    monkeypatch.chdir(tmp_path)
    result = run("compress", clip, *arguments, *SMALL)
    assert result.code == 2
    assert message in result.err
    assert list(tmp_path.iterdir()) == []


def test_a_merge_that_would_replace_a_part(run, clip, tmp_path):
    part = tmp_path / "a.part"
    assert run("compress", clip, part, *SMALL, "--gops", "0:").code == 0
    data = part.read_bytes()
    assert run("merge", part, part, "--force").code == 2
    other = tmp_path / "b.part"
    other.write_bytes(data)
    for force in ([], ["--force"]):  # the output was forgotten
        result = run("merge", part, other, *force)
        assert result.code == 2
        assert f"{other} is a part, which merge does not replace" in result.err
    assert other.read_bytes() == data
    assert run("merge", part, "-").code == 2
    assert part.read_bytes() == data
