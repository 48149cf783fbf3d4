"""What a rate grants the file, in bytes, and the refusal of a rate that no stream can keep."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from freegvc.errors import TargetError, UsageError

if TYPE_CHECKING:
    from freegvc._control.gop_encoder import GopEncoder
    from freegvc._control.targets import Rate

LEAST_STEPS_BYTES = 300  # in all packets of a video for which nobody asked for a rate
_LEAST_PACKET = 0.5  # of the smallest empty packet so far: a later one may be that small


class Budget:
    """The bytes of a file under a rate.

    Args:
        target: the rate.
        gops: of the stream.

    Attributes:
        num_frames: of the whole video, as far as known; the caller corrects it at the end.

    Raises:
        UsageError: a number of bytes for a video of unknown length.
    """

    def __init__(self, target: Rate, gops: GopEncoder) -> None:
        if target.num_bytes is not None and gops.num_frames is None:
            raise UsageError("a target in bytes needs a video of known length; give a rate instead")
        self._target, self._gops = target, gops
        self.num_frames = gops.num_frames
        self._raised = 0  # bytes, where the default rate has turned out to be too small

    def bytes_for(self, num_frames: int) -> float:
        """What the target grants the first frames of the video."""
        return max(self._granted(self._amount, num_frames), self._raised)

    def check(self, empty_bytes: Sequence[int], *, is_last: bool) -> None:
        """Refuse the target if the whole stream will not fit it even without a single step.

        The header weighs on the first frames alone, so a stream that does not fit so far may fit in
        the end. A budget that the empty stream fits is never refused.

        Args:
            empty_bytes: of the packets without steps of all GOPs so far.
            is_last: no GOP follows.

        Raises:
            TargetError: it will not fit.
        """
        end, known = self._gops.end_frame, self.num_frames
        if known is None and not is_last and self._grows(empty_bytes):
            return
        total = end if is_last else max(known or 0, end)
        later = self._gops.num_gops(total) - len(empty_bytes)
        least = [*empty_bytes, *[int(_LEAST_PACKET * min(empty_bytes))] * later]
        if self._file_bytes(least) <= self.bytes_for(total):
            return
        needed = self._file_bytes([*empty_bytes, *[max(empty_bytes)] * later])
        stated = (
            "" if self._target.num_bytes is not None else f", {self.bytes_for(total):.0f} bytes"
        )
        if self._target.is_default:
            self._raised = needed + LEAST_STEPS_BYTES
            return
        raise TargetError(
            f"the target is {self._amount} {self._unit}{stated} for {total} frames, but the "
            f"stream takes about {needed} bytes before a single step is sent: allow "
            f"at least {self._rounded_up(needed / self._granted(1.0, total))} {self._unit}"
        )

    def _grows(self, empty_bytes: Sequence[int]) -> bool:
        """Whether a further GOP brings more bytes than its packet takes without steps."""
        end, parameters = self._gops.end_frame, self._gops.parameters
        more = end + parameters.gop_length - parameters.overlap
        granted = self.bytes_for(more) - self.bytes_for(end)
        return granted > _LEAST_PACKET * min(empty_bytes)

    def _file_bytes(self, packet_bytes: Sequence[int]) -> int:
        return self._gops.file_size()(packet_bytes)

    @property
    def _amount(self) -> float:
        if self._target.is_default:
            return self._gops.prior.defaults.bpp
        given = (self._target.bpp, self._target.kbps, self._target.num_bytes)
        return next(value for value in given if value is not None)

    @property
    def _unit(self) -> str:
        if self._target.num_bytes is not None:
            return "bytes"
        return "kbps" if self._target.kbps is not None else "bpp"

    def _granted(self, amount: float, num_frames: int) -> float:
        """The bytes of so many frames under so many of the target's units."""
        parameters = self._gops.parameters
        if self._target.num_bytes is not None:
            return amount * min(num_frames / (self.num_frames or num_frames), 1.0)
        if self._target.kbps is not None:
            return amount * 125.0 * num_frames * self._gops.frame_seconds
        return amount * (parameters.width * parameters.height) * num_frames / 8.0

    def _rounded_up(self, value: float) -> str:
        """Three digits are enough of a rate; bytes are whole."""
        return str(math.ceil(value)) if self._target.num_bytes is not None else rounded_up(value)


def rounded_up(rate: float) -> str:
    """A rate to three digits, never less than it is."""
    digits = 10.0 ** (math.floor(math.log10(rate)) - 2)
    return f"{math.ceil(rate / digits) * digits:.3g}"
