"""Sound arrives as it left: in time, whole, with its language, title and flags."""

from fractions import Fraction

import av
import numpy as np
import pytest

from freegvc._video import Video, open_writer, read_audio
from freegvc.errors import AudioWarning, UnsupportedVideoError, UsageError
from tests.video.sound_files import (
    RATE,
    flash_seconds,
    rename_codec,
    sound,
    tags,
    write_clip,
)
from tests.video.video_files import audio_packets

FRAME = 1 / 25
SUFFIXES = (".mkv", ".mp4")


def save(path, audio, shown=25, flash=10):
    """Write audio beside pictures of its clip."""
    frames = np.full((shown, 48, 64, 3), 40, np.uint8)
    frames[flash] = 220
    Video(frames, Fraction(25), audio=audio).save(path, overwrite=True)
    return path


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize("source", SUFFIXES)
def test_language_title_and_default_flag_survive(tmp_path, source, suffix):
    languages, titles = ("eng", "deu", "jpn"), ("Main", "Kommentar", "予告")
    clip = write_clip(
        tmp_path / f"a{source}",
        ("aac",) * 3,
        languages=languages,
        titles=titles,
        default=1,
    )
    out = save(tmp_path / f"b{suffix}", read_audio(clip))
    wanted = [(languages[i], titles[i], i == 1) for i in range(3)]
    assert tags(out) == tags(clip) == wanted


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize("codec", ["aac", "libopus", "libmp3lame", "ac3", "pcm_s16le", "alac"])
@pytest.mark.parametrize("source", SUFFIXES)
def test_delay_and_length_survive(tmp_path, source, codec, suffix):
    clip = write_clip(tmp_path / f"a{source}", (codec,))
    out = save(tmp_path / f"b{suffix}", read_audio(clip))
    assert [d for d, _ in audio_packets(str(out))] == [d for d, _ in audio_packets(str(clip))]
    click, _, end, _ = sound(out)
    assert click - flash_seconds(out) == pytest.approx(0, abs=0.002)
    end_before = sound(clip)[2]
    with av.open(str(out)) as container:
        first = next(container.decode(video=0)).pts * container.streams.video[0].time_base
    assert end - first == pytest.approx(end_before, abs=FRAME)


@pytest.mark.parametrize("codec", ["aac", "libopus", "flac", "alac"])
def test_mp4_to_mp4_is_exact_to_the_sample(tmp_path, codec):
    clip = write_clip(tmp_path / "a.mp4", (codec,))
    out = save(tmp_path / "b.mp4", read_audio(clip))
    assert sound(out)[3] == sound(clip)[3]
    with av.open(str(clip)) as before, av.open(str(out)) as after:
        stream, copy = before.streams.audio[0], after.streams.audio[0]
        ticks = 0 if codec != "alac" else RATE // 1000  # it does not tell how long packets are
        assert abs(copy.duration - stream.duration) <= ticks
        assert copy.start_time == stream.start_time


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize(("source", "late"), [("a.mkv", 50), ("a.mp4", 10), ("b.mkv", 333)])
def test_sound_from_before_the_first_picture_is_heard(tmp_path, source, late, suffix):
    seconds = late * FRAME
    clip = write_clip(
        tmp_path / source, shown=range(late, late + 25), heard=(0, seconds + 1), flash=late + 10
    )
    out = save(tmp_path / f"out{suffix}", read_audio(clip, Fraction(late, 25)))
    click, first, end, count = sound(out)
    assert count / RATE == pytest.approx(seconds + 1, abs=FRAME)
    assert first == pytest.approx(0, abs=FRAME)
    assert end == pytest.approx(seconds + 1, abs=2 * FRAME)
    assert click - flash_seconds(out) == pytest.approx(0, abs=0.002)


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_what_an_edit_list_hides_stays_hidden(tmp_path, suffix):
    clip = write_clip(tmp_path / "a.mp4", heard=(-0.5, 1))
    out = save(tmp_path / f"b{suffix}", read_audio(clip))
    click, _, _, count = sound(out)
    assert click - flash_seconds(out) == pytest.approx(0, abs=0.002)
    assert count / RATE == pytest.approx(1, abs=FRAME)


@pytest.mark.parametrize("begin", [Fraction(0), Fraction(1, 5), Fraction(-3, 10)])
def test_begin_is_the_origin(tmp_path, begin):
    clip = write_clip(tmp_path / "a.mkv", ("pcm_s16le",))
    out = save(tmp_path / "b.mkv", read_audio(clip, begin))
    wanted = 0.4 - float(begin)
    with av.open(str(out)) as container:
        first = next(container.decode(video=0))
    assert sound(out)[0] - float(first.pts * first.time_base) == pytest.approx(wanted, abs=0.002)


def test_sound_goes_on_where_the_clock_goes_back(tmp_path):
    part = write_clip(tmp_path / "part.ts", ("mp2",)).read_bytes()
    (tmp_path / "two.ts").write_bytes(part + part)
    audio = read_audio(tmp_path / "two.ts")
    out = save(tmp_path / "b.mkv", audio, shown=50)
    times = [seconds for _, seconds in audio_packets(str(out))]
    assert len(times) == 2 * len(audio_packets(str(tmp_path / "part.ts")))
    assert max(np.diff(times)) < FRAME
    assert min(np.diff(times)) > 0


@pytest.mark.parametrize(
    ("codec", "name"), [("pcm_alaw", "pcm_alaw"), ("adpcm_ima_qt", "adpcm_ima_qt")]
)
def test_audio_that_cannot_be_carried_is_named(tmp_path, codec, name):
    clip = write_clip(tmp_path / "a.mov", (codec,))
    with pytest.raises(UnsupportedVideoError, match=rf"a\.mov.*track 1 \({name}\).*--audio drop"):
        read_audio(clip)
    both = write_clip(tmp_path / "b.mov", ("aac", codec), languages=("eng", "deu"))
    with pytest.warns(AudioWarning, match=rf"track 2 \({name}\): left out"):
        audio = read_audio(both)
    assert [t[0] for t in tags(save(tmp_path / "b.mp4", audio))] == ["eng"]


def test_a_codec_that_ffmpeg_does_not_know_is_named(tmp_path):
    clip = rename_codec(write_clip(tmp_path / "a.mov", ("aac", "aac")), 2, b"apac")
    with pytest.warns(AudioWarning, match=r"track 2 \(apac\)"):
        audio = read_audio(clip)
    assert sound(save(tmp_path / "b.mp4", audio))[0] == pytest.approx(0.4, abs=0.002)


@pytest.mark.parametrize(("codec", "suffix"), [("wavpack", ".mkv"), ("tta", ".mkv")])
def test_the_output_is_checked_before_it_is_opened(tmp_path, codec, suffix):
    audio = read_audio(write_clip(tmp_path / f"a{suffix}", (codec,)))
    arguments = {"width": 64, "height": 48, "frame_rate": 25, "audio": audio}
    with pytest.raises(UsageError, match=rf"{codec}, which \.mp4 cannot hold: write \.mkv"):
        open_writer(tmp_path / "b.mp4", **arguments)
    open_writer(tmp_path / "b.mkv", **arguments)


@pytest.mark.parametrize("tag", ["00001", "-1/00", "1e999", "-9e99", "1_0/3"])
def test_a_wrong_start_is_refused(tmp_path, tag):
    audio = read_audio(write_clip(tmp_path / "a.mp4"))
    wrong = audio.replace(b"-64/3", tag.encode())
    with pytest.raises(UsageError, match="START_MS"):
        save(tmp_path / "b.mkv", wrong)


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize("codec", ["x264", "x265"])
def test_the_same_video_gives_the_same_bytes(tmp_path, suffix, codec):
    audio = read_audio(write_clip(tmp_path / "a.mp4", ("aac", "libopus"), languages=("eng", "deu")))
    rng = np.random.default_rng(0)
    video = Video(rng.integers(0, 256, (30, 64, 96, 3), np.uint8), Fraction(25), audio=audio)
    for name in ("one", "two"):
        video.save(tmp_path / f"{name}{suffix}", codec=codec)
    assert (tmp_path / f"one{suffix}").read_bytes() == (tmp_path / f"two{suffix}").read_bytes()
