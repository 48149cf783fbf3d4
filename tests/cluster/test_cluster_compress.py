"""Compression on workers: the bytes of one process, in order, whatever happens to a worker."""

import json
import os
import signal
from types import SimpleNamespace

import pytest

import freegvc
from freegvc import CompressedVideo, GopDone, GopStarted, Rate, Score, Settings, StopStep, cluster
from freegvc._video import open_video
from freegvc.cluster.workers import Call
from freegvc.errors import ClusterError, TargetError, UsageError

pytestmark = pytest.mark.xdist_group("ray")

QUICK = {"coder": "pfr", "effort": "fast", "first_step": 1.0, "growth": 1.5}
GOPS = Settings(gop_length=4, overlap=1, **QUICK)  # six of them
CHAIN = Settings(gop_length=8, overlap=2, chain=True, **QUICK)
SAME = {"prior": "analytic", "settings": GOPS}


@pytest.mark.parametrize(
    ("settings", "target"),
    [
        (GOPS, StopStep(850)),
        (GOPS, Rate(bpp=0.3)),
        (GOPS, Rate(num_bytes=1500)),
        (CHAIN, Rate(bpp=0.3)),
        (CHAIN, Score("psnr", 24.0, tolerance=1.0)),
    ],
    ids=["step", "bpp", "bytes", "chain", "chained score"],
)
def test_the_bytes_are_those_of_one_process(workers, one_thread, clip, settings, target):
    said = {"here": [], "there": []}
    options = {"prior": "analytic", "settings": settings}
    here = freegvc.compress(clip, target, **options, on_event=said["here"].append)
    there = cluster.compress(
        clip, target, workers=workers, **options, on_event=said["there"].append
    )
    assert there.data == here.data
    for kind in (GopStarted, GopDone):
        orders = [[e.gop for e in events if isinstance(e, kind)] for events in said.values()]
        assert orders[0] == orders[1] == list(range(here.header.num_gops))


def test_workers_tune_as_one_process_does(workers, one_thread, scene):
    frames = scene(12, 32, 40)

    def coded(compress, tune, **where):
        settings = Settings(gop_length=8, overlap=4, tune=tune, **QUICK)
        return compress(frames, StopStep(700), prior="freegvc-small", settings=settings, **where)

    tuned = coded(freegvc.compress, "fidelity").data
    assert coded(cluster.compress, "fidelity", workers=workers).data == tuned
    assert coded(cluster.compress, None, workers=workers).data != tuned


def test_a_score_is_met_by_every_gop_and_history_saves_probes(workers, one_thread, clip):
    target = Score("psnr", 24.0, tolerance=1.0)
    done = []
    made = cluster.compress(clip, target, workers=workers, **SAME, on_event=done.append)
    done = [event for event in done if isinstance(event, GopDone)]
    assert len(done) == made.header.num_gops
    assert all(event.reached and abs(event.score - 24.0) <= 1.0 for event in done)
    first, later = done[: workers.num_workers], done[workers.num_workers :]
    mean = {len(part): sum(e.num_probes for e in part) / len(part) for part in (first, later)}
    assert mean[len(later)] < mean[len(first)]


def test_even_scores_within_the_rate(workers, one_thread, clip):
    made = cluster.compress(clip, Rate(bpp=0.3, even="psnr"), workers=workers, **SAME)
    assert 0.25 < made.bpp <= 0.3


def test_the_first_gop_sets_the_score_of_all(workers, one_thread, clip):
    done = []
    target = freegvc.LikeFirstGop(StopStep(750), "psnr", tolerance=1.0)
    cluster.compress(clip, target, workers=workers, **SAME, on_event=done.append)
    done = [event for event in done if isinstance(event, GopDone)]
    assert done[0].stop_step == 750
    assert len(done) == 6
    assert all(abs(event.score - done[0].score) <= 1.0 for event in done)


def test_the_journal_of_one_process_is_resumed_on_workers(workers, one_thread, clip, tmp_path):
    class StoppedError(Exception):
        pass

    def stop(event):
        if isinstance(event, GopStarted) and event.gop == 3:
            raise StoppedError

    target = Rate(bpp=0.3)
    whole = freegvc.compress(clip, target, **SAME)
    with pytest.raises(StoppedError):
        freegvc.compress_file(clip, tmp_path / "a.fgvc", target, **SAME, on_event=stop)
    started = []
    cluster.compress_file(
        clip,
        tmp_path / "a.fgvc",
        target,
        workers=workers,
        resume=True,
        **SAME,
        on_event=lambda event: started.append(event) if isinstance(event, GopStarted) else None,
    )
    assert CompressedVideo.open(tmp_path / "a.fgvc").data == whole.data
    assert [event.gop for event in started] == list(range(3, whole.header.num_gops))
    assert [file.name for file in tmp_path.iterdir()] == ["a.fgvc"]


def test_a_run_that_was_killed_once_its_file_was_there_has_ended(clip, tmp_path, monkeypatch):
    """One file at a time and many; no worker is asked for anything."""
    path, asked = tmp_path / "a.fgvc", {"workers": SimpleNamespace(device="cpu")}
    many = SimpleNamespace(device="cpu", num_calls=0, num_workers=1, abandon=lambda: None)
    for resume in (
        lambda: cluster.compress_file(clip, path, stop_step=850, resume=True, **SAME, **asked),
        lambda: dict(
            cluster.compress_files([(clip, path)], stop_step=850, resume=True, workers=many, **SAME)
        )[path],
    ):
        with monkeypatch.context() as killed:
            killed.setattr("freegvc._codec.journal.Journal.remove", lambda self: 1 / 0)
            with pytest.raises(ZeroDivisionError):
                freegvc.compress_file(clip, path, stop_step=850, overwrite=True, **SAME)
        assert len(list(tmp_path.iterdir())) == 2
        again = resume()
        assert isinstance(again, CompressedVideo), again
        assert again.data == path.read_bytes()
        assert [file.name for file in tmp_path.iterdir()] == ["a.fgvc"]


def test_a_worker_killed_in_mid_run_changes_nothing(workers, one_thread, clip, monkeypatch):
    whole = freegvc.compress(clip, stop_step=850, **SAME)
    handed = []
    monkeypatch.setattr(
        type(workers), "_began", lambda self, call: handed.append(call.about), raising=True
    )
    victim = workers.pids()[0]
    killed = []

    def kill(event):
        if isinstance(event, GopDone) and event.gop == 2 and not killed:
            killed.append(os.kill(victim, signal.SIGKILL))

    made = cluster.compress(clip, stop_step=850, workers=workers, **SAME, on_event=kill)
    assert killed
    assert made.data == whole.data
    gops = [about for about in handed if about.startswith("GOP")]
    assert whole.header.num_gops <= len(gops) <= whole.header.num_gops + 1
    assert victim not in workers.pids()


def test_what_fails_is_named_with_its_gop(workers, clip):
    def broken(reference, distorted):
        raise ArithmeticError("no number")

    one = freegvc.Video.from_array(clip.frames[:4], 25)  # with one GOP no other worker is busy
    with pytest.raises(ClusterError, match=r"GOP 0 failed .* ArithmeticError: no number"):
        cluster.compress(one, Score(broken, 0.1), workers=workers, **SAME)
    with pytest.raises(TargetError, match=r"GOP 0: .* bytes before a single step"):
        cluster.compress(one, Rate(num_bytes=40), workers=workers, **SAME)
    assert cluster.compress(one, stop_step=900, workers=workers, **SAME).header.num_gops == 1


def test_few_gops_are_read_ahead(workers, clip, monkeypatch):
    ahead, taken = [], []
    put = type(workers).put

    def counted(self, value):
        if hasattr(value, "is_last"):
            ahead.append(value.index - len(taken))
        return put(self, value)

    monkeypatch.setattr(type(workers), "put", counted)

    def take(event):
        if isinstance(event, GopDone):
            taken.append(event)

    cluster.compress(clip, stop_step=900, workers=workers, **SAME, on_event=take)
    assert len(ahead) == 6
    assert max(ahead) < workers.num_ahead


def test_arguments_are_checked_before_any_work(workers, clip):
    prior = freegvc.load_prior("analytic")
    with pytest.raises(UsageError, match="prior_options"):
        cluster.compress(clip, stop_step=900, workers=workers, prior=prior)
    for options in ({"num_workers": 0}, {"cpus": 0}, {"gpus": -1.0}, {"cpus": 1000}):
        with pytest.raises(UsageError):
            cluster.Workers(**options)
    with pytest.raises(freegvc.PriorUnavailableError, match="nowhere"):
        cluster.compress(clip, stop_step=900, workers=workers, prior="nowhere")


def test_a_gop_that_takes_its_worker_with_it_is_given_up(workers):
    lone = cluster.Workers(num_workers=1, cpus=1, retries=0)
    lone.close()
    with pytest.raises(ClusterError, match="no worker is left"):
        lone.take()
    call = Call("GOP 7", "ready", ())
    call.num_lost = workers.retries
    workers.pids()
    given_up = workers._lose(workers._idle[0], call, RuntimeError("gone"))
    assert isinstance(given_up, ClusterError)
    assert "GOP 7 was lost 4 times" in str(given_up)
    workers._running.clear()


def test_files_go_on_side_by_side(workers, one_thread, clip, tmp_path, monkeypatch):
    """Chained ones: each keeps one worker busy, so that only two files keep both busy."""
    same = {"prior": "analytic", "settings": CHAIN, "stop_step": 850}
    others = []  # calls that run when one begins

    def began(self, call):
        others.append(sum(each is not None for _, each in self._running.values()))

    monkeypatch.setattr(type(workers), "_began", began)
    files = [(clip, tmp_path / "a.fgvc"), ("none.mp4", tmp_path / "b.fgvc")]
    files += [(clip, tmp_path / "c.fgvc"), (clip, tmp_path / "missing" / "d.fgvc")]
    files.append((clip, tmp_path / f"{'e' * 245}.fgvc"))  # a longer name than its journal's
    files.append(("refused", tmp_path / "f.fgvc"))

    def open_source(video):
        if video == "refused":
            raise OSError(5, "Input/output error")
        return open_video(video)

    outcomes = dict(cluster.compress_files(files, workers=workers, open_source=open_source, **same))
    whole = freegvc.compress(clip, **same)
    assert {path.stem: type(outcome) for path, outcome in outcomes.items()} == {
        "a": CompressedVideo,
        "b": freegvc.VideoReadError,
        "c": CompressedVideo,
        "d": UsageError,
        "e" * 245: CompressedVideo,
        "f": OSError,
    }
    for name in ("a", "c", "e" * 245):
        assert CompressedVideo.open(tmp_path / f"{name}.fgvc").data == whole.data
    assert max(others) == 1
    assert sorted(file.stem for file in tmp_path.iterdir()) == ["a", "c", "e" * 245]


@pytest.mark.slow
def test_a_batch_on_the_command_line(workers, one_thread, clip, tmp_path, capsys):
    from freegvc._cli.main import main

    for name in "ab":
        clip.save(tmp_path / f"{name}.y4m")
    (tmp_path / "c.y4m").write_bytes(b"no video")
    inputs = [str(tmp_path / f"{name}.y4m") for name in "abc"]
    options = "--prior analytic --chain --gop-length 8 --overlap 2 --coder pfr --stop-step 900"
    command = ["compress", *inputs, "--out-dir", str(tmp_path / "out"), *options.split()]
    assert main([*command, "--ray", "--ray-workers", "2", "--events", "ndjson"]) == 3
    out, err = capsys.readouterr()
    assert "3 files: 2 done, 0 finished before, 1 failed" in err
    lines = [json.loads(line) for line in out.splitlines()]
    for name in inputs[:2]:
        events = [line["event"] for line in lines if line.get("file") == name]
        assert (events[0], events[-1]) == ("CommandStarted", "CommandDone")
        assert events.count("GopDone") == 3
    assert lines[-1]["failed"] == inputs[2:]
    assert main(["compress", inputs[0], str(tmp_path / "alone.fgvc"), *options.split()]) == 0
    packed = [(tmp_path / name).read_bytes() for name in ("alone.fgvc", "out/a.fgvc", "out/b.fgvc")]
    assert packed[0] == packed[1] == packed[2]
