"""The audio section is a Matroska file or nothing: no other demuxer sees it, and no other file."""

import io
import socket
import time
from dataclasses import replace
from fractions import Fraction
from types import SimpleNamespace

import av
import numpy as np
import pytest

import freegvc
from freegvc._bitstream import write_stream
from freegvc._cli.main import main
from freegvc._video import audio_cut, audio_feed
from freegvc._video.audio_section import open_audio
from freegvc.errors import CorruptStreamError, UsageError
from tests.attacks.attack_files import header, stream

HOSTILE = {
    "ffconcat": b"ffconcat version 1.0\nfile {path}\n",
    "concat with options": b"ffconcat version 1.0\nfile file:{path}\noption safe 0\n",
    "playlist": b"#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\nfile://{path}\n#EXT-X-ENDLIST\n",
    "session": (
        b"v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\nm=audio 5004 RTP/AVP 0\n"
    ),
    "image list": b"%d.png",
    "wave": b"RIFF\x24\0\0\0WAVEfmt ",
    "empty": b"",
    "magic alone": b"\x1aE\xdf\xa3",
    "magic and a playlist": b"\x1aE\xdf\xa3\nffconcat version 1.0\nfile {path}\n",
}


def matroska(start_ms="0", seconds=2):
    """A Matroska file of silence."""
    blob = io.BytesIO()
    with av.open(blob, "w", format="matroska") as output:
        output.metadata["START_MS"] = start_ms
        track = output.add_stream("pcm_s16le", rate=8000, layout="mono")
        for second in range(seconds):
            samples = np.zeros((1, 8000), np.int16)
            frame = av.AudioFrame.from_ndarray(samples, format="s16", layout="mono")
            frame.sample_rate, frame.pts = 8000, 8000 * second
            output.mux(track.encode(frame))
        output.mux(track.encode(None))
    return blob.getvalue()


@pytest.fixture
def local_file(tmp_path):
    path = tmp_path / "private.mka"
    path.write_bytes(matroska())
    return path


@pytest.fixture
def no_network(monkeypatch):
    monkeypatch.setattr(socket, "socket", lambda *a, **k: pytest.fail("a socket was opened"))


@pytest.mark.parametrize("name", HOSTILE)
def test_only_matroska_is_opened(name, local_file, tmp_path, scene):
    blob = HOSTILE[name].replace(b"{path}", str(local_file).encode())
    began = time.perf_counter()
    with pytest.raises(UsageError, match="not a Matroska file"):
        open_audio(blob)
    video = replace(freegvc.Video.from_array(scene(2, 16, 16)), audio=blob)
    for suffix in (".mkv", ".mp4"):
        with pytest.raises(UsageError, match="not a Matroska file"):
            video.save(tmp_path / f"out{suffix}")
    assert time.perf_counter() - began < 2.0
    assert [path.name for path in tmp_path.iterdir()] == ["private.mka"]


@pytest.mark.parametrize("name", [name for name in HOSTILE if "magic" not in name])
def test_a_stream_with_other_bytes_is_refused(name, tmp_path, capsys):
    data = stream(header(), sections=[(2, HOSTILE[name])])
    with pytest.raises(CorruptStreamError, match="not a Matroska file"):
        freegvc.CompressedVideo(data)
    path = tmp_path / "hostile.fgvc"
    path.write_bytes(data)
    for command in (["info", path], ["verify", path], ["decompress", path, tmp_path / "out.mkv"]):
        assert main(list(map(str, command))) == 4
    assert "not a Matroska file" in capsys.readouterr().err


@pytest.mark.parametrize(
    "blob",
    [
        b"\x1aE\xdf\xa3",
        HOSTILE["magic and a playlist"],
        matroska("soon"),
        matroska("9" * 30),
        matroska("5"),
        matroska()[:200],
    ],
    # FFmpeg gives tracks random numbers, so the bytes are no names that all workers agree on
    ids=["magic", "playlist", "soon", "large", "number", "cut"],
)
@pytest.mark.parametrize("part", [(), ("--frames", "1:2")], ids=["all", "part"])
def test_decompress_ends_in_a_typed_error_or_a_video(blob, part, tmp_path, scene):
    coded = freegvc.compress(scene(2, 16, 16), stop_step=950, prior="analytic").stream
    path = tmp_path / "hostile.fgvc"
    path.write_bytes(write_stream(replace(coded, audio=blob)))
    assert main(["decompress", str(path), str(tmp_path / "out.mkv"), *part]) in (0, 2, 4)


def test_what_is_carried_is_not_larger_than_the_section(tmp_path, scene, monkeypatch):
    """A compressed track may unpack to a thousand times its bytes."""
    small, large = matroska(seconds=1), matroska(seconds=3)
    for module in (audio_feed, audio_cut):
        monkeypatch.setattr(module, "open_audio", lambda blob: av.open(io.BytesIO(large)))
    video = replace(freegvc.Video.from_array(scene(2, 16, 16)), audio=small)
    with pytest.raises(UsageError, match="unpacks to more"):
        video.save(tmp_path / "out.mkv")
    with pytest.raises(UsageError, match="unpacks to more"):
        audio_cut.cut_audio(small, Fraction(0), None)


def test_honest_audio_is_carried(tmp_path, scene):
    coded = freegvc.compress(scene(2, 16, 16), stop_step=950, prior="analytic").stream
    path, out = tmp_path / "honest.fgvc", tmp_path / "out.mkv"
    path.write_bytes(write_stream(replace(coded, audio=matroska("-40"))))
    assert main(["decompress", str(path), str(out)]) == 0
    with av.open(str(out)) as container:
        assert len(container.streams.audio) == 1


def test_a_track_without_packets_is_not_looked_for_beyond_the_section(monkeypatch):
    tracks = [SimpleNamespace(index=0), SimpleNamespace(index=1)]
    packet = SimpleNamespace(size=100, pts=0, stream_index=0)
    num_read = []

    def demux(streams):
        for number in range(1000):
            num_read.append(number)
            yield packet

    container = SimpleNamespace(
        streams=SimpleNamespace(audio=tracks), demux=demux, close=lambda: None
    )
    monkeypatch.setattr(audio_feed, "open_audio", lambda blob: container)
    monkeypatch.setattr(audio_feed, "check_holds", lambda *arguments: False)
    with pytest.raises(UsageError, match="unpacks to more"):
        audio_feed.check_audio(bytes(450), "matroska")
    assert len(num_read) == 5
