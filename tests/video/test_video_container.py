from fractions import Fraction

import av
import numpy as np
import pytest

from freegvc._video import (
    BT709,
    Colour,
    Video,
    open_video,
    rgb_to_yuv,
    yuv_to_rgb,
)
from freegvc.errors import ColourWarning, UnsupportedVideoError, UsageError, VideoReadError
from tests.video.video_files import av_frame, psnr, textured, write_ffv1


def yuv_frames(video, colour, subsampling, pixel_format, bit_depth=8):
    return [av_frame(rgb_to_yuv(f, colour, subsampling, bit_depth), pixel_format) for f in video]


def read(path):
    with open_video(path) as source:
        return list(source), source


@pytest.mark.parametrize(
    ("pixel_format", "subsampling", "bit_depth"),
    [
        ("yuv420p", (2, 2), 8),
        ("yuv422p", (2, 1), 8),
        ("yuv444p", (1, 1), 8),
        ("yuv420p10le", (2, 2), 10),
        ("yuv422p10le", (2, 1), 10),
        ("yuv444p10le", (1, 1), 10),
    ],
)
@pytest.mark.parametrize("size", [(48, 64), (37, 51)])
def test_native_planes_reach_our_own_conversion_untouched(
    tmp_path, pixel_format, subsampling, bit_depth, size
):
    colour = Colour(6, 5, 6, True)  # neither default matrix nor default range
    video = textured(2, *size)
    frames = yuv_frames(video, colour, subsampling, pixel_format, bit_depth)
    path = write_ffv1(tmp_path / "a.mkv", frames, tags=(6, 5, 6, 2))
    got, source = read(path)
    assert (source.width, source.height) == size[::-1]
    assert source.colour == colour
    for frame, original in zip(got, video, strict=True):
        planes = rgb_to_yuv(original, colour, subsampling, bit_depth)
        np.testing.assert_array_equal(frame, yuv_to_rgb(planes, bit_depth, colour))


def test_range_is_taken_from_the_tag(tmp_path):
    planes = rgb_to_yuv(np.full((16, 16, 3), 255, np.uint8), BT709)
    limited = write_ffv1(tmp_path / "l.mkv", [av_frame(planes, "yuv420p")], tags=(1, 1, 1, 1))
    full = write_ffv1(tmp_path / "f.mkv", [av_frame(planes, "yuv420p")], tags=(1, 1, 1, 2))
    assert read(limited)[0][0].min() == 255
    assert set(np.unique(read(full)[0][0])) == {235}


@pytest.mark.parametrize("pixel_format", ["nv12", "p010le", "yuyv422", "gray", "gray10le", "gbrp"])
def test_other_layouts_hold_the_same_picture(tmp_path, pixel_format):
    from freegvc._video.planes import native_planes

    ten = "10" in pixel_format
    level = np.arange(16, 16 + 16 * 8, dtype=np.uint16).reshape(8, 16) * (4 if ten else 1)
    level = level if ten else level.astype(np.uint8)
    cb, cr = level[:4, :8], level[4:, 8:]
    if pixel_format in ("nv12", "p010le"):
        scale = 64 if ten else 1
        pairs = np.stack([cb, cr], axis=2).reshape(4, 16) * np.array(scale, level.dtype)
        frame, wanted = av_frame([level * np.array(scale, level.dtype), pairs], pixel_format), 3
        expected = (level, cb, cr)
    elif pixel_format == "yuyv422":
        packed = np.zeros((8, 32), np.uint8)
        packed[:, 0::2], packed[:, 1::4], packed[:, 3::4] = level, 90, 160
        frame = av.VideoFrame(16, 8, pixel_format)
        frame.planes[0].update(packed)
        flat = np.ones((8, 16), np.uint8)
        wanted, expected = 3, (level, flat * 90, flat * 160)
    elif pixel_format == "gbrp":
        frame, wanted = av_frame([level, level // 2, level // 3], pixel_format), 3
        expected = (level, level // 2, level // 3)
    else:
        frame, wanted, expected = av_frame([level], pixel_format), 1, (level,)
    planes, bits = native_planes(frame, "it")
    assert bits == (10 if ten else 8)
    assert len(planes) == wanted
    for plane, values in zip(planes, expected, strict=True):
        np.testing.assert_array_equal(plane, values)


def test_rgb_files_are_lossless_and_alpha_is_dropped(tmp_path):
    video = textured(2, 20, 30)
    frames = [av.VideoFrame.from_ndarray(f, format="rgb24").reformat(format="bgr0") for f in video]
    got, source = read(write_ffv1(tmp_path / "a.mkv", frames, tags=(0, 1, 1, 2)))
    np.testing.assert_array_equal(got, video)
    assert source.colour == BT709
    rgba = np.concatenate([video, np.full((2, 20, 30, 1), 7, np.uint8)], axis=3)
    path = tmp_path / "b.avi"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("png", rate=25)
        stream.width, stream.height, stream.pix_fmt = 30, 20, "rgba"
        for frame in rgba:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(frame, format="rgba")))
    np.testing.assert_array_equal(read(path)[0], video)


def test_untagged_warns_once_and_high_dynamic_range_is_refused(tmp_path):
    frames = yuv_frames(textured(3), BT709, (2, 2), "yuv420p")
    untagged = write_ffv1(tmp_path / "u.mkv", frames, tags=(2, 2, 2, 0))
    with pytest.warns(ColourWarning) as caught:
        got, source = read(untagged)
    assert len(caught) == 1
    assert len(got) == 3
    assert source.colour == BT709
    for transfer in (16, 18):
        hdr = write_ffv1(tmp_path / f"{transfer}.mkv", frames, tags=(9, 9, transfer, 1))
        with pytest.raises(UnsupportedVideoError, match="convert to SDR"):
            open_video(hdr)
    twelve = write_ffv1(tmp_path / "12.mkv", [av.VideoFrame(16, 16, "yuv420p12le")])
    with pytest.raises(UnsupportedVideoError, match="12 bits"):
        read(twelve)


def test_variable_rate_gives_timestamps_and_constant_rate_none(tmp_path):
    frames = yuv_frames(textured(5), BT709, (2, 2), "yuv420p")
    steady = write_ffv1(tmp_path / "c.mkv", frames, rate=Fraction(30000, 1001))
    _, source = read(steady)
    assert source.timestamps() is None
    assert source.frame_rate == Fraction(30000, 1001)
    assert source.num_frames == 5
    # The clock does not begin at zero; timestamps do.
    varied = write_ffv1(tmp_path / "v.mkv", frames, pts=[100, 140, 300, 310, 400])
    _, source = read(varied)
    assert source.timestamps() == tuple(Fraction(ms, 1000) for ms in (0, 40, 200, 210, 300))
    # Each gap is within a tick of 40 ms, but the whole drifts by more than half a frame.
    drifting = write_ffv1(tmp_path / "d.mkv", frames * 6, pts=[41 * i for i in range(30)])
    _, source = read(drifting)
    assert source.frame_rate == 25
    assert source.timestamps() is not None


@pytest.mark.parametrize("rotation", [90, 180, -90])
def test_rotated_video_comes_upright(tmp_path, rotation):
    video = textured(2, 48, 64)
    video[:, :16, :16] = (255, 0, 0)
    frames = yuv_frames(video, BT709, (2, 2), "yuv420p")
    got, source = read(write_ffv1(tmp_path / "r.mp4", frames, rotation=rotation))
    expected = np.rot90(video, rotation // 90, axes=(1, 2))  # counter-clockwise
    assert (source.height, source.width) == expected.shape[1:3]
    assert got[0].flags.c_contiguous
    assert psnr(got, expected) > 25
    assert psnr(got, np.flip(expected, (1, 2))) < 20


def test_mirrored_video_comes_upright(tmp_path):
    video = textured(1, 48, 64)
    frames = yuv_frames(video, BT709, (2, 2), "yuv420p")
    path = tmp_path / "m.mp4"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=25, options={"crf": "4"})
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        stream.codec_context.colorspace = 1
        stream.set_display_rotation(0, hflip=True)
        container.mux(stream.encode(frames[0]))
        container.mux(stream.encode(None))
    assert psnr(read(path)[0], video[:, :, ::-1]) > 25


def test_a_source_is_read_once(tmp_path):
    source = open_video(textured(2))
    with pytest.raises(UsageError, match="after the last frame"):
        source.timestamps()
    assert len(list(source)) == 2
    with pytest.raises(UsageError, match="once"):
        iter(source)


def test_unreadable_files_say_which_and_why(tmp_path):
    with pytest.raises(VideoReadError, match=r"none\.mp4 does not exist"):
        open_video(tmp_path / "none.mp4")
    junk = tmp_path / "junk.mp4"
    junk.write_bytes(bytes(range(256)) * 20)
    with pytest.raises(VideoReadError, match=r"junk\.mp4"):
        open_video(junk)
    silent = tmp_path / "sound.wav"
    with av.open(str(silent), "w") as container:
        stream = container.add_stream("pcm_s16le", rate=8000, layout="mono")
        sound = av.AudioFrame.from_ndarray(np.zeros((1, 800), np.int16), "s16", "mono")
        sound.sample_rate = 8000
        container.mux(stream.encode(sound))
    with pytest.raises(VideoReadError, match="no video stream"):
        open_video(silent)


def test_damage_in_the_middle_is_an_error_with_the_frame(tmp_path):
    path = tmp_path / "a.mp4"
    Video.from_array(textured(40)).save(path)
    data = bytearray(path.read_bytes())
    data[len(data) // 2 : len(data) // 2 + 20000] = bytes(20000)
    path.write_bytes(data)
    with pytest.raises(VideoReadError, match=r"a\.mp4 cannot be decoded at frame \d"):
        read(path)


def test_a_change_of_size_is_an_error(tmp_path):
    path = tmp_path / "two.264"
    parts = []
    for height in (48, 64):
        part = tmp_path / f"{height}.264"
        with av.open(str(part), "w", format="h264") as container:
            stream = container.add_stream("libx264", rate=25)
            stream.width, stream.height, stream.pix_fmt = 64, height, "yuv420p"
            stream.codec_context.colorspace = 1
            for frame in yuv_frames(textured(2, height), BT709, (2, 2), "yuv420p"):
                container.mux(stream.encode(frame))
            container.mux(stream.encode(None))
        parts.append(part.read_bytes())
    path.write_bytes(b"".join(parts))
    with pytest.raises(VideoReadError, match="changes its size from 64x48 to 64x64 at frame 2"):
        read(path)


def test_options_that_do_not_fit_are_refused(tmp_path):
    path = write_ffv1(tmp_path / "a.mkv", yuv_frames(textured(1), BT709, (2, 2), "yuv420p"))
    for options in ({"size": "64x48"}, {"pix_fmt": "yuv420p"}):
        with pytest.raises(UsageError, match=next(iter(options))):
            open_video(path, **options)
    with pytest.raises(UsageError, match="size"):
        open_video(textured(1), size="64x48")


def test_the_cover_of_an_album_is_no_video(tmp_path):
    """FFmpeg shows it as a video stream."""
    path = tmp_path / "a.flac"
    with av.open(str(path), "w") as container:
        sound = container.add_stream("flac", rate=48000, layout="mono")
        cover = container.add_stream("mjpeg", rate=25)
        cover.width = cover.height = 32
        cover.pix_fmt, cover.disposition = "yuvj420p", av.stream.Disposition.attached_pic
        picture = av.VideoFrame(32, 32, "yuvj420p")
        picture.pts = 0
        container.mux(cover.encode(picture))
        silence = av.AudioFrame.from_ndarray(np.zeros((1, 4096), np.int16), "s16", "mono")
        silence.rate, silence.pts = 48000, 0
        container.mux(sound.encode(silence))
        container.mux(sound.encode(None))
    with pytest.raises(VideoReadError, match="has no video stream"):
        open_video(path)
