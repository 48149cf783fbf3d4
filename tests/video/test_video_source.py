import subprocess
import sys
import warnings
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

import freegvc._video
from freegvc._video import (
    BT709,
    Colour,
    Video,
    load_video,
    open_video,
    read_audio,
    rgb_to_yuv,
    yuv_to_rgb,
)
from freegvc.errors import ColourWarning, UsageError, VideoReadError
from tests.video.video_files import textured, write_audio_file

CLIPS = Path(__file__).parents[2].parent / "shared/data/clips"


@pytest.mark.parametrize("wrap", [np.asarray, torch.from_numpy])
def test_arrays_and_tensors_become_videos(wrap):
    frames = textured(4)
    video = Video.from_array(wrap(frames), 29.97)
    np.testing.assert_array_equal(video.frames, frames)
    assert (video.width, video.height, video.num_frames) == (64, 48, 4)
    assert video.frame_rate == Fraction(2997, 100)
    assert video.duration_seconds == pytest.approx(4 / 29.97)
    assert repr(video) == "<Video 64x48, 4 frames, 29.97 fps>"
    with open_video(wrap(frames), fps=50) as source:
        assert source.frame_rate == 50
        np.testing.assert_array_equal(list(source), frames)
        assert source.timestamps() is None


@pytest.mark.parametrize(
    ("frames", "message"),
    [
        (np.zeros((2, 4, 4, 3), np.float32), "float32.*uint8"),
        (torch.zeros((2, 4, 4, 3)), "float32"),
        (np.zeros((4, 4, 3), np.uint8), r"shape \[4, 4, 3\]"),
        (np.zeros((2, 4, 4, 4), np.uint8), r"\[2, 4, 4, 4\]"),
        (np.zeros((2, 3, 4, 4), np.uint8), r"\[2, 3, 4, 4\]"),
        (np.zeros((0, 4, 4, 3), np.uint8), r"\[0, 4, 4, 3\]"),
        (np.zeros((2, 4, 0, 3), np.uint8), r"\[2, 4, 0, 3\]"),
        ([[1, 2]], "list"),
    ],
)
def test_other_arrays_are_refused_with_what_is_needed(frames, message):
    with pytest.raises(VideoReadError, match=message):
        Video.from_array(frames)
    with pytest.raises(VideoReadError, match="must be uint8"):
        open_video(frames)


def test_a_video_keeps_its_timestamps_and_rate():
    stamps = (Fraction(0), Fraction(1, 3))
    video = Video(textured(2), Fraction(5), stamps)
    source = open_video(video)
    assert len(list(source)) == 2
    assert source.timestamps() == stamps
    with pytest.raises(UsageError, match="fps"):
        open_video(video, fps=3)
    with pytest.raises(VideoReadError, match="1 timestamps for 2 frames"):
        Video(textured(2), Fraction(5), stamps[:1])


def test_a_video_takes_numbers_as_they_are_written():
    video = Video(textured(2), 29.97, (0.0, "1/30"), last_frame_seconds=np.float32(0.04))
    assert video.frame_rate == Fraction(2997, 100)
    assert video.timestamps == (0, Fraction(1, 30))
    assert video.last_frame_seconds == Fraction(1, 25)
    assert Video(textured(1), np.int64(25)).frame_rate == 25
    with pytest.raises(UsageError, match="timestamp is 'x', but must be a number"):
        Video(textured(1), 25, ("x",))
    with pytest.raises(UsageError, match="frame_rate is None, but must be a number"):
        Video(textured(1), None)
    with pytest.raises(UsageError, match="frame_rate is 0, but must be above 0"):
        Video(textured(1), 0)
    with pytest.raises(UsageError, match="output is None, but must be a path or an open file"):
        video.save(None)


@pytest.mark.parametrize("rate", [0, -1, 1001, "x", "1/0", float("nan"), None])
def test_impossible_rates_are_refused(rate):
    with pytest.raises(UsageError, match="frame rate"):
        Video.from_array(textured(1), rate)


@pytest.mark.parametrize(
    ("pix_fmt", "subsampling", "bit_depth"),
    [
        (None, (2, 2), 8),
        ("yuv422p", (2, 1), 8),
        ("yuv444p", (1, 1), 8),
        ("yuv420p10le", (2, 2), 10),
        ("yuv422p10le", (2, 1), 10),
        ("yuv444p10le", (1, 1), 10),
        ("gray", None, 8),
    ],
)
def test_raw_files(tmp_path, pix_fmt, subsampling, bit_depth):
    path = tmp_path / "a.yuv"
    planes = []
    for frame in textured(3, 37, 51):
        all_three = rgb_to_yuv(frame, BT709, subsampling or (1, 1), bit_depth)
        planes.append(all_three if subsampling else all_three[:1])
    path.write_bytes(b"".join(p.tobytes() for frame in planes for p in frame))
    said = {"matrix": "bt709"} if subsampling else {}
    with open_video(path, size="51x37", fps="30000/1001", pix_fmt=pix_fmt, **said) as source:
        assert (source.width, source.height, source.num_frames) == (51, 37, 3)
        assert source.frame_rate == Fraction(30000, 1001)
        for got, expected in zip(source, planes, strict=True):
            colour = BT709 if subsampling else Colour(1, 1, 1, True)  # grey is full, as FFmpeg's
            np.testing.assert_array_equal(got, yuv_to_rgb(expected, bit_depth, colour))


def test_raw_files_that_do_not_fit_say_by_how_much(tmp_path):
    path = tmp_path / "a.yuv"
    path.write_bytes(bytes(2 * 96 + 5))
    with pytest.raises(VideoReadError, match=r"197 bytes.*96 bytes.*5 bytes remain after 2"):
        open_video(path, size="8x8")
    path.write_bytes(b"")
    with pytest.raises(VideoReadError, match="0 bytes"):
        open_video(path, size="8x8")
    path.write_bytes(b"\xff" * 192)
    with pytest.raises(VideoReadError, match=r"65535.*1023"):
        list(open_video(path, size="8x8", pix_fmt="yuv420p10le", matrix="bt709"))
    with pytest.raises(UsageError, match="--size 416x240"):
        open_video(path)
    for size in ("8", "8x", "0x8", "8x8x8", "axb", "70000x8"):
        with pytest.raises(UsageError, match="WIDTHxHEIGHT"):
            open_video(path, size=size)
    with pytest.raises(UsageError, match="yuv420p, yuv422p"):
        open_video(path, size="8x8", pix_fmt="nv12")


def test_image_folders(tmp_path):
    frames = textured(3, 20, 31)
    for name, frame in zip(("4.png", "02.png", "03.PNG"), frames, strict=True):
        Image.fromarray(frame).save(tmp_path / name, format="png")
    (tmp_path / "notes.txt").write_text("not a picture")
    with open_video(tmp_path) as source:
        assert source.frame_rate == 25
        assert source.colour == BT709
        got = list(source)
    np.testing.assert_array_equal(got, frames[[1, 2, 0]])
    assert open_video(tmp_path, fps=50).frame_rate == 50
    assert got[0].flags.writeable  # torch.from_numpy warns about frames that are not
    Image.fromarray(frames[0][:, :30]).save(tmp_path / "5.png")
    with pytest.raises(VideoReadError, match=r"5\.png measures 30x20.*31x20"):
        list(open_video(tmp_path))
    (tmp_path / "5.png").write_bytes(b"broken")
    with pytest.raises(VideoReadError, match=r"5\.png cannot be read"):
        list(open_video(tmp_path))


def test_image_kinds(tmp_path):
    empty = tmp_path / "empty"
    empty.mkdir()
    with pytest.raises(VideoReadError, match="no pictures"):
        open_video(empty)
    Image.fromarray(np.full((4, 6, 4), (9, 8, 7, 0), np.uint8)).save(empty / "0.png")
    Image.fromarray(np.full((4, 6), 5, np.uint8)).save(empty / "1.png")
    first, second = open_video(empty)
    assert first[0, 0].tolist() == [9, 8, 7]
    assert second[0, 0].tolist() == [5, 5, 5]
    Image.fromarray(np.full((4, 6), 5000, np.uint16)).save(empty / "2.png")
    assert list(open_video(empty))[2][0, 0].tolist() == [19, 19, 19]  # 5000 / 257 is 19.5


def test_the_public_names_are_complete_and_importing_them_is_light():
    names = freegvc._video.__all__
    assert names == sorted(names)
    assert all(hasattr(freegvc._video, name) for name in names)
    code = (
        "import sys, freegvc._video; print([m for m in ('av', 'torch', 'PIL') if m in sys.modules])"
    )
    answer = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        cwd=Path(__file__).parents[2],
    )
    assert answer.stdout.strip() == "[]"


@pytest.mark.skipif(not CLIPS.is_dir(), reason=f"the clips are not at {CLIPS}")
@pytest.mark.parametrize(
    ("name", "frames", "size", "rate"),
    [
        ("carphone_qcif.mp4", 120, (176, 144), Fraction(30000, 1001)),
        ("dolphins.mp4", 59, (960, 540), Fraction(24)),
        ("pancake.mkv", 310, (426, 240), Fraction(30)),
        ("basketballpass", 100, (416, 240), Fraction(25)),
        ("foreman_cif_intra.264", 300, (352, 288), Fraction(25)),
        ("flower_cc0.mp4", 150, (960, 540), Fraction(30000, 1001)),
    ],
)
def test_real_clips_have_the_frames_of_their_manifest(name, frames, size, rate):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ColourWarning)
        with open_video(CLIPS / name) as source:
            shapes = {frame.shape for frame in source}
    assert source.num_frames == frames
    assert shapes == {(size[1], size[0], 3)}
    assert (source.width, source.height, source.frame_rate) == (*size, rate)
    assert source.timestamps() is None


@pytest.mark.skipif(not CLIPS.is_dir(), reason=f"the clips are not at {CLIPS}")
def test_every_clip_opens():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ColourWarning)
        for clip in sorted(CLIPS.iterdir()):
            with open_video(clip) as source:
                assert next(iter(source)).shape == (source.height, source.width, 3)


def test_a_bare_stream_takes_a_rate(tmp_path):
    import av

    path = tmp_path / "a.264"
    with av.open(str(path), "w", format="h264") as container:
        stream = container.add_stream("libx264", rate=25)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        stream.codec_context.colorspace = 1
        for frame in textured(3):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(frame, format="rgb24")))
        container.mux(stream.encode(None))
    with open_video(path, fps=30) as source:
        assert len(list(source)) == 3
    assert source.frame_rate == 30
    assert source.timestamps() is None
    assert load_video(path).audio is None


def test_frames_are_counted_without_disturbing_the_pass(tmp_path):
    video = Video.from_array(textured(7))
    video.save(tmp_path / "a.mkv")
    expected = load_video(tmp_path / "a.mkv").frames
    with open_video(tmp_path / "a.mkv") as source:
        assert source.num_frames == 7  # counted, as Matroska does not state it
        frames = iter(source)
        got = [next(frames) for _ in range(3)]
        assert source.count_frames() == 7
        got += list(frames)
        assert source.count_frames() == source.num_frames == 7
    np.testing.assert_array_equal(got, expected)


def test_frames_of_every_kind_of_source_are_counted(tmp_path):
    frames = textured(4, 16, 16)
    video = Video.from_array(frames)
    video.save(tmp_path / "pictures")
    video.save(tmp_path / "a.y4m")
    planes = [plane for frame in frames for plane in rgb_to_yuv(frame, BT709)]
    (tmp_path / "a.yuv").write_bytes(b"".join(plane.tobytes() for plane in planes))
    for source in (frames, video, tmp_path / "pictures", tmp_path / "a.y4m"):
        with open_video(source) as opened:
            assert opened.count_frames() == 4
            assert len(list(opened)) == 4
    with open_video(tmp_path / "a.yuv", size="16x16", matrix="bt709") as opened:
        assert opened.count_frames() == 4


def test_a_damaged_file_cannot_be_counted(tmp_path):
    Video.from_array(textured(40)).save(tmp_path / "a.mp4")
    data = bytearray((tmp_path / "a.mp4").read_bytes())
    middle = len(data) // 2
    data[middle : middle + 2000] = bytes(2000)
    (tmp_path / "a.mp4").write_bytes(data)
    with (
        open_video(tmp_path / "a.mp4") as source,
        pytest.raises(VideoReadError, match="cannot be decoded at frame"),
    ):
        source.count_frames()


def test_sources_give_their_audio(tmp_path):
    blob = read_audio(write_audio_file(tmp_path / "a.mka"))
    video = Video(textured(5), Fraction(25), audio=blob)
    video.save(tmp_path / "sound.mkv")
    Video.from_array(textured(5)).save(tmp_path / "silent.mkv")
    assert open_video(video).audio() == blob
    with open_video(tmp_path / "sound.mkv") as source:
        next(iter(source))
        assert source.audio() == read_audio(tmp_path / "sound.mkv") is not None
    for silent in (textured(5), tmp_path / "silent.mkv"):
        with open_video(silent) as source:
            assert source.audio() is None


def test_an_opened_video_is_returned_as_it_is():
    source = open_video(textured(2))
    assert open_video(source) is source
    with pytest.raises(UsageError, match=r"fps=25 was given for an opened video"):
        open_video(source, fps=25)
