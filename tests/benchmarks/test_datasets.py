"""The manifest, finding sequences below a folder, and what is said of broken files."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from benchmarks import datasets
from benchmarks.datasets import DatasetError, Sequence, dataset_names, dataset_sequences
from benchmarks.frames import MAX_SIZE, middle, shrunk
from freegvc._video import BT709, rgb_to_yuv

STANDARD = [name for name in dataset_names() if name not in ("clips", "folder")]
CLASS_D = (416, 240)


def sparse_file(path: Path, num_bytes: int) -> Path:
    """A file of zeros that takes no room."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        file.truncate(num_bytes)
    return path


def find(dataset: str, name: str, root: Path) -> Sequence:
    (sequence,) = [s for s in dataset_sequences(dataset, root) if s.name == name]
    return sequence


def frame_bytes(size: tuple[int, int] = CLASS_D) -> int:
    return size[0] * size[1] * 3 // 2


def write_yuv(path: Path, frames: np.ndarray) -> None:
    planes = [plane for frame in frames for plane in rgb_to_yuv(frame, BT709)]
    path.write_bytes(b"".join(plane.tobytes() for plane in planes))


def test_manifest_has_the_sequences_of_the_paper(tmp_path: Path) -> None:
    sequences = {name: dataset_sequences(name, tmp_path) for name in STANDARD}
    counts = {name: len(found) for name, found in sequences.items()}
    expected = {"hevc-b": 5, "hevc-c": 4, "hevc-d": 4, "hevc-e": 3, "uvg": 7, "mcl-jcv": 30}
    assert counts == expected
    sizes = {name: {(s.width, s.height) for s in found} for name, found in sequences.items()}
    large = {(1920, 1080)}
    assert sizes["hevc-b"] == sizes["uvg"] == sizes["mcl-jcv"] == large
    assert [sizes[f"hevc-{c}"] for c in "cde"] == [{(832, 480)}, {CLASS_D}, {(1280, 720)}]


def test_manifest_is_consistent(tmp_path: Path) -> None:
    everything = [s for name in STANDARD for s in dataset_sequences(name, tmp_path)]
    assert len({s.name.lower() for s in everything}) == len(everything)
    for sequence in everything:
        assert sequence.num_frames >= datasets.NUM_FRAMES
        # all are cut to 5 or 10 seconds, but one
        assert sequence.fps is not None
        seconds = sequence.num_frames / sequence.fps
        assert seconds in (5, 10) or sequence.name == "ShakeNDry"


def test_every_sequence_is_found_whole_by_its_usual_name(tmp_path: Path) -> None:
    for name in STANDARD:
        for sequence in dataset_sequences(name, tmp_path):
            usual = sequence.hint.split("; ")[1].removesuffix(" is usual")
            size = frame_bytes((sequence.width, sequence.height)) * sequence.num_frames
            sparse_file(tmp_path / name / usual, size)
    for name in STANDARD:
        for sequence in dataset_sequences(name, tmp_path):
            sequence.check()


@pytest.mark.parametrize(
    ("dataset", "name", "file"),
    [
        ("hevc-d", "BQSquare", "deep/er/bqsquare_416x240_60.YUV"),
        ("hevc-d", "BQSquare", "D03_BQSquare_416x240_60_420p.yuv"),
        ("hevc-d", "RaceHorses", "RaceHorsesD_416x240_30.yuv"),
        ("hevc-d", "BQSquare", "BQSquare.yuv"),
    ],
)
def test_name_variants_are_found(tmp_path: Path, dataset: str, name: str, file: str) -> None:
    sequence = find(dataset, name, tmp_path)
    sparse_file(tmp_path / file, frame_bytes() * (sequence.num_frames + 1))
    found = find(dataset, name, tmp_path)
    assert found.paths == (tmp_path / file,)
    found.check()


@pytest.mark.parametrize(
    "file",
    [
        "RaceHorses_832x480_30.yuv",
        "RaceHorses_480p.yuv",
        "RaceHorsesText_416x240_30.yuv",
        "RaceHorses_416x240_30.mp4",
        ".RaceHorses_416x240_30.yuv",
    ],
)
def test_other_files_are_not_taken(tmp_path: Path, file: str) -> None:
    sparse_file(tmp_path / file, frame_bytes())
    with pytest.raises(DatasetError, match=r"RaceHorses of hevc-d is missing.*416x240_30"):
        find("hevc-d", "RaceHorses", tmp_path).check()


def test_two_files_of_one_name_are_named(tmp_path: Path) -> None:
    for folder in ("a", "b"):
        sparse_file(tmp_path / folder / "BQSquare_416x240_60.yuv", frame_bytes() * 600)
    with pytest.raises(DatasetError, match=r"there 2 times.*a/BQSquare.*b/BQSquare"):
        find("hevc-d", "BQSquare", tmp_path).check()


@pytest.mark.parametrize(
    "num_bytes",
    [
        frame_bytes() * 600 - 1,
        frame_bytes() * 600 + 1,
        frame_bytes() * 599,
        0,
        frame_bytes() * 1200,
    ],
    ids=["truncated", "odd", "short", "empty", "10-bit"],
)
def test_yuv_of_a_wrong_size_is_named_with_both_sizes(tmp_path: Path, num_bytes: int) -> None:
    path = sparse_file(tmp_path / "BQSquare_416x240_60.yuv", num_bytes)
    with pytest.raises(DatasetError) as caught:
        find("hevc-d", "BQSquare", tmp_path).check()
    for said in (str(path), f"{num_bytes} bytes", f"{frame_bytes() * 600} bytes"):
        assert said in str(caught.value)


def test_a_broken_sequence_leaves_the_others_alone(tmp_path: Path) -> None:
    sparse_file(tmp_path / "BQSquare_416x240_60.yuv", 5)
    sparse_file(tmp_path / "BasketballPass_416x240_50.yuv", frame_bytes() * 501)
    find("hevc-d", "BasketballPass", tmp_path).check()


@pytest.mark.parametrize(
    ("header", "fault"),
    [
        (b"YUV4MPEG2 W416 H240 F60:1 C420jpeg\n", None),
        (b"YUV4MPEG2 W416 H240 F60:1\n", None),
        (b"YUV4MPEG2 W832 H480 F60:1 C420\n", "832x480"),
        (b"YUV4MPEG2 W416 H240 F60:1 C420p10\n", "420p10"),
        (b"YUV4MPEG2 W416 H240 F60:1 C444\n", "444"),
        (b"RIFF W416 H240\n", "does not begin"),
    ],
)
def test_y4m_is_checked_by_its_header(tmp_path: Path, header: bytes, fault: str | None) -> None:
    path = tmp_path / "BQSquare_416x240_60.y4m"
    path.write_bytes(header)
    with path.open("r+b") as file:
        file.truncate(len(header) + 600 * (frame_bytes() + 6))
    sequence = find("hevc-d", "BQSquare", tmp_path)
    if fault is None:
        sequence.check()
    else:
        with pytest.raises(DatasetError, match=fault):
            sequence.check()


def test_first_frames_come_in_rgb_through_bt709(tmp_path: Path, scene) -> None:
    frames = scene(3, 240, 416)
    write_yuv(tmp_path / "BQSquare_416x240_60.yuv", frames)
    found, fps = find("hevc-d", "BQSquare", tmp_path).load(2)
    assert (found.shape, found.dtype, fps) == ((2, 240, 416, 3), np.uint8, 60)
    error = np.abs(found[:2].astype(int) - frames[:2])
    assert error.mean() < 1.5  # 0.7 of 4:2:0; read as BT.601 it is 2.9


def test_y4m_loads_like_yuv(tmp_path: Path, scene) -> None:
    frames = scene(2, 240, 416)
    write_yuv(tmp_path / "BQSquare_416x240_60.yuv", frames)
    expected, _ = find("hevc-d", "BQSquare", tmp_path).load()
    samples = (tmp_path / "BQSquare_416x240_60.yuv").read_bytes()
    pictures = [samples[: frame_bytes()], samples[frame_bytes() :]]
    (tmp_path / "BlowingBubbles_416x240_50.y4m").write_bytes(
        b"YUV4MPEG2 W416 H240 F60:1 Ip C420jpeg\n"
        + b"".join(b"FRAME\n" + picture for picture in pictures)
    )
    found, fps = find("hevc-d", "BlowingBubbles", tmp_path).load()
    np.testing.assert_array_equal(found, expected)
    assert fps == 50  # the manifest's


def test_folder_of_clips(tmp_path: Path, scene) -> None:
    frames = scene(2, 48, 64)
    write_yuv(tmp_path / "raw_64x48_30.yuv", frames)
    (tmp_path / "basketballpass").mkdir()
    for index, frame in enumerate(frames):
        Image.fromarray(frame).save(tmp_path / "basketballpass" / f"{index}.png")
    (tmp_path / "broken.mp4").write_bytes(b"nothing")
    (tmp_path / "raw.mkv").write_bytes(b"")
    (tmp_path / "raw.avi").write_bytes(b"")
    (tmp_path / "notes.md").write_text("no clip")
    sequences = {s.name: s for s in dataset_sequences("folder", tmp_path)}
    assert list(sequences) == ["basketballpass", "broken", "raw.avi", "raw.mkv", "raw_64x48_30"]
    for name, rate in (("basketballpass", 50), ("raw_64x48_30", 30)):
        sequences[name].check()
        found, fps = sequences[name].load()
        assert (found.shape, fps) == (frames.shape, rate)
    with pytest.raises(DatasetError, match=r"broken\.mp4"):
        sequences["broken"].check()


def test_clips_beside_the_repository(clips: Path) -> None:
    sequences = {s.name: s for s in dataset_sequences("clips")}
    assert len(sequences) == 15
    found, fps = sequences["carphone_qcif"].load(2, max_size=MAX_SIZE)
    assert found.shape == (2, 144, 176, 3)
    assert fps == Fraction(30000, 1001)
    found, _ = sequences["bikes"].load(2, max_size=MAX_SIZE)
    assert found.shape == (2, 240, 416, 3)


def test_middle_is_centred_and_even() -> None:
    frames = np.arange(2 * 9 * 11 * 3).reshape(2, 9, 11, 3).astype(np.uint8)
    np.testing.assert_array_equal(middle(frames, (5, 20)), frames[:, 2:6, 0:10])
    np.testing.assert_array_equal(middle(frames[0], (4, 4)), frames[0, 2:6, 3:7])


def test_shrunk_frame_keeps_its_shape_and_all_of_one_side() -> None:
    frame = np.zeros((480, 1000, 3), np.uint8)
    frame[:40, 500:] = 200
    small = shrunk(frame)
    assert small.shape == (240, 416, 3)
    assert (small[:20, 208:] == 200).all()
    assert (small[20:] == 0).all()
    assert (small[:, :208] == 0).all()
    np.testing.assert_array_equal(shrunk(frame[:100, :100]), frame[:100, :100])


@pytest.mark.parametrize(
    ("dataset", "root", "message"),
    [
        ("hevc-x", Path(), "hevc-x.*hevc-b"),
        ("uvg", None, "root"),
        ("uvg", Path("/nowhere"), "/nowhere"),
    ],
)
def test_wrong_datasets_say_what_is_needed(dataset: str, root: Path | None, message: str) -> None:
    with pytest.raises(DatasetError, match=message):
        dataset_sequences(dataset, root)
