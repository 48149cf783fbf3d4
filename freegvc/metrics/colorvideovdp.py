"""ColorVideoVDP: how visible the differences between two videos are, in JOD.

Mantiuk et al., "ColorVideoVDP: A visual difference predictor for image, video and display
distortions", ACM Transactions on Graphics 43, 2024. The metric models the display, the distance of
the viewer and flicker, so what it is told of them is fixed here: `DISPLAY` and `FPS`. It is the
package `cvvdp` and brings its own calibration: nothing is fetched.
"""

from __future__ import annotations

import logging
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from freegvc.errors import MetricUnavailableError, UsageError
from freegvc.metrics.frames import Frames, check_pair, check_side

if TYPE_CHECKING:
    from torch import Tensor

DISPLAY = "standard_fhd"  # 24 inches, 1920x1080, 200 cd/m2, 250 lux, at twice its height: 37.8 ppd
FPS = 30.0
CVVDP_MIN_SIDE = 8
INSTALL = "pip install 'freegvc[metrics]'"


def cvvdp(
    reference: Frames,
    distorted: Frames,
    *,
    display: str = DISPLAY,
    fps: float = FPS,
    device: str = "cpu",
) -> float:
    """ColorVideoVDP of a video: 10 JOD where no difference is seen, less where it is worse.

    JOD are just objectionable differences: of two videos 1 JOD apart, three viewers out of four
    take the better one. Samples are sRGB. The first frame is repeated for the quarter of a second
    before it; a single frame is scored as a still picture.

    Args:
        reference, distorted: uint8 [T, H, W, 3], sides of at least `CVVDP_MIN_SIDE` pixels.
        display: of those that the package knows. Scores of two displays cannot be compared.
        fps: frames per second at which the videos are shown. The default does not depend on the
            file, so that neither do scores.
        device: where it runs, in float32.

    Returns:
        The score of all frames together.

    Raises:
        UsageError: the shapes differ, the frames are too small, there are none, fps is not
            positive, or the display is unknown.
        MetricUnavailableError: the package is missing or cannot be imported.
    """
    import torch

    check_pair(reference, distorted)
    check_side("ColorVideoVDP", reference.shape[1], reference.shape[2], CVVDP_MIN_SIDE)
    if not len(reference):
        raise UsageError("ColorVideoVDP needs a frame or more, there is none")
    if not 0 < fps < float("inf"):
        raise UsageError(f"fps is {fps}, but must be a positive number of frames per second")
    predictor = cvvdp_predictor(display, device)
    with torch.inference_mode():
        score, _ = predictor.predict_video_source(_source(predictor, reference, distorted, fps))
    return float(score)


@lru_cache(maxsize=2)
def cvvdp_predictor(display: str, device: str) -> Any:
    """The package's predictor; cached, because a search uses it often.

    Args:
        display: of those that the package knows.
        device: where it runs.

    Raises:
        UsageError: the display is unknown.
        MetricUnavailableError: the package is missing or cannot be imported.
    """
    if find_spec("pycvvdp") is None:
        raise MetricUnavailableError(f"ColorVideoVDP needs the package cvvdp: {INSTALL}")
    import torch

    try:
        with _quiet_import():
            import pycvvdp
    except (ImportError, OSError, RuntimeError) as error:
        raise MetricUnavailableError(
            f"the package cvvdp cannot be imported ({error}): install it again, {INSTALL}"
        ) from error
    try:
        return pycvvdp.cvvdp(display_name=display, device=torch.device(device), quiet=True)
    except pycvvdp.vq_exception as error:
        known = "pycvvdp.vvdp_display_photometry.list_displays([])"
        raise UsageError(
            f"ColorVideoVDP has no display {display!r} ({error}): {known} prints all"
        ) from error


def _source(predictor: Any, reference: Frames, distorted: Frames, fps: float) -> Any:
    """Both videos as the package reads them: a frame at a time."""
    import numpy as np
    import torch
    from pycvvdp.video_source import video_source_dm

    class Pair(video_source_dm):  # type: ignore[misc]  # the package has no types
        def get_video_size(self) -> tuple[int, int, int]:
            num_frames, height, width, _ = reference.shape
            return height, width, num_frames

        def get_frames_per_second(self) -> float:
            return fps

        def get_test_frame(self, frame: int, device: torch.device, colorspace: str) -> Tensor:
            return self._samples(distorted, frame, device, colorspace)

        def get_reference_frame(self, frame: int, device: torch.device, colorspace: str) -> Tensor:
            return self._samples(reference, frame, device, colorspace)

        def _samples(
            self, video: Frames, frame: int, device: torch.device, colorspace: str
        ) -> Tensor:
            samples = torch.from_numpy(np.array(video[frame])).to(device).float() / 255
            whole = samples.permute(2, 0, 1)[None, :, None]  # batch, colour, frame, height, width
            shown: Tensor = self.apply_dm_and_color_transform(whole, colorspace)
            return shown

    return Pair(display_photometry=predictor.display_photometry)


@contextmanager
def _quiet_import() -> Iterator[None]:
    """Import the package without what it does aside.

    It imports torch's extension builder, which warns of missing CUDA tools that nothing here uses,
    and it adds its own folder to the path, where modules with common names lie.
    """
    path, before = [*sys.path], {*sys.modules}
    logger = logging.getLogger("torch.utils.cpp_extension")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(level)
        sys.path[:] = path
        added = {*sys.modules} - before
        aside = {name for name in added if _is_aside(name)}
        for name in added:
            if name.partition(".")[0] in aside:
                del sys.modules[name]


def _is_aside(name: str) -> bool:
    """Whether it is a module from the package's own folder by a name without the package's."""
    file = getattr(sys.modules[name], "__file__", None) or ""
    return "." not in name and name != "pycvvdp" and "pycvvdp" in Path(file).parts
