"""Folders of pictures, single pictures, and animations with their durations."""

import struct
import zlib
from fractions import Fraction

import numpy as np
import pytest
from PIL import Image, ImageOps

from freegvc._video import load_video, open_video
from freegvc.errors import InputWarning, UnsupportedVideoError, VideoReadError
from tests.video.video_files import textured


def folder_of(path, names):
    """A folder of pictures, each as bright as its place in the list."""
    path.mkdir()
    for index, name in enumerate(names):
        picture = Image.fromarray(np.full((16, 16, 3), 20 * index, np.uint8))
        picture.save(path / name, **({"lossless": True} if name.endswith("webp") else {}))
    return path


def order(folder):
    with open_video(folder) as source:
        return [int(frame[0, 0, 0]) // 20 for frame in source]


@pytest.mark.parametrize(
    "names",
    [
        [f"frame{index}.png" for index in range(12)],
        [f"{index}.png" for index in (7, 8, 9, 10, 11)],
        [f"shot2_{index}_left.png" for index in (8, 9, 10, 11)],
        [f"{index:03d}.png" for index in (0, 10, 20, 30)],  # every tenth is no gap
        ["a.png", "b.png", "c2.png"],
    ],
)
def test_numbers_are_in_the_order_of_their_values(tmp_path, names):
    assert order(folder_of(tmp_path / "f", names)) == list(range(len(names)))  # without a warning


@pytest.mark.parametrize(
    ("numbers", "message"),
    [
        ((0, 1, 2, 6, 7), "3 are missing, between 2 and 6"),
        ((1, 2, 4, 5, 9), "4 are missing, between 2 and 4, and at 1 other"),
        ((0, 10, 20, 40), "1 are missing, between 20 and 40"),
    ],
)
def test_gaps_are_named(tmp_path, numbers, message):
    folder = folder_of(tmp_path / "f", [f"f{number:03d}.png" for number in numbers])
    with pytest.warns(InputWarning, match=message):
        assert order(folder) == list(range(len(numbers)))
    with pytest.raises(VideoReadError, match=message):
        open_video(folder, strict_input=True)


def test_mixed_types_and_pictures_left_out_are_named(tmp_path):
    names = [f"f{index}.{'webp' if index % 2 else 'png'}" for index in range(4)]
    mixed = folder_of(tmp_path / "mixed", names)
    with pytest.warns(InputWarning, match=r"several types \(2 \.png, 2 \.webp\): all are read"):
        assert order(mixed) == [0, 1, 2, 3]
    partly = folder_of(tmp_path / "partly", ["f0.png", "f1.png", "f2.tif", "f3.tga"])
    with pytest.warns(InputWarning, match=r"2 pictures of types that are not read.*f2\.tif"):
        assert order(partly) == [0, 1]


def test_hidden_and_foreign_files_are_passed_over(tmp_path):
    folder = folder_of(tmp_path / "f", ["0.png", "1.png"])
    (folder / "._0.png").write_bytes(b"of another system")
    (folder / ".hidden.png").write_bytes(b"")
    (folder / "Thumbs.db").write_bytes(b"")
    (folder / "2.png").mkdir()
    assert order(folder) == [0, 1]


@pytest.mark.parametrize("mode", ["RGB", "L", "P", "RGBA", "CMYK"])
@pytest.mark.parametrize("suffix", [".png", ".jpg", ".webp"])
def test_exif_turns_a_picture_upright(tmp_path, mode, suffix):
    picture = Image.fromarray(textured(1, 20, 32)[0]).convert(mode)
    path = tmp_path / f"a{suffix}"
    for orientation in range(10):
        exif = Image.Exif()
        exif[0x112] = orientation
        try:
            picture.save(path, exif=exif)
        except OSError:
            pytest.skip(f"{suffix} holds no {mode}")
        with Image.open(path) as opened:
            expected = np.asarray(ImageOps.exif_transpose(opened).convert("RGB"))
        with open_video(path) as source:
            assert (source.height, source.width) == expected.shape[:2]
            assert source.frame_rate == 25
            np.testing.assert_array_equal(next(iter(source)), expected)


def write_png16(path, samples):
    """A PNG file with 16 bits per sample."""

    def chunk(kind, data):
        crc = zlib.crc32(kind + data)
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", crc)

    height, width, channels = samples.shape
    kind = {1: 0, 2: 4, 3: 2, 4: 6}[channels]
    lines = b"".join(b"\0" + line.astype(">u2").tobytes() for line in samples)
    path.write_bytes(
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 16, kind, 0, 0, 0))
        + chunk(b"IDAT", zlib.compress(lines))
        + chunk(b"IEND", b"")
    )


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_16_bits_are_rounded_alike_in_every_channel(tmp_path, channels):
    samples = np.random.default_rng(3).integers(0, 65536, (9, 13, channels), np.uint16)
    samples[0, :4] = [[0], [65535], [128], [129]]  # 129 / 257 rounds up
    (tmp_path / "f").mkdir()
    for path in (tmp_path / "a.png", tmp_path / "f/0.png"):
        write_png16(path, samples)
    colours = samples[:, :, : 3 if channels > 2 else 1]
    expected = np.floor(colours / 257 + 0.5).astype(np.uint8)
    for path in (tmp_path / "a.png", tmp_path / "f"):
        frame = next(iter(open_video(path)))
        np.testing.assert_array_equal(frame, np.broadcast_to(expected, (9, 13, 3)))


@pytest.mark.parametrize("place", ["folder", "file"])
def test_too_large_a_picture_is_refused_by_name(tmp_path, place):
    path = tmp_path / "0.png"
    Image.new("1", (14000, 14000)).save(path)
    with pytest.raises(VideoReadError, match=r"0\.png is too large: .*196000000 pixels.*scale"):
        open_video(tmp_path if place == "folder" else path)


def save_animation(path, durations, **options):
    frames = textured(len(durations), 24, 32)
    first, *others = [Image.fromarray(frame) for frame in frames]
    lossless = {"lossless": True} if path.suffix == ".webp" else {}
    first.save(
        path, save_all=True, append_images=others, duration=list(durations), **lossless, **options
    )
    return frames


@pytest.mark.parametrize("suffix", [".gif", ".webp", ".png"])
@pytest.mark.parametrize(
    ("durations", "rate", "last"),
    [
        ([100, 100, 100, 3000], 10, Fraction(3)),
        ([1000, 500, 100, 100], Fraction(40, 17), Fraction(1, 10)),
        ([40, 40, 40], 25, None),
    ],
)
def test_animations_keep_their_durations(tmp_path, suffix, durations, rate, last):
    path = tmp_path / f"a{suffix}"
    frames = save_animation(path, durations)
    with open_video(path) as source:
        assert source.count_frames() == len(durations)
        assert source.duration_seconds() == Fraction(sum(durations), 1000)
        got = list(source)
        assert source.frame_rate == rate
        assert source.last_frame_seconds() == last
        if len(set(durations[:-1])) > 1:
            starts = [Fraction(sum(durations[:i]), 1000) for i in range(len(durations))]
            assert list(source.timestamps()) == starts
        else:
            assert source.timestamps() is None
    if suffix != ".gif":
        np.testing.assert_array_equal(got, frames)
    video = load_video(path, fps=50)
    assert (video.frame_rate, video.timestamps, video.last_frame_seconds) == (50, None, None)


@pytest.mark.parametrize("delay", [0, 10])
def test_an_unset_delay_is_a_tenth_of_a_second(tmp_path, delay):
    save_animation(tmp_path / "a.gif", [delay, delay, delay])
    assert open_video(tmp_path / "a.gif").frame_rate == 10


def test_the_still_of_an_animation_is_not_one_of_its_frames(tmp_path):
    frames = save_animation(tmp_path / "a.png", [100, 100, 100], default_image=True)
    np.testing.assert_array_equal(load_video(tmp_path / "a.png").frames, frames[1:])


@pytest.mark.parametrize(("suffix", "part"), [(".png", 0.6), (".gif", 0.999)])
def test_a_cut_animation_is_said(tmp_path, suffix, part):
    path = tmp_path / f"a{suffix}"
    save_animation(path, [100] * 8)
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * part)])
    with pytest.warns(InputWarning, match=r"can be read|cut short"):
        source = open_video(path)
    assert 1 < len(list(source)) == source.num_frames <= 8
    with pytest.raises(VideoReadError, match=r"can be read|cut short"):
        open_video(path, strict_input=True)


@pytest.mark.parametrize(("suffix", "part"), [(".gif", 0.8), (".webp", 0.5)])
def test_an_animation_cut_within_a_head_is_refused_by_name(tmp_path, suffix, part):
    path = tmp_path / f"a{suffix}"
    save_animation(path, [100] * 8)
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * part)])
    with pytest.raises(VideoReadError, match=rf"a\{suffix} cannot be read"):
        open_video(path)


@pytest.mark.parametrize("suffix", [".gif", ".png", ".webp", ".jpg"])
def test_junk_is_not_a_picture(tmp_path, suffix):
    path = tmp_path / f"junk{suffix}"
    path.write_bytes(bytes(range(256)))
    with pytest.raises(VideoReadError, match=rf"junk\{suffix} cannot be read as a picture"):
        open_video(path)
    path.write_bytes(b"")
    with pytest.raises(VideoReadError, match=rf"junk\{suffix} is empty"):
        open_video(path)


@pytest.mark.parametrize("suffix", [".gif", ".png", ".webp", ".jpg"])
def test_pictures_without_a_suffix_are_known_by_their_bytes(tmp_path, suffix):
    named = tmp_path / f"a{suffix}"
    Image.fromarray(textured(1)[0]).save(named)
    expected = next(iter(open_video(named)))
    named.rename(tmp_path / "a")
    np.testing.assert_array_equal(next(iter(open_video(tmp_path / "a"))), expected)


def test_an_animation_in_a_folder_is_refused(tmp_path):
    folder = folder_of(tmp_path / "f", ["0.png"])
    save_animation(folder / "1.png", [100, 100])
    with pytest.raises(VideoReadError, match=r"1\.png is an animation of 2 frames"):
        open_video(folder)


def test_too_fast_an_animation_has_a_way_out(tmp_path):
    save_animation(tmp_path / "a.png", [0.5, 0.5, 0.5])
    with pytest.raises(UnsupportedVideoError, match=r"a\.png has 2000 frames.*--fps 25"):
        open_video(tmp_path / "a.png")
    assert open_video(tmp_path / "a.png", fps=25).frame_rate == 25
