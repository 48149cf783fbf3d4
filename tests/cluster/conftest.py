"""One small Ray for all tests of the cluster, and a clip whose GOPs are unlike each other."""

import os
from importlib.util import find_spec

import numpy as np
import pytest
import torch

import freegvc
from freegvc.cluster import Workers

collect_ignore_glob = [] if find_spec("ray") else ["test_*.py"]
OBJECT_STORE_BYTES = 80 * 2**20  # the least that Ray takes


@pytest.fixture(scope="session")
def workers():
    """Two workers of one thread each."""
    import ray

    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    ray.init(
        address="local",
        num_cpus=4,
        num_gpus=0,
        object_store_memory=OBJECT_STORE_BYTES,
        include_dashboard=False,
        log_to_driver=False,
    )
    with Workers(num_workers=2) as started:
        yield started
    ray.shutdown()


@pytest.fixture
def one_thread():
    """As many threads here as a worker has: another number may round differently."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="session")
def clip():
    """19 frames, every second stretch of five with more noise."""
    rng = np.random.default_rng(0)
    t, y, x = np.mgrid[0:19, 0:32, 0:64]
    waves = [np.sin((x * (c + 1) + 2 * y + 4 * t) / 12 + c) for c in range(3)]
    noise = np.where(np.arange(19) // 5 % 2, 8, 2)[:, None, None, None]
    frames = 128 + 60 * np.stack(waves, -1) + rng.normal(size=(19, 32, 64, 3)) * noise
    return freegvc.Video.from_array(frames.clip(0, 255).round().astype(np.uint8), 25)
