"""The sound of a part: in step with its pictures, and every packet in one part of a video."""

from fractions import Fraction
from itertools import pairwise

import av
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from freegvc._video import Video, read_audio
from freegvc._video.audio_cut import cut_audio
from freegvc._video.audio_section import open_audio
from freegvc.errors import UsageError
from tests.video.sound_files import flash_seconds, sound, tags, write_clip

SUFFIXES = (".mkv", ".mp4")
CODECS = ("aac", "libopus", "libmp3lame", "ac3", "flac", "alac", "pcm_s16le")


def packets_of(blob):
    """(track, bytes) of each packet of a blob."""
    with open_audio(blob) as container:
        return [(p.stream_index, bytes(p)) for p in container.demux() if p.size]


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize("codec", CODECS)
@pytest.mark.parametrize("source", SUFFIXES)
def test_sound_and_pictures_stay_in_step(tmp_path, source, codec, suffix):
    blob = read_audio(write_clip(tmp_path / f"a{source}", (codec,), languages=("deu",)))
    part = cut_audio(blob, Fraction(6, 25), Fraction(20, 25))
    frames = np.full((14, 48, 64, 3), 40, np.uint8)
    frames[4] = 220
    path = tmp_path / f"b{suffix}"
    Video(frames, Fraction(25), audio=part).save(path)
    click, first, end, _ = sound(path)
    assert click - flash_seconds(path) == pytest.approx(0, abs=0.002)
    packet = 0.1  # seconds; those of flac are the longest
    assert -0.002 <= first < packet
    assert 14 / 25 - packet < end < 14 / 25 + packet
    assert tags(path)[0][0] == "deu"


@pytest.mark.parametrize("codec", CODECS)
@pytest.mark.parametrize(("source", "heard"), [("a.mp4", (-0.3, 1)), ("a.mkv", (0, 1))])
def test_all_of_the_sound_is_the_blob(tmp_path, source, codec, heard):
    late = Fraction(1, 5) if source == "a.mkv" else None  # sound from before the first picture
    blob = read_audio(write_clip(tmp_path / source, (codec,), heard=heard), late)
    assert cut_audio(blob, Fraction(0), None) == blob


def test_padding_goes_with_the_first_packet(tmp_path):
    blob = read_audio(write_clip(tmp_path / "a.mp4", heard=(-0.3, 1)))

    def has_padding(begin):
        with open_audio(cut_audio(blob, Fraction(begin), None)) as container:
            return "PADDING_SAMPLES" in container.streams.audio[0].metadata

    assert has_padding(0)
    assert not has_padding("0.1")


@pytest.fixture(scope="module")
def two_tracks(tmp_path_factory):
    path = tmp_path_factory.mktemp("sound") / "a.mkv"
    return read_audio(write_clip(path, ("aac", "libopus"), heard=(0, 1)), Fraction(1, 10))


@settings(max_examples=30, deadline=None)
@given(cuts=st.lists(st.fractions(0, 1, max_denominator=1000), max_size=4, unique=True))
def test_every_packet_is_in_one_part(two_tracks, cuts):
    ends = [Fraction(0), *sorted(cut for cut in cuts if cut), None]
    parts = [cut_audio(two_tracks, begin, end) for begin, end in pairwise(ends)]
    found = [packet for part in parts if part is not None for packet in packets_of(part)]
    streams = {track for track, _ in packets_of(two_tracks)}
    assert streams == {0, 1}
    assert sorted(data for _, data in found) == sorted(data for _, data in packets_of(two_tracks))


def test_a_part_without_sound_has_none(tmp_path):
    blob = read_audio(write_clip(tmp_path / "a.mkv", shown=range(50), heard=(0, 1)))
    assert cut_audio(blob, Fraction(3, 2), Fraction(2)) is None
    assert cut_audio(blob, Fraction(3, 2), None) is None


@pytest.mark.parametrize("tag", ["1", "0.5", "x"])
def test_a_wrong_start_is_refused(tmp_path, tag):
    blob = read_audio(write_clip(tmp_path / "a.mkv"), Fraction(1, 5))
    with av.open(str(tmp_path / "b.mkv"), "w") as output, open_audio(blob) as container:
        output.metadata["START_MS"] = tag
        stream = output.add_stream_from_template(container.streams.audio[0])
        for packet in container.demux():
            if packet.size:
                packet.stream = stream
                output.mux(packet)
    with pytest.raises(UsageError, match="START_MS is"):
        cut_audio((tmp_path / "b.mkv").read_bytes(), Fraction(0), None)


def test_bytes_that_are_no_sound_are_refused():
    with pytest.raises(UsageError, match="not a Matroska file"):
        cut_audio(b"RIFF....WAVE", Fraction(0), Fraction(1))
