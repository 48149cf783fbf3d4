import errno
import subprocess
import sys
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from freegvc._atomic import atomic_path
from freegvc._video import (
    BT709,
    Colour,
    Video,
    load_video,
    open_video,
    open_writer,
    read_audio,
    rgb_to_yuv,
)
from freegvc.errors import OutputExistsError, OutputWarning, UsageError
from tests.video.video_files import audio_packets, psnr, textured, write_audio_file


def stored(path):
    with av.open(str(path)) as container:
        return list(container.decode(video=0))


def luma(frame):
    plane = frame.planes[0]
    return np.frombuffer(plane, np.uint8).reshape(plane.height, -1)[:, : plane.width]


@pytest.mark.parametrize("codec", ["x264", "x265"])
@pytest.mark.parametrize("suffix", [".mp4", ".mkv"])
@pytest.mark.parametrize("colour", [BT709, Colour(6, 5, 6, True)])
def test_encoded_files_are_near_lossless_and_tagged(tmp_path, codec, suffix, colour):
    video = Video(textured(6), Fraction(30000, 1001), colour=colour, pixel_aspect=Fraction(4, 3))
    path = tmp_path / f"a{suffix}"
    video.save(path, codec=codec)
    frames = stored(path)
    for frame, rgb in zip(frames, video.frames, strict=True):
        assert psnr(luma(frame), rgb_to_yuv(rgb, colour)[0]) > 45
    with open_video(path) as source:
        back = list(source)
    assert source.colour == colour
    assert source.pixel_aspect == Fraction(4, 3)
    assert source.frame_rate == Fraction(30000, 1001)
    assert source.timestamps() is None
    assert psnr(back, video.frames) > 28  # 4:2:0 and noise
    assert [f.name for f in tmp_path.iterdir()] == [path.name]


def test_odd_sizes_are_kept(tmp_path):
    video = Video.from_array(textured(3, 37, 51))
    for name in ("a.mp4", "a.mkv", "a.y4m"):
        video.save(tmp_path / name)
        back = load_video(tmp_path / name)
        assert back.frames.shape == video.frames.shape
        assert psnr(back.frames, video.frames) > 39


def test_crf_is_obeyed(tmp_path):
    video = Video.from_array(textured(4))
    video.save(tmp_path / "a.mp4")
    video.save(tmp_path / "b.mp4", crf=40)
    assert (tmp_path / "b.mp4").stat().st_size < (tmp_path / "a.mp4").stat().st_size / 2


@pytest.mark.parametrize("suffix", [".mp4", ".mkv"])
def test_variable_timestamps_survive(tmp_path, suffix):
    stamps = tuple(Fraction(ms, 1000) for ms in (0, 33, 100, 110, 400, 401))
    video = Video(textured(6), Fraction(25), stamps)
    video.save(tmp_path / f"v{suffix}")
    back = load_video(tmp_path / f"v{suffix}")
    assert back.timestamps == stamps
    assert video.duration_seconds == pytest.approx(0.441)


def test_exact_clock_in_mp4(tmp_path):
    stamps = tuple(Fraction(n * 1001, 24000) for n in (0, 1, 3, 4, 9, 10))
    Video(textured(6), Fraction(24000, 1001), stamps).save(tmp_path / "v.mp4")
    assert load_video(tmp_path / "v.mp4").timestamps == stamps


@pytest.mark.parametrize("size", [(48, 64), (37, 51)])
@pytest.mark.parametrize("full_range", [False, True])
def test_y4m_holds_exactly_our_planes(tmp_path, size, full_range):
    colour = Colour(1, 1, 1, full_range)
    video = Video(textured(3, *size), Fraction(25), colour=colour)
    path = tmp_path / "a.y4m"
    video.save(path)
    subsampling = (1, 1) if size[0] % 2 else (2, 2)
    for frame, rgb in zip(stored(path), video.frames, strict=True):
        assert frame.format.name in ("yuv420p", "yuv444p", "yuvj420p", "yuvj444p")
        for plane, expected in zip(frame.planes, rgb_to_yuv(rgb, colour, subsampling), strict=True):
            values = np.frombuffer(plane, np.uint8).reshape(plane.height, -1)[:, : plane.width]
            np.testing.assert_array_equal(values, expected)
    back = load_video(path)  # without a warning: .y4m cannot name its matrix
    assert back.colour == colour
    assert back.frame_rate == 25


def test_png_folder_is_lossless(tmp_path):
    video = Video.from_array(textured(3, 20, 31))
    video.save(tmp_path / "out")
    names = sorted(f.name for f in (tmp_path / "out").iterdir())
    assert names == ["f00000.png", "f00001.png", "f00002.png"]
    np.testing.assert_array_equal(load_video(tmp_path / "out").frames, video.frames)
    assert [f.name for f in tmp_path.iterdir()] == ["out"]


def test_a_folder_is_replaced_only_where_nothing_else_is_lost(tmp_path):
    video = Video.from_array(textured(3))
    shorter = Video.from_array(textured(1))
    folder = tmp_path / "out.d"
    folder.mkdir()
    video.save(folder)
    with pytest.raises(OutputExistsError, match="already holds frames"):
        shorter.save(folder)
    shorter.save(folder, overwrite=True)
    assert [f.name for f in folder.iterdir()] == ["f00000.png"]
    (folder / "thesis.txt").write_text("years of work")
    with pytest.raises(OutputExistsError, match=r"thesis\.txt"):
        video.save(folder, overwrite=True)
    assert (folder / "thesis.txt").exists()


@pytest.mark.parametrize("name", ["a.mp4", "a.mkv", "a.y4m", "out"])
def test_an_exception_leaves_what_was_there(tmp_path, name):
    path = tmp_path / name
    Video.from_array(textured(2)).save(path)

    def contents():
        return {f: f.read_bytes() for f in tmp_path.rglob("*") if f.is_file()}

    before = contents()
    arguments = {"width": 64, "height": 48, "frame_rate": 25, "overwrite": True}

    def stop_half_way():
        with open_writer(path, **arguments) as writer:
            writer.write(textured(1)[0])
            raise RuntimeError("stop")

    with pytest.raises(RuntimeError, match="stop"):
        stop_half_way()
    assert contents() == before
    with pytest.raises(UsageError, match="no frame"), open_writer(path, **arguments):
        pass
    assert contents() == before
    with pytest.raises(UsageError, match="frame 0"), open_writer(path, **arguments) as writer:
        writer.write(np.zeros((48, 63, 3), np.uint8))
    assert contents() == before
    with pytest.raises(OutputExistsError, match=r"exist|already"):
        open_writer(path, **{**arguments, "overwrite": False})


def test_atomic_path(tmp_path):
    path = tmp_path / "x.bin"
    with atomic_path(path, overwrite=False) as temporary:
        temporary.write_bytes(b"new")
        assert temporary.parent == tmp_path
        assert not path.exists()
    assert path.read_bytes() == b"new"
    with pytest.raises(OutputExistsError, match=r"x\.bin exists"):
        atomic_path(path, overwrite=False).__enter__()

    def fail():
        with atomic_path(path, overwrite=True) as temporary:
            temporary.write_bytes(b"half")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fail()
    assert path.read_bytes() == b"new"
    assert [f.name for f in tmp_path.iterdir()] == ["x.bin"]
    with pytest.raises(UsageError, match="not a folder"):
        atomic_path(tmp_path / "no" / "x", overwrite=False).__enter__()


@pytest.mark.parametrize("overwrite", [False, True])
def test_a_folder_that_changed_meanwhile_stays_and_so_do_the_frames(tmp_path, overwrite):
    path = tmp_path / "out"
    arguments = {"width": 64, "height": 48, "frame_rate": 25, "overwrite": overwrite}

    def write_meanwhile():
        with open_writer(path, **arguments) as writer:
            writer.write(textured(1)[0])
            path.mkdir()
            (path / "thesis.txt").write_text("years of work")

    with pytest.raises(OutputExistsError, match=r"out came into being .* made is .*out\.\w"):
        write_meanwhile()
    assert (path / "thesis.txt").read_text() == "years of work"
    (kept,) = (folder for folder in tmp_path.iterdir() if folder != path)
    assert [file.name for file in kept.iterdir()] == ["f00000.png"]


def test_a_folder_that_came_after_the_last_look_stays(tmp_path, monkeypatch):
    path, rename = tmp_path / "out", Path.rename

    def late(self, target):
        if target == path:
            path.mkdir()
            (path / "f00000.png").write_bytes(b"theirs")
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", late)
    with pytest.raises(OutputExistsError, match="out came into being"):
        Video.from_array(textured(1)).save(path)
    assert (path / "f00000.png").read_bytes() == b"theirs"
    assert len(list(tmp_path.glob("out.*/f00000.png"))) == 1


@pytest.mark.parametrize("moment", ["before the old one went aside", "after"])
@pytest.mark.parametrize("overwrite", [False, True])
def test_nothing_is_deleted_by_a_race_for_a_folder(tmp_path, monkeypatch, moment, overwrite):
    path, rename = tmp_path / "out", Path.rename
    path.mkdir()
    if overwrite:
        (path / "f00000.png").write_bytes(b"old")

    def late(self, target):
        before = moment != "after" and self == path
        if before or (moment == "after" and target == path and not path.exists()):
            monkeypatch.undo()
            path.mkdir(exist_ok=True)
            (path / "thesis.txt").write_text("years of work")
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", late)
    with pytest.raises(OutputExistsError, match="out came into being"):
        Video.from_array(textured(1)).save(path, overwrite=overwrite)
    assert (path / "thesis.txt").read_text() == "years of work"
    pictures = [file.read_bytes() for file in tmp_path.rglob("f00000.png")]
    assert len(pictures) == 1 + overwrite
    assert (b"old" in pictures) == overwrite


def test_audio_is_copied_packet_by_packet(tmp_path):
    Video.from_array(textured(25)).save(tmp_path / "v.mp4")
    original = audio_packets(str(write_audio_file(tmp_path / "a.mp4")))
    assert len(original) > 39
    blob = read_audio(tmp_path / "a.mp4")
    assert blob is not None
    assert blob == read_audio(tmp_path / "a.mp4")  # no dates, no random identifiers
    assert read_audio(tmp_path / "v.mp4") is None
    for suffix in (".mkv", ".mp4"):
        path = tmp_path / f"both{suffix}"
        Video(textured(25), Fraction(25), audio=blob).save(path)
        copied = audio_packets(str(path))
        assert [data for data, _ in copied] == [data for data, _ in original]
        with open_video(path) as source:
            assert len(list(source)) == 25
        # Against the pictures, sound starts when it did (a Matroska clock ticks in ms).
        with av.open(str(path)) as container:
            video = container.streams.video[0]
            begin = float(video.start_time * video.time_base)
        for (_, here), (_, there) in zip(copied, original, strict=True):
            assert here - begin == pytest.approx(there, abs=0.002)
        again = load_video(path).audio
        assert again is not None
        (tmp_path / "again.mkv").write_bytes(again)
        assert [d for d, _ in audio_packets(str(tmp_path / "again.mkv"))] == [
            d for d, _ in original
        ]


def test_audio_that_mp4_does_not_hold_is_refused(tmp_path):
    blob = read_audio(write_audio_file(tmp_path / "a.mkv", codec="wavpack"))
    video = Video(textured(2), Fraction(25), audio=blob)
    with pytest.raises(UsageError, match=r"wavpack.*write \.mkv"):
        video.save(tmp_path / "v.mp4")
    video.save(tmp_path / "v.mkv")
    assert sorted(f.name for f in tmp_path.iterdir()) == ["a.mkv", "v.mkv"]
    with pytest.warns(OutputWarning, match="no audio"):
        video.save(tmp_path / "v.y4m")


def test_arguments_are_checked(tmp_path):
    good = {"width": 64, "height": 48, "frame_rate": 25}
    for name, change, message in [
        ("a.webm", {}, r"\.mp4, \.mkv, \.y4m"),
        ("a.mp4", {"codec": "av1"}, "x264 or x265"),
        ("a.mp4", {"crf": 99}, "crf 99"),
        ("a.mp4", {"frame_rate": 0}, "frame rate 0"),
        ("a.mp4", {"width": 0}, "size 0x48"),
        ("a.mp4", {"colour": Colour(0, 1, 1, True)}, "matrix 0"),
        ("a.mp4", {"timestamps": [Fraction(0), Fraction(0)]}, "increase"),
        ("missing/a.mp4", {}, "not a folder"),
        ("a.y4m", {"crf": 3}, r"crf cannot be given for .*a\.y4m, which no codec .* leave it out"),
        ("a", {"codec": "x265", "crf": 3}, r"codec and crf cannot be given for .*leave both out"),
    ]:
        with pytest.raises(UsageError, match=message):
            open_writer(tmp_path / name, **(good | change))
    stamps = [Fraction(0), Fraction(1)]
    with (
        pytest.raises(UsageError, match="1 frames were written, but 2"),
        open_writer(tmp_path / "a.mkv", **good, timestamps=stamps) as writer,
    ):
        writer.write(textured(1)[0])
    assert not list(tmp_path.iterdir())


def test_x265_survives_tiny_pictures(tmp_path):
    """Without `cutree=0` this kills the process: run in one of its own."""
    code = (
        "import sys, numpy as np, freegvc;"
        "freegvc.Video.from_array(np.zeros((9, 32, 48, 3), np.uint8)).save(sys.argv[1],"
        " codec='x265')"
    )
    for attempt in range(3):
        path = tmp_path / f"{attempt}.mp4"
        subprocess.run([sys.executable, "-c", code, str(path)], check=True)
        assert path.stat().st_size > 0


class Failing:
    """A stream whose encoder fails."""

    def __init__(self, error):
        self.error = error

    def encode(self, picture):
        raise self.error


def write_failing(path, error, *, at_the_end=False):
    """Write a frame to an encoder that fails, or whose last frames do."""
    with open_writer(path, width=16, height=16, frame_rate=25) as writer:
        if not at_the_end:
            writer._stream = Failing(error)
        writer.write(np.zeros((16, 16, 3), np.uint8))
        writer._stream = Failing(error)


@pytest.mark.parametrize("at_the_end", [False, True])
@pytest.mark.parametrize(
    "error",
    [
        av.error.ExternalError(1, "in libx264"),
        av.error.UndefinedError(2, "no name for it"),
        av.error.PatchWelcomeError(3, "not yet"),
        OverflowError("too large"),
    ],
)
def test_errors_of_the_encoder_are_ours(tmp_path, error, at_the_end):
    with pytest.raises(UsageError, match=r"a\.mkv cannot hold .* write \.y4m"):
        write_failing(tmp_path / "a.mkv", error, at_the_end=at_the_end)
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_stays_what_it_is(tmp_path):
    path = tmp_path / "a.mp4"
    with pytest.raises(OSError, match="No space left") as raised:
        write_failing(path, OSError(errno.ENOSPC, "No space left on device"))
    assert (raised.value.errno, raised.value.filename) == (errno.ENOSPC, str(path))
    assert list(tmp_path.iterdir()) == []
