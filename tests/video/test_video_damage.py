"""Damage is said: a cut or damaged file is never a silent success. So is interlacing."""

import av
import imageio.v3 as iio
import numpy as np
import pytest

from freegvc._video import Video, open_video
from freegvc._video.layout import crop_of
from freegvc.errors import InputWarning, UnsupportedVideoError, UsageError, VideoReadError
from tests.video.video_files import textured, write_h264


def written(path, options=None):
    if path.suffix == ".y4m":
        Video.from_array(textured(30)).save(path)
        return path
    return write_h264(path, textured(30), options=options or {}, g=10)


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("a.mp4", {"movflags": "faststart"}, r"bytes are missing"),
        ("a.mkv", {}, r"bytes are missing"),
        ("a.y4m", {}, r"bytes are missing"),
        ("a.avi", {}, r"bytes are missing"),
        ("a.ts", {}, r"bytes are missing"),
        ("a.mov", {"movflags": "frag_keyframe+empty_moov"}, r"bytes are missing"),
        ("a.flv", {}, r"1 of \d+ frames is damaged"),
    ],
)
@pytest.mark.filterwarnings("ignore:.*incomplete")
@pytest.mark.parametrize("part", [0.5, 0.71])
def test_a_cut_file_is_said(tmp_path, name, options, message, part):
    whole = written(tmp_path / name, options)
    with open_video(whole) as source:  # without a warning
        assert len(list(source)) == 30
    data = whole.read_bytes()
    whole.write_bytes(data[: int(len(data) * part) | 1])
    with pytest.warns(InputWarning, match=message) as caught, open_video(whole) as source:
        assert 3 < len(list(source)) < 30
    assert all(name in str(warning.message) for warning in caught)
    with (
        pytest.raises(VideoReadError, match=r"strict"),
        open_video(whole, strict_input=True) as source,
    ):
        list(source)


def test_fewer_frames_than_stated_are_counted(tmp_path):
    whole = written(tmp_path / "a.mp4", {"movflags": "faststart"})
    data = whole.read_bytes()
    whole.write_bytes(data[: len(data) // 2])
    with pytest.warns(InputWarning) as caught, open_video(whole) as source:
        count = len(list(source))
    said = [str(warning.message) for warning in caught]
    assert any(f"it states 30 frames and 1.2 s, but only {count} are there" in s for s in said)


def test_an_index_without_its_frames_is_not_a_video(tmp_path):
    whole = written(tmp_path / "a.mp4")
    data = whole.read_bytes()
    whole.write_bytes(data[: len(data) // 2])
    with pytest.raises(VideoReadError, match=r"it is cut short, \d+ bytes are missing"):
        open_video(whole)


@pytest.mark.parametrize(("packet", "count"), [(30, 4), (20, 2)])
def test_lost_packets_are_said(tmp_path, packet, count):
    path = written(tmp_path / "a.ts")
    data = bytearray(path.read_bytes())
    del data[188 * packet : 188 * (packet + count)]
    path.write_bytes(data)
    with open_video(path) as source, pytest.warns(InputWarning, match="damaged"):
        list(source)
    with open_video(path, strict_input=True) as source, pytest.raises(VideoReadError):
        source.count_frames()


def interlaced(path):
    video = textured(8, 64, 96)
    video[:, 1::2] = np.roll(video, 8, axis=2)[:, 1::2]
    flags = {"flags": "+ildct+ilme", "x264-params": "tff=1"}
    return write_h264(path, video, bf=0, **flags)


def test_interlaced_video_is_refused_or_deinterlaced(tmp_path):
    path = interlaced(tmp_path / "i.mkv")
    with pytest.raises(UnsupportedVideoError, match=r"i\.mkv is interlaced.*--deinterlace"):
        open_video(path)
    combing = {}
    for deinterlace in (True, False):
        with open_video(path, deinterlace=deinterlace) as source:
            frames = np.stack(list(source)).astype(int)
            assert source.count_frames() == len(frames) == 8
            assert source.timestamps() is None
        combing[deinterlace] = np.abs(np.diff(frames, axis=1)).mean()
    assert combing[True] < combing[False] / 2


def test_interlaced_y4m_is_refused(tmp_path):
    path = written(tmp_path / "a.y4m")
    path.write_bytes(path.read_bytes().replace(b" Ip ", b" It ", 1))
    with pytest.raises(UnsupportedVideoError, match="interlaced at frame 0"):
        open_video(path)


@pytest.mark.parametrize("kind", ["array", "opened", "folder", "yuv"])
def test_what_says_nothing_of_interlacing_is_not_deinterlaced(tmp_path, kind):
    frames = np.zeros((2, 16, 16, 3), np.uint8)
    options = {}
    if kind == "array":
        source = frames
    elif kind == "opened":
        source = open_video(frames)
    elif kind == "folder":
        source = tmp_path / "pictures"
        source.mkdir()
        iio.imwrite(source / "0.png", frames[0])
    else:
        source = tmp_path / "a.yuv"
        source.write_bytes(bytes(384))
        options = {"size": (16, 16)}
    with pytest.raises(UsageError, match=r"deinterlace=True was given for .*: leave it out"):
        open_video(source, deinterlace=True, **options)


@pytest.mark.parametrize(
    ("fields", "error", "message"),
    [
        ("W-64 H48 F25:1", VideoReadError, r"its header states the width '-64'; .* 1\.\.65535"),
        ("W64 Habc F25:1", VideoReadError, r"its header states the height 'abc'"),
        ("W0 H48 F25:1", VideoReadError, r"its header states the width '0'"),
        ("W100000 H48 F25:1", VideoReadError, r"its header states the width '100000'"),
        ("W64 H48 F25:1 Im", UnsupportedVideoError, r"some frames are interlaced"),
    ],
)
def test_y4m_headers_that_no_reader_takes(tmp_path, fields, error, message):
    path = tmp_path / "a.y4m"
    path.write_bytes(f"YUV4MPEG2 {fields} C420\nFRAME\n".encode() + bytes(4608))
    with pytest.raises(error, match=message):
        open_video(path)


def test_boxes_that_end_beyond_any_file_have_no_crop(tmp_path):
    """Their ends were sought, which no file object does beyond 2^63."""
    sizes = {b"moov": 2**64 - 1, b"trak": 2**64 - 1, b"mdia": 2**63}
    boxes = [b"\0\0\0\x01" + kind + size.to_bytes(8, "big") for kind, size in sizes.items()]
    path = tmp_path / "a.mp4"
    path.write_bytes(b"".join(boxes) + bytes(64))
    assert crop_of(path, 64, 48) is None


def test_progressive_video_passes_a_deinterlacer_untouched(tmp_path):
    path = written(tmp_path / "a.mkv")
    with open_video(path) as one, open_video(path, deinterlace=True) as other:
        np.testing.assert_array_equal(list(one), list(other))


@pytest.mark.parametrize("kind", ["camera", "rotated"])
def test_side_data_of_an_unknown_kind_is_ignored(tmp_path, kind):
    import io
    from fractions import Fraction

    from PIL import Image

    exif = Image.Exif()
    exif[0x10F] = "camera"
    if kind == "rotated":
        exif[0x112] = 6
    path = tmp_path / "camera.avi"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mjpeg", rate=25)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuvj420p"
        for index, frame in enumerate(textured(4)):
            data = io.BytesIO()
            Image.fromarray(frame).save(data, "JPEG", exif=exif)
            packet = av.Packet(data.getvalue())
            packet.pts = packet.dts = index
            packet.time_base, packet.is_keyframe = Fraction(1, 25), True
            packet.stream = stream
            container.mux(packet)
    with open_video(path) as source:
        shape = (64, 48, 3) if kind == "rotated" else (48, 64, 3)
        assert [frame.shape for frame in source] == [shape] * 4
