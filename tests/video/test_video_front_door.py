"""What `open_video` takes besides paths, and how it refuses the rest."""

import io
import os
import socket
import threading

import numpy as np
import pytest
import torch

from freegvc import CompressedVideo, StreamError
from freegvc._video import Video, load_video, open_video
from freegvc.errors import UsageError, VideoReadError
from tests.video.video_files import textured


@pytest.fixture(scope="module")
def movie(tmp_path_factory):
    path = tmp_path_factory.mktemp("movie") / "a.mp4"
    Video.from_array(textured(5)).save(path)
    return path


class OnlyRead:
    """What a response of urllib is: bytes that come once."""

    def __init__(self, data):
        self._file = io.BytesIO(data)

    def read(self, size):
        return self._file.read(min(size, 1000))


@pytest.fixture
def temporary(tmp_path, monkeypatch):
    """The folder of temporary files, empty at the beginning and at the end."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(folder))
    yield folder
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize("wrap", [io.BytesIO, OnlyRead])
def test_file_objects_are_read_more_than_once(movie, temporary, wrap):
    source = open_video(wrap(movie.read_bytes()))
    with source:
        assert source.count_frames() == 5
        np.testing.assert_array_equal(list(source), load_video(movie).frames)
        assert source.audio() is None
    del source


def test_open_files_are_read_from_where_they_stand(movie, temporary, tmp_path):
    with movie.open("rb") as file:
        assert len(list(open_video(file))) == 5
    padded = tmp_path / "padded.mp4"
    padded.write_bytes(b"12345678" + movie.read_bytes())
    with padded.open("rb") as file:
        file.seek(8)
        assert len(list(open_video(file))) == 5


def test_samples_in_a_file_object(temporary):
    samples = io.BytesIO(bytes([7] * 96 * 2))
    source = open_video(samples, size="8x8", fps=50, matrix="bt709")
    assert (source.num_frames, source.frame_rate) == (2, 50)
    assert len(list(source)) == 2
    del source
    with pytest.raises(UsageError, match="pix_fmt"):
        open_video(io.BytesIO(b"YUV4MPEG2 W8 H8 F25:1\n"), pix_fmt="gray")


class Failing:
    """A file object that fails."""

    def __init__(self, error):
        self._error = error

    def read(self, size):
        raise self._error


def closed():
    file = io.BytesIO(b"x")
    file.close()
    return file


@pytest.mark.parametrize(
    ("file", "message"),
    [
        (io.BytesIO(), "gave no bytes"),
        (io.StringIO("text"), "open it in binary mode"),
        (closed(), "closed file"),
        (Failing(OSError(5, "Input/output error")), "Input/output error"),
        (Failing(LookupError("line lost")), "line lost"),
        (io.BytesIO(b"no video at all"), "cannot be read as a video: Invalid data found[^:]*$"),
    ],
)
def test_file_objects_that_hold_no_video(temporary, file, message):
    with pytest.raises(VideoReadError, match=message):
        open_video(file)


def test_a_temporary_folder_that_is_full(movie, temporary, monkeypatch):
    def full(self, mode):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("freegvc._video.spool.Path.open", full)
    with pytest.raises(VideoReadError, match=r"No space left.*TMPDIR"):
        open_video(io.BytesIO(b"data"))


def test_a_named_pipe(movie, temporary, tmp_path):
    pipe = tmp_path / "p.mp4"
    os.mkfifo(pipe)
    writer = threading.Thread(target=pipe.write_bytes, args=(movie.read_bytes(),))
    writer.start()
    source = open_video(pipe)
    writer.join()
    assert source.count_frames() == len(list(source)) == 5
    del source


VALUES = torch.zeros((2, 4, 4, 3), dtype=torch.uint8)


@pytest.mark.parametrize(
    ("frames", "message"),
    [
        (VALUES.bfloat16(), "bfloat16"),
        (VALUES.half(), "float16"),
        (VALUES.to(torch.complex64), "complex64"),
        (VALUES.to_sparse(), "sparse_coo.*to_dense"),
        (VALUES.to("meta"), "meta device"),
        (VALUES[0], r"shape \[4, 4, 3\]"),
        (torch.tensor(3, dtype=torch.uint8), r"shape \[\]"),
        (None, "NoneType"),
        (7, "int"),
        ({"frames": 1}, "dict"),
        (iter([VALUES]), "iterator"),
        (b"a.mp4", "bytes"),
        (np.array([["a"]], object), "object"),
    ],
)
def test_odd_tensors_are_refused_with_what_is_needed(frames, message):
    with pytest.raises(VideoReadError, match=message):
        open_video(frames)


@pytest.mark.parametrize(
    "address", ["http://127.0.0.1:1/a.mp4", "RTSP://host/a", "file:///tmp/a.mp4", "s3://b/k.fgvc"]
)
def test_addresses_are_not_opened(address):
    with pytest.raises(VideoReadError, match="is an address"):
        open_video(address)
    with pytest.raises(StreamError, match="is an address"):
        CompressedVideo.open(address)


@pytest.mark.parametrize("path", ["", "in/\0a.mp4"])
def test_what_is_no_path_is_not_opened(path, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(VideoReadError, match="is no path: give the name of a file"):
        open_video(path)
    with pytest.raises(StreamError, match="is no path: give the name of a file"):
        CompressedVideo.open(path)


def test_a_folder_that_looks_like_an_address(movie, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "http:").mkdir()
    (tmp_path / "http:" / "a.mp4").write_bytes(movie.read_bytes())
    assert len(list(open_video("http://a.mp4"))) == 5


def test_paths_that_cannot_be_opened(tmp_path):
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "s.mp4"))
    (tmp_path / "loop.mp4").symlink_to(tmp_path / "loop.mp4")
    for path, message in (
        (tmp_path / "missing" / "a.mp4", "does not exist"),
        (tmp_path / ("x" * 300), "too long"),
        (tmp_path / "s.mp4", "is a socket"),
        (tmp_path / "loop.mp4", "cannot be read|does not exist"),
        ("/dev/zero", "is a character device"),
    ):
        with pytest.raises(VideoReadError, match=message):
            open_video(path)


@pytest.mark.parametrize("wrap", [str, load_video, lambda path: io.BytesIO(path.read_bytes())])
def test_a_source_can_be_opened_again(movie, temporary, wrap):
    frames = load_video(movie).frames
    source = open_video(wrap(movie))
    np.testing.assert_array_equal(list(source), frames)
    again = source.reopen()
    source.close()
    del source  # the copy of a file object stays as long as anything reads it
    np.testing.assert_array_equal(list(again), frames)
    np.testing.assert_array_equal(list(again.reopen()), frames)
    again.close()
    del again
