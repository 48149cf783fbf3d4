"""A folder of PNG files that is kept until it is complete."""

import numpy as np
import pytest
from PIL import Image

from freegvc._video.partial_folder import partial_folder, partial_path
from freegvc.errors import JournalMismatchError, OutputExistsError, UsageError

FRAMES = np.random.default_rng(1).integers(0, 256, (5, 8, 12, 3), np.uint8)


def write(path, frames, plan="plan", *, resume=False, overwrite=False, fail=False):
    """Write the frames that are missing; gives how many there were."""
    with partial_folder(path, plan, resume=resume, overwrite=overwrite) as folder:
        before = folder.num_frames
        for frame in frames[before:]:
            folder.write(frame)
        if fail:
            raise KeyboardInterrupt
    return before


def read(folder):
    return [np.asarray(Image.open(folder / f"f{k:05d}.png")) for k in range(len(FRAMES))]


def test_frames_of_an_earlier_run_are_kept_and_gone_on_with(tmp_path):
    path = tmp_path / "take.2"
    with pytest.raises(KeyboardInterrupt):
        write(path, FRAMES[:2], fail=True)
    assert not path.exists()
    partial = partial_path(path)
    (partial / ".f00002.png.tmp").write_bytes(b"torn")
    with pytest.raises(OutputExistsError, match=r"take\.2\.partial holds the frames .*--resume"):
        write(path, FRAMES)
    with pytest.raises(OutputExistsError, match=r"take\.2\.partial holds the frames"):
        write(path, FRAMES, overwrite=True)
    with pytest.raises(JournalMismatchError, match="of another stream"):
        write(path, FRAMES, "another plan", resume=True)
    written = (partial / "f00001.png").stat().st_mtime_ns
    assert write(path, FRAMES, resume=True) == 2
    assert [file.name for file in tmp_path.iterdir()] == ["take.2"]
    assert len(list(path.glob("*.png"))) == 5
    assert (path / "f00001.png").stat().st_mtime_ns == written
    assert np.array_equal(read(path), FRAMES)


def test_a_run_that_wrote_nothing_leaves_nothing(tmp_path):
    with pytest.raises(KeyboardInterrupt):
        write(tmp_path / "f", FRAMES[:0], fail=True)
    assert not list(tmp_path.iterdir())


def test_a_run_that_was_killed_at_its_start(tmp_path):
    partial = tmp_path / "f.partial"
    for plan in (None, b"", b"pl"):
        partial.mkdir()
        if plan is not None:
            (partial / ".freegvc-plan").write_bytes(plan)
        assert write(tmp_path / "f", FRAMES, resume=True, overwrite=True) == 0
        assert read(tmp_path / "f")


def test_files_of_others_are_never_touched(tmp_path):
    partial = tmp_path / "f.partial"
    partial.mkdir()
    (partial / "letter.txt").write_text("mine")
    with pytest.raises(OutputExistsError, match="holds other files"):
        write(tmp_path / "f", FRAMES, resume=True)
    (partial / "f00000.png").write_bytes(b"")
    with pytest.raises(JournalMismatchError):
        write(tmp_path / "f", FRAMES, resume=True)
    assert (partial / "letter.txt").read_text() == "mine"


def test_hidden_files_of_others_are_never_touched(tmp_path):
    partial = tmp_path / "f.partial"
    partial.mkdir()
    (partial / ".letter").write_text("mine")
    with pytest.raises(OutputExistsError, match=r"holds other files, such as \.letter"):
        write(tmp_path / "f", FRAMES, resume=True)
    assert [file.name for file in partial.iterdir()] == [".letter"]
    assert (partial / ".letter").read_text() == "mine"


@pytest.mark.parametrize("kind", ["file", "link to nothing", "link to a folder"])
@pytest.mark.parametrize("resume", [False, True])
def test_what_is_no_folder_is_named(tmp_path, kind, resume):
    partial = tmp_path / "f.partial"
    if kind == "file":
        partial.write_text("mine")
    else:
        partial.symlink_to(tmp_path if kind == "link to a folder" else "nowhere")
    with pytest.raises(OutputExistsError, match=r"f\.partial is no folder, .* move it"):
        write(tmp_path / "f", FRAMES, resume=resume)
    assert [file.name for file in tmp_path.iterdir()] == ["f.partial"]


def test_an_older_folder_stays_until_the_new_one_is_complete(tmp_path):
    write(tmp_path / "f", FRAMES)
    with pytest.raises(OutputExistsError, match="already holds frames"):
        write(tmp_path / "f", FRAMES)
    with pytest.raises(KeyboardInterrupt):
        write(tmp_path / "f", 255 - FRAMES[:3], overwrite=True, fail=True)
    assert np.array_equal(read(tmp_path / "f"), FRAMES)
    write(tmp_path / "f", 255 - FRAMES, overwrite=True, resume=True)
    assert np.array_equal(read(tmp_path / "f")[4], 255 - FRAMES[4])
    assert [file.name for file in tmp_path.iterdir()] == ["f"]


def test_two_runs_do_not_write_to_one_folder(tmp_path):
    path = tmp_path / "out"
    with partial_folder(path, "plan", resume=False, overwrite=False) as folder:
        for frame in FRAMES[:2]:
            folder.write(frame)
        with pytest.raises(UsageError, match=r"out\.partial belongs to a run that is still at"):
            write(path, FRAMES, resume=True)
        for frame in FRAMES[2:]:
            folder.write(frame)
    assert np.array_equal(read(path), FRAMES)


@pytest.mark.parametrize("overwrite", [False, True])
def test_a_folder_that_came_meanwhile_stays_and_so_do_the_frames(tmp_path, overwrite):
    path, other = tmp_path / "out", "f00000.png" if not overwrite else "thesis.txt"

    def write_meanwhile():
        with partial_folder(path, "plan", resume=False, overwrite=overwrite) as folder:
            for frame in FRAMES:
                folder.write(frame)
            path.mkdir()
            (path / other).write_bytes(b"theirs")

    with pytest.raises(OutputExistsError, match=r"out came .*out\.partial holds all .*--resume"):
        write_meanwhile()
    assert (path / other).read_bytes() == b"theirs"
    path.rename(tmp_path / "moved")
    assert write(path, FRAMES, resume=True) == 5
    assert np.array_equal(read(path), FRAMES)


@pytest.mark.parametrize("overwrite", [False, True])
def test_a_run_that_was_killed_once_its_folder_was_in_place(tmp_path, overwrite):
    """Its plan is still in it, which says that it is complete."""
    path = tmp_path / "out"
    write(path, FRAMES)
    (path / ".freegvc-plan").write_bytes(b"plan")
    with pytest.raises(OutputExistsError, match="already holds frames"):
        write(path, FRAMES, "another plan", resume=True)
    with pytest.raises(OutputExistsError, match="already holds frames"):
        write(path, FRAMES)
    assert write(path, FRAMES, resume=True, overwrite=overwrite) == 5
    assert np.array_equal(read(path), FRAMES)
    assert len(list(path.iterdir())) == 5
    assert [file.name for file in tmp_path.iterdir()] == ["out"]


def test_the_longest_name_has_a_partial_folder_too(tmp_path):
    path = tmp_path / ("n" * 255)
    with pytest.raises(KeyboardInterrupt):
        write(path, FRAMES[:2], fail=True)
    assert write(path, FRAMES, resume=True) == 2
    assert [file.name for file in tmp_path.iterdir()] == [path.name]
