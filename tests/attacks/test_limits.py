"""What a stream may ask for is bounded by its bytes, unless the user allows more."""

import time
from dataclasses import replace
from fractions import Fraction
from types import SimpleNamespace

import numpy as np
import pytest

import freegvc
from freegvc import CompressedVideo
from freegvc._bitstream import Header, Packet, PacketCodec, Step, write_stream
from freegvc._channel.pfr.shot import PfrShot
from freegvc._channel.trellis.shot import TrellisShot
from freegvc._cli.main import main
from freegvc._codec import limits
from freegvc._codec.limits import check_limits, check_tiles
from freegvc.errors import CorruptStreamError, LargeStreamError, LargeStreamWarning
from freegvc.priors.tiles import TileGrid
from tests.attacks.attack_files import header, packet, payload_of, stream, varint


def fake(num_packet_bytes=60, num_steps=15, stop_step=400, **fields):
    """A stream of a header and packets that only have a size, steps and where they stop."""
    usual = {
        "width": 416,
        "height": 240,
        "num_frames": 48,
        "frame_rate": Fraction(24),
        "gop_length": 48,
        "overlap": 4,
        "prior": "wan2.1-t2v-1.3b",
        "fingerprint": bytes(8),
        "start_timestep": 1000,
        "silent_steps": 0 if "silent_rate" in fields else 20,
    }
    made = Header(**(usual | fields))
    made.validate()
    return SimpleNamespace(
        header=made,
        stream=SimpleNamespace(packets=(bytes(num_packet_bytes + 4),) * made.num_gops),
        gops=[
            SimpleNamespace(
                index=k,
                num_frames=len(made.gop_frames(k)),
                num_steps=num_steps,
                stop_step=stop_step if num_steps else made.start_timestep,
            )
            for k in range(made.num_gops)
        ],
    )


HD, UHD = {"width": 1920, "height": 1080}, {"width": 3840, "height": 2160}
EIGHT_K = {"width": 7680, "height": 4320}
SMALL_PRIOR = {"prior": "freegvc-small", "silent_steps": 3}
HOUR = {"num_frames": 44 * 1963 + 4}


def at(bits_per_pixel, num_steps=15, **fields):
    """A stream of that rate."""
    size = {"width": 416, "height": 240, "num_frames": 48} | fields
    frames = min(size["num_frames"], 48)
    num_bytes = int(size["width"] * size["height"] * frames * bits_per_pixel / 8)
    return fake(num_bytes, num_steps, **fields)


@pytest.mark.parametrize(
    "honest",
    [
        fake(0, 0, **SMALL_PRIOR),
        fake(0, 0, silent_steps=1, num_frames=76, gop_length=76),
        at(0.002),
        at(0.002, 60, silent_steps=50),
        at(0.002, stop_step=400, silent_rate=100),
        at(0.002, **HOUR),
        at(0.0005, 10, **SMALL_PRIOR, **HOUR),
        at(0.002, 30, num_frames=61, gop_length=61),
        at(0.002, 60, **HD, **HOUR),
        at(0.002, 60, **UHD),
        at(0.001, 15, **EIGHT_K, **HOUR),
        at(0.005, num_frames=1, **EIGHT_K),
        at(0.02, num_frames=1),
        fake(8, 10, width=64, height=64, num_frames=1),
        fake(0, 0, width=64, height=64, num_frames=5 * 44 + 4, silent_steps=3),
    ],
)
def test_honest_streams_pass(honest):
    check_limits(honest)


@pytest.mark.parametrize(
    ("hostile", "message"),
    [
        (fake(60, **EIGHT_K), "GOPs of 48 frames of 7680x4320"),
        (fake(60, **HD), "GOPs of 48 frames of 1920x1080"),
        (fake(60, width=16384, height=16384, num_frames=4), "pixels"),
        (fake(100, width=1, height=16384, num_frames=4096, gop_length=4096), "pixels"),
        # transforms over a side cost its square
        (fake(0, 0, width=1, height=16384, num_frames=1, silent_steps=1), "pixels"),
        (fake(0, 0, silent_steps=10), "GOPs of .* calls need"),
        (fake(0, 0, width=8, height=8, num_frames=1, silent_steps=1000), "GOPs of .* calls need"),
        (fake(1, 0, num_frames=1 << 20), "GOPs of .* calls need"),
        (fake(0, 0, num_frames=10_000, gop_length=1, overlap=0, gammas=()), "calls need"),
        (fake(0, 0, silent_rate=1000), "with 1004 calls need"),
        (fake(200, 1024), "with 1048 calls need"),
    ],
)
def test_hostile_streams_are_refused(hostile, message):
    with pytest.raises(LargeStreamError, match=f"{message}.*--allow-large"):
        check_limits(hostile)


def test_a_video_in_memory_has_a_limit_of_its_own():
    long = fake(220, 5, num_frames=6000, silent_steps=1)
    check_limits(long)
    with pytest.raises(LargeStreamError, match=r"a video of 6000 frames .*take decode_frames"):
        check_limits(long, in_memory=True)
    check_limits(at(0.002), in_memory=True)


@pytest.fixture(scope="module")
def coded(scene):
    return freegvc.compress(scene(6, 32, 48), stop_step=950, prior="analytic").stream


def changed(stream, **fields):
    return write_stream(replace(stream, header=replace(stream.header, **fields)))


def test_the_encoder_says_it_first(scene, monkeypatch):
    monkeypatch.setattr(limits, "FREE_GOP_PIXELS", 0)
    monkeypatch.setattr(limits, "GOP_PIXELS_PER_BYTE", 1)
    with pytest.warns(LargeStreamWarning, match="by default.*--allow-large"):
        freegvc.compress(scene(6, 32, 48), stop_step=950, prior="analytic")


def test_each_way_to_decode_has_the_limit_and_the_way_out(coded, tmp_path, capsys):
    data = changed(coded, silent_steps=1000)
    hostile = tmp_path / "hostile.fgvc"
    big = changed(coded, width=16384, height=16384)
    hostile.write_bytes(big)
    for read in (freegvc.decompress, freegvc.decode_frames):
        with pytest.raises(LargeStreamError):
            read(big)
    with pytest.raises(LargeStreamError):
        freegvc.score(big, big, metrics=["psnr"])
    original = tmp_path / "original.y4m"
    assert main(["info", str(hostile)]) == main(["verify", str(hostile)]) == 0
    for command in (
        ["decompress", hostile, original],
        ["verify", "--decode", hostile],
    ):
        assert main([*map(str, command)]) == 4
    assert "--allow-large" in capsys.readouterr().err
    assert freegvc.decompress(data, allow_large=True).num_frames == 6
    few = tmp_path / "few.fgvc"
    few.write_bytes(changed(coded, silent_steps=2))
    assert main(["decompress", "--allow-large", str(few), str(original)]) == 0
    assert main(["verify", "--decode", "--allow-large", str(few)]) == 0
    score = ["score", str(original), str(few), "--metrics", "psnr", "--allow-large"]
    assert main(score) == 0


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"start_timestep": 999}, "starts at timestep 999"),
        ({"start_timestep": 65535}, "starts at timestep 65535"),
        ({"gop_length": 4, "overlap": 2, "gammas": (1, 2, 3)}, "gammas"),
        ({"tile": (8, 8, 7)}, "tiles"),
    ],
)
def test_a_header_that_does_not_fit_its_prior(coded, fields, message):
    if fields.get("gop_length"):
        data = stream(header(frames=varint(6), fusion=b"\1\x40"))
        opened = CompressedVideo(data).stream
        base = replace(coded.header, gop_length=4, overlap=2, gammas=(64,))
        coded = replace(opened, header=base)
        fields = {"gop_length": 6, "overlap": 3, "num_frames": 9, "gammas": (1, 2)}
    with pytest.raises(CorruptStreamError, match=message):
        freegvc.decompress(changed(coded, **fields))


@pytest.mark.parametrize("tile", [(8, 8, 7), (1, 1, 0)])
def test_tiles_that_multiply_the_work(tile):
    """Tiles that overlap almost wholly, or are so small that their number is what counts."""
    honest = at(0.002, 20)
    check_tiles(honest, TileGrid.covering(30, 52, (30, 40, 8)), 8)
    with pytest.raises(LargeStreamError, match=r"tiles a frame, .*--allow-large"):
        check_tiles(honest, TileGrid.covering(30, 52, tile), 8)


MANY = 12_000


def _no_payload(coder):
    return b""


def _one_step_of_zeros(coder):
    """A step of 15 blocks that all choose 0, in a few bytes."""
    zeros = np.zeros(15, np.int64)
    shot = TrellisShot(12, zeros) if coder else PfrShot(16, 12, zeros)
    codec = PacketCodec(SimpleNamespace(start_timestep=999, coder="trellis" if coder else "pfr"))
    return codec.encode(Packet((), (Step(968, shot),)), 0)[:-4]


def _steps_without_blocks(coder):
    return payload_of([(1 - 2047, -40)] + [(0, -2)] * 1000)


@pytest.mark.parametrize(
    "hostile",
    [
        (_no_payload, MANY, 999),
        (_one_step_of_zeros, 5800, 999),
        (_steps_without_blocks, 85, 65535),
    ],
)
@pytest.mark.parametrize("coder", [0, 1])
def test_reading_takes_time_in_proportion_to_the_bytes(hostile, coder):
    """64 kB in about 1 s of the processor for each command that reads without a model."""
    make_payload, num_gops, start = hostile
    payload = make_payload(coder)
    fields = header(
        frames=varint(num_gops),
        gop_length=b"\1",
        overlap=b"\0",
        fusion=b"\0",
        modes=bytes((coder << 5,)),
        start_timestep=varint(start),
    )
    data = stream(fields, tuple(packet(payload, gop) for gop in range(num_gops)))
    assert len(data) < 1 << 16
    from freegvc._cli.pages import stream_page

    def timed(work):
        began = time.process_time()
        work()
        assert time.process_time() - began < 4.0  # cores that share a cache take twice as long

    opened = CompressedVideo(data)
    timed(lambda: CompressedVideo(data))
    timed(lambda: stream_page("hostile", opened))
    timed(lambda: opened.truncate(stop_step=max(start - 400, 0)))
    if payload:
        timed(lambda: opened.truncate(num_bytes=len(data) - len(payload) // 2))


def test_timestamps_take_time_in_proportion_to_the_bytes():
    """A million timestamps fit into 2 kB."""
    from tests.attacks.attack_files import timestamps

    count = 1 << 20
    data = stream(
        header(frames=varint(count), gop_length=varint(4096), overlap=b"\0", fusion=b"\0"),
        tuple(packet(b"", gop) for gop in range(256)),
        sections=[(1, timestamps(b"\0\2" + bytes(count - 2)))],
    )
    assert len(data) < 4096
    began = time.process_time()
    opened = CompressedVideo(data)
    assert opened.truncate(stop_step=500).data == data
    assert time.process_time() - began < 2.0
    assert opened.stream.timestamps.ticks[-1] == count - 1
