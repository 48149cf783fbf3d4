"""What is untagged, and what the user says about it."""

import av
import numpy as np
import pytest

from freegvc._video import BT709, Colour, Video, load_video, open_video, rgb_to_yuv
from freegvc.errors import ColourWarning, UsageError
from tests.video.video_files import av_frame, textured, write_ffv1

RED = np.full((2, 16, 16, 3), (200, 40, 40), np.uint8)


def planes_of(colour):
    return [rgb_to_yuv(frame, colour) for frame in RED]


def write_planes(path, colour, header=b"", mark=b""):
    frames = [mark + b"".join(p.tobytes() for p in planes) for planes in planes_of(colour)]
    path.write_bytes(header + b"".join(frames))
    return path


def near(video):
    return np.abs(video.frames.astype(int) - RED).max() <= 2


@pytest.mark.parametrize(("suffix", "pixel_format"), [("mkv", "gray"), ("mkv", "gray10le")])
@pytest.mark.parametrize(("tag", "low", "high"), [(0, 0, 255), (2, 0, 255), (1, 16, 235)])
def test_grey_is_full_range_unless_it_is_tagged(tmp_path, suffix, pixel_format, tag, low, high):
    ten = "10" in pixel_format
    ramp = np.tile(np.arange(256, dtype=np.uint16), (16, 1)) * (4 if ten else 1)
    frame = av_frame([ramp if ten else ramp.astype(np.uint8)], pixel_format)
    path = write_ffv1(tmp_path / f"a.{suffix}", [frame], tags=(2, 2, 2, tag))
    row = load_video(path).frames[0, 0, :, 0]
    assert (row <= 1).sum() - 1 in (low, low + 1)
    assert abs(int(np.argmax(row >= 254)) - high) <= 1
    if tag == 0:
        with av.open(str(path)) as container:
            theirs = next(container.decode(video=0)).to_ndarray(format="rgb24")[0, :, 0]
        assert np.abs(row.astype(int) - theirs).max() <= 1
        assert open_video(path).colour == BT709
    assert load_video(path, colour_range="full").frames[0, 0, 8, 0] in (8, 9)


@pytest.mark.parametrize(("name", "code"), [("bt601", 6), ("bt2020", 9), ("smpte240m", 7)])
def test_the_matrix_of_untagged_files_can_be_said(tmp_path, name, code):
    colour = Colour(code, 1, 1, True)
    said = {"matrix": name, "colour_range": "full"}
    raw = write_planes(tmp_path / "a.yuv", colour)
    y4m = write_planes(
        tmp_path / "a.y4m", colour, b"YUV4MPEG2 W16 H16 F25:1 C420mpeg2\n", b"FRAME\n"
    )
    mkv = write_ffv1(
        tmp_path / "a.mkv",
        [av_frame(planes, "yuv420p") for planes in planes_of(colour)],
        tags=(2, 2, 2, 0),
    )
    wrong = write_ffv1(
        tmp_path / "wrong.mkv",
        [av_frame(planes, "yuv420p") for planes in planes_of(colour)],
        tags=(1, 1, 1, 1),
    )
    for path, options in ((raw, {"size": "16x16"}), (y4m, {}), (mkv, {}), (wrong, {})):
        video = load_video(path, **options, **said)
        assert near(video)
        assert (video.colour.matrix, video.colour.full_range) == (code, True)
    assert not near(load_video(wrong))
    for path, options in ((raw, {"size": "16x16"}), (y4m, {}), (mkv, {})):
        with pytest.warns(ColourWarning, match="BT.709 is assumed.*--matrix bt601") as caught:
            load_video(path, **options)
        assert len(caught) == 1


def test_our_own_y4m_states_its_matrix(tmp_path):
    for code in (1, 6):
        path = tmp_path / f"{code}.y4m"
        Video(RED, 25, colour=Colour(code, 1, 1, False)).save(path)
        video = load_video(path)
        assert near(video)
        assert video.colour.matrix == code


def test_colour_is_refused_where_it_means_nothing(tmp_path):
    with pytest.raises(UsageError, match="did you mean bt709"):
        open_video(tmp_path / "a.mkv", matrix="bt.709")
    with pytest.raises(UsageError, match="limited, full"):
        open_video(tmp_path / "a.mkv", colour_range="tv")
    with pytest.raises(UsageError, match="matrix='bt601' was given for an array"):
        open_video(textured(1), matrix="bt601")
    rgb = [av.VideoFrame.from_ndarray(textured(1)[0], format="rgb24").reformat(format="bgr0")]
    path = write_ffv1(tmp_path / "rgb.mkv", rgb, tags=(0, 1, 1, 2))
    with pytest.raises(UsageError, match="holds RGB"):
        open_video(path, matrix="bt601")
