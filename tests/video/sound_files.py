"""Files with sound whose timing is known: a flash of the picture and a click at the same time."""

from fractions import Fraction

import av
import numpy as np

RATE = 48000
FPS = 25


def write_clip(
    path,
    codecs=("aac",),
    *,
    shown=range(FPS),
    heard=(0, 1),
    flash=10,
    languages=(),
    titles=(),
    default=None,
    rotation=None,
    full_range=False,
    cover=None,
):
    """A 64x48 clip in H.264; frame n is shown at n / 25 s, the sound lasts from heard[0] to [1].

    Negative times are hidden by an edit list in .mp4. The flash is frame number `flash`, the click
    is at the same time. `cover(frame, index)` paints over a frame, uint8 [48, 64, 3].
    """
    with av.open(str(path), "w") as container:
        video = container.add_stream("libx264", rate=FPS, options={"crf": "4", "bf": "0"})
        video.width, video.height, video.pix_fmt = 64, 48, "yuv420p"
        context = video.codec_context
        context.colorspace = context.color_primaries = context.color_trc = 1
        context.color_range = 2 if full_range else 1
        if rotation is not None:
            video.set_display_rotation(rotation)
        tracks = []
        for index, codec in enumerate(codecs):
            track = container.add_stream(codec, rate=RATE, layout="mono")
            if index < len(languages):
                track.metadata["language"] = languages[index]
            if index < len(titles):
                track.metadata["title"] = titles[index]
            if index == default:
                track.disposition = av.stream.Disposition.default
            tracks.append(track)
        for index in shown:
            frame = np.full((48, 64, 3), 220 if index == flash else 40, np.uint8)
            if cover is not None:
                cover(frame, index)
            picture = av.VideoFrame.from_ndarray(frame, format="rgb24").reformat(
                format="yuv420p", dst_colorspace=1, dst_color_range=2 if full_range else 1
            )
            picture.pts, picture.time_base = index, Fraction(1, FPS)
            container.mux(video.encode(picture))
        container.mux(video.encode(None))
        for track in tracks:
            _write_sound(container, track, heard, flash)
    return path


def _write_sound(container, track, heard, flash):
    first = round(heard[0] * RATE)
    samples = np.zeros(round(heard[1] * RATE) - first, np.int16)
    click = flash * RATE // FPS - first
    samples[click : click + 480] = 25000
    frame = av.AudioFrame.from_ndarray(samples[None], format="s16", layout="mono")
    frame.sample_rate, frame.pts, frame.time_base = RATE, first, Fraction(1, RATE)
    context = track.codec_context
    resampler = av.AudioResampler(
        format=context.format.name, layout="mono", rate=RATE, frame_size=context.frame_size or 1024
    )
    for part in [*resampler.resample(frame), *resampler.resample(None)]:
        container.mux(track.encode(part))
    container.mux(track.encode(None))


def flash_seconds(path):
    """When the brightest frame of a file is shown, on the clock of the file."""
    with av.open(str(path)) as container:
        frames = [(f.to_ndarray(format="gray").mean(), f) for f in container.decode(video=0)]
    brightest = max(frames, key=lambda entry: entry[0])[1]
    return float(brightest.pts * brightest.time_base)


def sound(path, track=0):
    """(seconds of the click, or None; first and last second; samples) of decoded sound."""
    click, first, count = None, None, 0
    with av.open(str(path)) as container:
        for frame in container.decode(audio=track):
            values = np.abs(frame.to_ndarray().astype(float)).ravel()
            start = float(frame.pts * frame.time_base)
            first = start if first is None else first
            full = {"flt": 1.0, "s16": 2.0**15, "s32": 2.0**31}[frame.format.name[:3]]
            if click is None and values.max() > full / 3:
                click = start + np.argmax(values > full / 3) / frame.rate
            count += frame.samples
    return click, first, start + frame.samples / frame.rate, count


def tags(path):
    """(language, title, is the default) of each audio track; mp4 calls the title a name."""
    with av.open(str(path)) as container:
        return [
            (
                s.metadata.get("language"),
                s.metadata.get("title") or s.metadata.get("name"),
                bool(s.disposition & av.stream.Disposition.default),
            )
            for s in container.streams.audio
        ]


def rename_codec(path, track, name):
    """Give a track of a .mov file the four characters of a codec that nobody knows."""
    data = bytearray(path.read_bytes())
    at = -1
    for _ in range(track + 1):
        at = data.index(b"stsd", at + 1)
    entry = data.index(b"mp4a", at)
    data[entry : entry + 4] = name
    config = data.index(b"esds", entry)
    data[config : config + 4] = b"xxxx"
    path.write_bytes(data)
    return path
