from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from benchmarks.report.pictures import (
    Decode,
    common_rate,
    most_moving_row,
    points_near,
    save_contact_sheet,
    save_time_slices,
    worst_and_median,
)
from tests.benchmarks.report_results import make_result

ORIGINAL = np.full((5, 40, 60, 3), 90, np.uint8)


def solid(value: int) -> Decode:
    scores = {"lpips": [0.1, 0.5, 0.2, 0.3, 0.4], "psnr": [9.0, 5.0, 6.0, 7.0, 8.0]}
    frames = np.full_like(ORIGINAL, value)
    frames += np.arange(5, dtype=np.uint8)[:, None, None, None]  # tells frames apart
    return Decode(frames, 0.0123, scores)


def has(path: Path, value: int) -> bool:
    pixels = np.asarray(Image.open(path).convert("RGB"))
    return bool((pixels == value).all(axis=2).any())


def test_common_rate_is_the_one_all_are_near_to() -> None:
    results = [
        make_result("a", sizes=(100, 400, 6400)),
        make_result("b", sizes=(500, 3000)),
        make_result("c", error="broken"),
    ]
    bpp = common_rate(results)
    near = points_near(results, bpp)
    assert {codec: point.num_bytes for codec, point in near.items()} == {"a": 400, "b": 500}


def test_common_rate_needs_a_result() -> None:
    with pytest.raises(ValueError, match="no codec finished"):
        common_rate([make_result(error="broken")])


def test_lpips_judges_before_other_metrics() -> None:
    assert worst_and_median(solid(1)) == ("lpips", 1, 3)


def test_first_metric_judges_without_lpips_by_its_direction() -> None:
    scores = {"psnr": [9.0, 5.0, 6.0, 7.0, 8.0], "tlp": [None, 0.1, 0.2, 0.3, 0.4]}
    assert worst_and_median(Decode(ORIGINAL, 0.1, scores)) == ("psnr", 1, 3)


def test_frames_without_a_score_are_never_chosen() -> None:
    decode = Decode(ORIGINAL, 0.1, {"tlp": [None, 0.1, 0.2]})
    assert worst_and_median(decode) == ("tlp", 2, 1)
    with pytest.raises(ValueError, match="no metric"):
        worst_and_median(Decode(ORIGINAL, 0.1, {"tlp": [None]}))


def test_contact_sheet_shows_worst_and_median_of_all(tmp_path: Path) -> None:
    path = tmp_path / "sheet.png"
    decodes = {"a": solid(150), "<b>\n": solid(200)}
    save_contact_sheet(path, ORIGINAL, decodes, judged="a", title="t" * 500)
    # frames 1 and 3, and no others
    assert [has(path, 150 + k) for k in range(5)] == [False, True, False, True, False]
    assert [has(path, 200 + k) for k in range(5)] == [False, True, False, True, False]
    assert has(path, 90)


def test_rows_of_a_contact_sheet_are_as_full_as_they_can_be(tmp_path: Path) -> None:
    sizes = {}
    for count in (1, 2, 3, 5):
        decodes = {f"{k}": solid(150 + k) for k in range(count)}
        save_contact_sheet(tmp_path / "sheet.png", ORIGINAL, decodes, judged="0", title="")
        with Image.open(tmp_path / "sheet.png") as sheet:
            sizes[1 + count] = sheet.size
    assert sizes[4][0] == sizes[2][0] < sizes[3][0] == sizes[6][0]  # 2 x 2, 3 x 2
    assert sizes[4][1] == sizes[6][1] > sizes[3][1]


def test_pictures_refuse_other_shapes(tmp_path: Path) -> None:
    short = Decode(ORIGINAL[:4], 0.1, {"lpips": [0.1] * 4})
    with pytest.raises(ValueError, match=r"a has shape \(4, 40, 60, 3\)"):
        save_contact_sheet(tmp_path / "x.png", ORIGINAL, {"a": short}, judged="a", title="")
    with pytest.raises(ValueError, match="a has shape"):
        save_time_slices(tmp_path / "x.png", ORIGINAL, {"a": short}, title="")
    with pytest.raises(ValueError, match="no decode"):
        save_time_slices(tmp_path / "x.png", ORIGINAL, {}, title="")


def test_most_moving_row() -> None:
    frames = ORIGINAL.copy()
    frames[2, 17] += 30
    assert most_moving_row(frames) == 17
    assert most_moving_row(frames[:1]) == 20


def test_time_slices_show_one_row_of_all_frames(tmp_path: Path) -> None:
    path = tmp_path / "slices.png"
    decode = solid(150)
    decode.frames[:, 7] += 50
    save_time_slices(path, ORIGINAL, {"a": decode}, title="t", row=7)
    assert all(has(path, 200 + k) for k in range(5))  # each frame's row
    assert not any(has(path, 150 + k) for k in range(5))  # no other row
    assert has(path, 90)
    pixels = np.asarray(Image.open(path).convert("RGB"))
    counts = [(pixels == 200 + k).all(axis=2).sum() for k in range(5)]
    assert len(set(counts)) == 1
    first = [int(np.argmax((pixels == 200 + k).all(axis=2).any(axis=1))) for k in range(5)]
    assert first == sorted(first)  # time runs downwards
