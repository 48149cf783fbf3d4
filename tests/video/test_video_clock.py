"""The clock is what is shown: rates, timestamps, durations, edit lists and cropping."""

import struct
from fractions import Fraction

import av
import numpy as np
import pytest

from freegvc._video import Video, load_video, open_video
from freegvc._video.timestamps import repair
from freegvc.errors import InputWarning, UnsupportedVideoError, UsageError, VideoReadError
from tests.video.video_files import psnr, textured, write_h264


def starts(source):
    return [float(seconds) for seconds in source.timestamps()]


@pytest.mark.parametrize(
    ("ticks", "expected", "broken"),
    [
        ([0, 40, 80], [0, 40, 80], []),
        ([0, 40, 80, 0, 40, 80], [0, 40, 80, 120, 160, 200], [3]),  # two recordings
        ([0, 40, 40, 120], [0, 40, 80, 120], [2]),  # stands still once
        ([0, 40, 40, 40, 400, 440], [0, 40, 160, 280, 400, 440], [2]),
        ([0, 80, 40, 120, 160], [0, 40, 80, 120, 160], [2]),  # two are swapped
        ([0, 40, 80, 80, 80], [0, 40, 80, 120, 160], [3, 4]),  # stands still at the end
        ([90, 50, 10], [90, 97, 104], [1, 2]),  # runs backwards: no gap is known
        ([5], [5], []),
    ],
)
def test_a_clock_that_does_not_increase_is_repaired(ticks, expected, broken):
    assert repair(ticks, 7) == (expected, broken)


def test_a_long_recording_after_a_short_one_is_not_squeezed():
    fixed, broken = repair([*range(0, 400, 40), *range(0, 1200, 40)], 40)
    assert fixed == list(range(0, 1600, 40))
    assert broken == [10]


@pytest.mark.filterwarnings("ignore:.*damaged")  # FFmpeg's counter of packets jumps as well
@pytest.mark.parametrize("second", [15, 25, 40])
def test_joined_recordings_keep_their_duration(tmp_path, second):
    parts = []
    for length in (25, second):
        path = write_h264(tmp_path / "part.ts", textured(length), clock=Fraction(1, 90000))
        parts.append(path.read_bytes())
    (tmp_path / "both.ts").write_bytes(b"".join(parts))
    with open_video(tmp_path / "both.ts") as source:
        with pytest.warns(InputWarning, match="jump back or stand still at frame 25: they were"):
            assert len(list(source)) == 25 + second
        assert source.frame_rate == 25
        assert source.timestamps() is None
        assert source.duration_seconds() == Fraction(25 + second, 25)
    with (
        open_video(tmp_path / "both.ts", strict_input=True) as source,
        pytest.raises(VideoReadError, match="strict"),
    ):
        list(source)


def test_a_clock_of_a_thousand_ticks_is_not_a_rate(tmp_path):
    stamps = [round(index * 33.3) for index in range(60)]
    path = tmp_path / "browser.webm"
    with av.open(str(path), "w", options={"live": "1"}) as container:
        stream = container.add_stream("libvpx", rate=1000, options={"deadline": "realtime"})
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        stream.codec_context.time_base = Fraction(1, 1000)
        for frame, pts in zip(textured(60), stamps, strict=True):
            picture = av.VideoFrame.from_ndarray(frame, format="rgb24")
            picture.pts, picture.time_base = pts, Fraction(1, 1000)
            container.mux(stream.encode(picture))
        container.mux(stream.encode(None))
    with open_video(path) as source:
        assert source.frame_rate == 30
        assert source.num_frames == 60
        assert source.duration_seconds() == 2
        assert len(list(source)) == 60
        assert source.timestamps() is None
        assert source.last_frame_seconds() is None


def test_a_rate_above_the_limit_has_a_way_out(tmp_path):
    path = write_h264(tmp_path / "fast.mp4", textured(9), rate=2000)
    with pytest.raises(UnsupportedVideoError, match=r"fast\.mp4 has 2000 .*at most 1000.*--fps"):
        open_video(path)
    with open_video(path, fps=25) as source:
        assert len(list(source)) == 9
        assert source.frame_rate == 25
        assert source.timestamps() is None
        assert source.duration_seconds() == Fraction(9, 25)


def test_a_rate_that_is_given_replaces_the_file_s_clock(tmp_path):
    path = write_h264(tmp_path / "v.mkv", textured(4), pts=[0, 100, 110, 500])
    with open_video(path, fps="30000/1001") as source:
        assert len(list(source)) == 4
        assert source.frame_rate == Fraction(30000, 1001)
        assert source.timestamps() is None


@pytest.mark.parametrize("suffix", [".mkv", ".mp4"])
@pytest.mark.parametrize(
    ("gaps", "last"),
    [([100, 100, 100], 3000), ([1000, 500, 100], 100), ([10, 900, 10, 1000], 333), ([], 2000)],
)
def test_the_last_frame_keeps_its_duration(tmp_path, suffix, gaps, last):
    stamps = tuple(Fraction(sum(gaps[:index]), 1000) for index in range(len(gaps) + 1))
    video = Video(
        textured(len(stamps)), Fraction(25), stamps, last_frame_seconds=Fraction(last, 1000)
    )
    assert video.duration_seconds == pytest.approx((sum(gaps) + last) / 1000)
    video.save(tmp_path / f"a{suffix}")
    with av.open(str(tmp_path / f"a{suffix}")) as container:
        assert container.duration / 1e6 == pytest.approx(video.duration_seconds, abs=0.002)
    back = load_video(tmp_path / f"a{suffix}")
    assert back.duration_seconds == pytest.approx(video.duration_seconds, abs=0.002)


def test_a_last_frame_of_no_duration_is_refused(tmp_path):
    with pytest.raises(UsageError, match="shown for 0 s"):
        Video(textured(2), Fraction(25), last_frame_seconds=Fraction(0))
    video = Video(textured(2), Fraction(25), last_frame_seconds=Fraction(3))
    with pytest.warns(UserWarning, match="no duration of the last frame"):
        video.save(tmp_path / "a.y4m")


@pytest.mark.parametrize("b_frames", [0, 2])
def test_an_edit_list_is_followed(tmp_path, b_frames):
    path = write_h264(
        tmp_path / "edited.mp4",
        textured(40),
        shift=-10,
        options={"use_editlist": "1", "avoid_negative_ts": "disabled"},
        bf=b_frames,
    )
    with av.open(str(path)) as container:
        assert container.streams.video[0].frames == 40
    with open_video(path) as source:  # without a warning
        assert source.count_frames() == source.num_frames == 30
        assert source.first_shown_seconds == 0
        assert len(list(source)) == 30
        assert source.duration_seconds() == Fraction(30, 25)
        assert source.last_frame_seconds() is None


@pytest.mark.parametrize(("begin", "shown"), [(3, 25), (26, 50)])
def test_the_origin_is_the_first_frame_that_is_shown(tmp_path, begin, shown):
    full = write_h264(tmp_path / "full.mkv", textured(60), g=25, sc_threshold=0, bf=0)
    with av.open(str(full)) as old, av.open(str(tmp_path / "cut.mkv"), "w") as new:
        stream = new.add_stream_from_template(old.streams.video[0])
        for packet in old.demux(video=0):
            if packet.size and packet.pts >= 40 * begin:
                packet.stream = stream
                new.mux(packet)
    with open_video(tmp_path / "cut.mkv") as source:
        assert source.first_shown_seconds == Fraction(shown, 25)
        with pytest.warns(InputWarning, match=f"the first {shown - begin} of {60 - begin} frames"):
            assert len(list(source)) == 60 - shown
        assert source.duration_seconds() == Fraction(60 - shown, 25)


def _cropped_mkv(path):
    """The Colour element of a file gives way to PixelCrop: left 4, right 8, top 2, bottom 6."""
    data = path.read_bytes()
    begin = data.index(b"\x55\xb0")
    length = 3 + (data[begin + 2] & 0x7F)
    crops = b"".join(
        kind + b"\x81" + bytes((value,))
        for kind, value in ((b"\x54\xcc", 4), (b"\x54\xdd", 8), (b"\x54\xbb", 2), (b"\x54\xaa", 6))
    )
    void = b"\xec" + bytes((0x80 | (length - len(crops) - 2),))
    path.write_bytes(
        data[:begin]
        + crops
        + (void + bytes(length))[: length - len(crops)]
        + data[begin + length :]
    )


def _cropped_mp4(path):
    """A clean aperture of 52x40 whose centre is 2 columns and rows left of and above the middle."""
    clap = struct.pack(">I4s8i", 40, b"clap", 52, 1, 40, 1, -2, 1, -2, 1)
    data = bytearray(path.read_bytes())
    position = 0
    for name in (b"moov", b"trak", b"mdia", b"minf", b"stbl", b"stsd", b"avc1"):
        position = data.index(name, position)
        size = struct.unpack(">I", data[position - 4 : position])[0]
        data[position - 4 : position] = struct.pack(">I", size + len(clap))
    end = position - 4 + size
    data[end:end] = clap
    path.write_bytes(data)


@pytest.mark.filterwarnings("ignore:.*matrix")
@pytest.mark.parametrize(("suffix", "crop"), [(".mkv", _cropped_mkv), (".mp4", _cropped_mp4)])
def test_cropping_is_applied(tmp_path, suffix, crop):
    video = textured(3)
    path = write_h264(tmp_path / f"a{suffix}", video, colour=(1, 1, 1, 1))
    crop(path)
    with open_video(path) as source:
        assert (source.width, source.height) == (52, 40)
        frames = list(source)
    assert psnr(frames, video[:, 2:42, 4:56]) > 25


def test_a_crop_that_leaves_nothing_is_ignored(tmp_path):
    path = write_h264(tmp_path / "a.mp4", textured(2))
    _cropped_mp4(path)
    data = path.read_bytes()
    path.write_bytes(data.replace(struct.pack(">2i", 52, 1), struct.pack(">2i", 5200, 1)))
    with open_video(path) as source:
        assert (source.width, source.height) == (64, 48)


def test_the_average_gap_decides_where_the_stated_rate_is_far_off(tmp_path):
    path = write_h264(tmp_path / "slow.mkv", textured(5), pts=[0, 500, 1000, 1500, 2000])
    video = load_video(path)
    assert video.frame_rate == 2
    assert video.timestamps is None
    assert np.isclose(video.duration_seconds, 2.5, atol=0.5)
