"""The events that `on_event` gets while a video is compressed and decompressed."""

import json

import freegvc
from freegvc.events import GopDecoded, GopDone, GopStarted, StepSent
from tests.codec.coding import compress


def test_events_tell_the_story_in_order(scene):
    heard = []
    compressed = compress(
        scene(10, 16, 24), stop_step=700, gop_length=6, overlap=2, on_event=heard.append
    )
    starts = [e for e in heard if isinstance(e, GopStarted)]
    steps = [e for e in heard if isinstance(e, StepSent)]
    done = [e for e in heard if isinstance(e, GopDone)]
    assert [(e.gop, e.num_gops, e.num_frames) for e in starts] == [(0, 2, 6), (1, 2, 6)]
    assert [e.progress for e in steps if e.gop == 0][-1] == 1.0
    assert all(0.0 < e.progress <= 1.0 for e in steps)
    assert len(steps) == sum(g.num_steps for g in compressed.gops)
    assert [8 * e.num_bytes for e in done] == [g.bits for g in compressed.gops]
    assert all(e.seconds.keys() == {"frames", "walk"} for e in done)
    decoded = []
    freegvc.decompress(compressed, on_event=decoded.append)
    kinds = [(type(e), e.gop) for e in decoded]
    assert kinds == [(GopStarted, 0), (GopDecoded, 0), (GopStarted, 1), (GopDecoded, 1)]
    for event in (*heard, *decoded):
        assert json.loads(json.dumps(event.as_dict()))["event"] == type(event).__name__
