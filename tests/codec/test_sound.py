"""Sound through compress and decompress: carried, refused in time, or missed aloud."""

import warnings

import numpy as np
import pytest

import freegvc
from freegvc._cli.main import main
from freegvc._video import load_video
from tests.video.sound_files import flash_seconds, sound, tags, write_clip

FRAME = 1 / 25
QUICK = {"prior": "analytic", "stop_step": 900}
# colours of the corners, clockwise from the upper left one
CORNERS = ((200, 40, 40), (40, 180, 40), (40, 40, 200), (180, 180, 40))


def paint_corners(frame, index):
    """A square of another colour in each corner."""
    where = (slice(0, 20), slice(0, 24)), (slice(0, 20), slice(40, 64))
    where += (slice(28, 48), slice(40, 64)), (slice(28, 48), slice(0, 24))
    for (rows, columns), colour in zip(where, CORNERS, strict=True):
        frame[rows, columns] = colour


def corners(frame):
    """Colour of the middle of each corner, clockwise."""
    height, width, _ = frame.shape
    rows, columns = height // 6, width // 6
    points = (rows, columns), (rows, -columns), (-rows, -columns), (-rows, columns)
    return np.array([frame[r - 2 : r + 2, c - 2 : c + 2].mean((0, 1)) for r, c in points])


@pytest.mark.parametrize("rotation", [90, -90, 180])
def test_a_clip_of_a_phone_comes_back(tmp_path, rotation):
    """Rotation, AAC with delay, two tracks with languages, edit lists, full range."""
    clip = write_clip(
        tmp_path / "phone.mp4",
        ("aac", "aac"),
        languages=("deu", "fra"),
        default=0,
        heard=(-0.3, 1),
        rotation=rotation,
        full_range=True,
        cover=paint_corners,
    )
    original = load_video(clip)
    compressed = freegvc.compress(clip, audio="copy", prior="analytic", stop_step=150)
    video = freegvc.decompress(compressed)
    for name in ("back.mp4", "back.mkv"):
        out = tmp_path / name
        video.save(out)
        back = load_video(out)
        assert back.frames.shape == original.frames.shape
        assert back.frames.shape[1:3] == ((48, 64) if rotation == 180 else (64, 48))
        assert back.colour == original.colour == freegvc._video.Colour(1, 1, 1, True)
        turned = np.roll(CORNERS, -rotation // 90, axis=0)
        assert np.abs(corners(original.frames[3]) - turned).max() < 12
        assert np.abs(corners(back.frames[3]) - turned).max() < 30
        assert back.duration_seconds == pytest.approx(original.duration_seconds, abs=FRAME)
        assert tags(out) == tags(clip)
        assert [t[0] for t in tags(out)] == ["deu", "fra"]
        for track in (0, 1):
            click, first, end, count = sound(out, track)
            assert click - flash_seconds(out) == pytest.approx(0, abs=0.002)
            assert end - first == pytest.approx(1, abs=FRAME)
            assert count / 48000 == pytest.approx(1, abs=FRAME)


@pytest.mark.parametrize("codec", ["pcm_alaw", "pcm_mulaw", "adpcm_ima_qt"])
def test_what_cannot_be_carried_is_said_before_the_first_gop(tmp_path, codec):
    clip = write_clip(tmp_path / "a.mov", (codec,), shown=range(9), flash=4)
    heard = []
    with pytest.raises(freegvc.UnsupportedVideoError, match=codec):
        freegvc.compress(clip, audio="copy", on_event=heard.append, **QUICK)
    assert not heard


@pytest.mark.parametrize("blob", [b"", b"RIFF....WAVE", b"ffconcat version 1.0"])
def test_sound_that_is_not_matroska_is_refused_before_the_first_gop(blob):
    video = freegvc.Video(np.zeros((5, 48, 64, 3), np.uint8), 25, audio=blob)
    heard = []
    with pytest.raises(freegvc.UsageError, match="not a Matroska file"):
        freegvc.compress(video, audio="copy", on_event=heard.append, **QUICK)
    assert not heard


def test_dropped_sound_is_said_once_unless_it_was_asked_for(tmp_path):
    clip = write_clip(tmp_path / "a.mp4", shown=range(5), flash=2)
    with pytest.warns(freegvc.AudioWarning, match="--audio copy") as caught:
        freegvc.compress(clip, **QUICK)
    assert len(caught) == 1
    with pytest.warns(freegvc.AudioWarning):
        freegvc.compress(load_video(clip), **QUICK)
    silent = write_clip(tmp_path / "b.mp4", (), shown=range(5), flash=2)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        freegvc.compress(clip, audio="drop", **QUICK)
        freegvc.compress(silent, **QUICK)
        freegvc.compress(silent, audio="copy", **QUICK)


def test_the_command_line_says_it_in_one_line(tmp_path, capsys):
    clip = write_clip(tmp_path / "a.mp4", shown=range(5), flash=2)
    options = ["--prior", "analytic", "--stop-step", "900", "--force"]
    arguments = ["compress", str(clip), str(tmp_path / "a.fgvc"), *options]
    assert main(arguments) == 0
    assert capsys.readouterr().err.count("freegvc: warning: the video has sound") == 1
    assert main([*arguments, "--audio", "drop"]) == 0
    assert "warning" not in capsys.readouterr().err


def test_the_output_is_checked_before_the_first_gop_is_decoded(tmp_path, capsys):
    clip = write_clip(tmp_path / "a.mkv", ("aac", "wavpack"), shown=range(5), flash=2)
    freegvc.compress(clip, audio="copy", **QUICK).save(tmp_path / "a.fgvc")
    arguments = ["decompress", str(tmp_path / "a.fgvc"), str(tmp_path / "b.mp4")]
    assert main([*arguments, "--events", "ndjson"]) == 2
    out, err = capsys.readouterr()
    assert "coded as wavpack, which .mp4 cannot hold: write .mkv" in err
    assert "gop" not in out.lower()
    assert not (tmp_path / "b.mp4").exists()


@pytest.mark.parametrize("suffix", [".mp4", ".mkv"])
def test_decompressing_twice_gives_the_same_bytes(tmp_path, suffix):
    clip = write_clip(tmp_path / "a.mp4", languages=("deu",), titles=("Ton",))
    freegvc.compress(clip, audio="copy", **QUICK).save(tmp_path / "a.fgvc")
    for name in ("one", "two"):
        assert main(["decompress", str(tmp_path / "a.fgvc"), str(tmp_path / (name + suffix))]) == 0
    one, two = ((tmp_path / (name + suffix)).read_bytes() for name in ("one", "two"))
    assert one == two
