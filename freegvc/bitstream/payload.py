"""The payload of a packet: side information, steps and a probe in one range coder.

`PacketEncoder` and `decode_payload` mirror each other line by line.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import constriction
import numpy as np

from freegvc.bitstream import entropy, index_law
from freegvc.bitstream.fields import CRC_BYTES
from freegvc.bitstream.shot import (
    MANTISSA_BITS,
    MAX_BLOCK_CLASS,
    MAX_BLOCKS,
    Shot,
    Step,
    block_class,
    blocks_of_class,
    finer_blocks,
)
from freegvc.errors import CorruptStreamError, UsageError

MAX_SIDE_VALUES = 4096
MAX_SIDE_VALUE = 255
MIN_TRELLIS_LOG2, MAX_TRELLIS_LOG2 = 8, 16
PROBE_BYTES = 8

# Every step and every block costs about a bit or more. A payload that claims more than this is
# hostile, and is refused before the memory for it is taken.
UNITS_PER_BYTE = 16
FREE_UNITS = 1024

_END, _SAME_MODE, _NEW_MODE, _PROBE = 0, 1, 2, 3
_KIND = entropy.table((1 << 19, 13 << 20, 2 << 20, 1 << 19))
_BYTE = constriction.stream.model.Uniform(256)
_COIN = constriction.stream.model.Uniform(2)
_FIRST_MODE = {"pfr": (16, 16), "trellis": (12, 1)}  # (log2_candidates, block_bits)
_FIRST_CLASS = 40  # 128 blocks


@dataclass(frozen=True, slots=True)
class Packet:
    """What is sent for one GOP.

    Args:
        side: the prior's integers for this GOP, each 0..255.
        steps: with falling timesteps; any prefix is a packet of lower quality.
        probe: 8 bytes about the state after the last step, or None; they do not hold for a prefix.
    """

    side: tuple[int, ...] = ()
    steps: tuple[Step, ...] = ()
    probe: bytes | None = None


def _next_jump(jump: int) -> int:
    """What the jump after `jump` is coded against.

    Timesteps even in sqrt(SNR) have jumps that shrink by about an eighth.
    """
    return jump - (jump >> 3)


def _mode_error(coder: str, log2_candidates: int, block_bits: int) -> str | None:
    mode = f"coder {coder} has log2_candidates {log2_candidates} and block_bits {block_bits}"
    if coder == "trellis":
        if MIN_TRELLIS_LOG2 <= log2_candidates <= MAX_TRELLIS_LOG2 and block_bits == 1:
            return None
        return f"{mode}; they must be {MIN_TRELLIS_LOG2}..{MAX_TRELLIS_LOG2} and 1"
    if log2_candidates in index_law.LOG2_CANDIDATES and (
        1 <= block_bits <= index_law.MAX_BLOCK_BITS
    ):
        return None
    return (
        f"{mode}; they must be one of {index_law.LOG2_CANDIDATES} and 1..{index_law.MAX_BLOCK_BITS}"
    )


class PacketEncoder:
    """Builds a packet step by step and knows its size at any time.

    Args:
        side: the prior's integers.
        start_timestep: of the header.
        coder: of the header.
    """

    def __init__(self, side: tuple[int, ...] = (), *, start_timestep: int, coder: str) -> None:
        if len(side) > MAX_SIDE_VALUES:
            raise UsageError(
                f"the side information has {len(side)} values; at most {MAX_SIDE_VALUES}"
            )
        self._coder = coder
        self._encoder: Any = constriction.stream.queue.RangeEncoder()
        self._timestep = start_timestep
        self._expected_jump = start_timestep >> 3
        self._mode = _FIRST_MODE[coder]
        self._class = _FIRST_CLASS
        self._units = 0
        self.seed_bits = 0.0
        """Bits of all seeds so far."""

        entropy.encode_uint(self._encoder, len(side))
        before = 0
        for value in side:
            if not 0 <= value <= MAX_SIDE_VALUE:
                raise UsageError(f"a side value is {value}; it must be in 0..{MAX_SIDE_VALUE}")
            entropy.encode_residual(self._encoder, value - before)
            before = value

    def add(self, step: Step) -> None:
        """Append a step.

        Raises:
            UsageError: the step cannot be represented.
        """
        shot, encoder = step.shot, self._encoder
        jump = self._timestep - step.timestep
        if jump < 1 or step.timestep < 0:
            raise UsageError(
                f"a step goes from timestep {self._timestep} to {step.timestep}; timesteps must "
                "fall and stay >= 0"
            )
        mode = (shot.log2_candidates, shot.block_bits)
        if wrong := _mode_error(self._coder, *mode):
            raise UsageError(wrong)
        num_blocks = len(shot.seeds)
        now_class = block_class(num_blocks, MANTISSA_BITS[self._coder])
        finer, unit = finer_blocks(now_class, MANTISSA_BITS[self._coder])

        encoder.encode(_SAME_MODE if mode == self._mode else _NEW_MODE, _KIND)
        if mode != self._mode:
            entropy.encode_residual(encoder, mode[0] - self._mode[0])
            entropy.encode_residual(encoder, mode[1] - self._mode[1])
        entropy.encode_residual(encoder, jump - self._expected_jump)
        entropy.encode_residual(encoder, now_class - self._class)
        entropy.encode_bits(encoder, (num_blocks - blocks_of_class(now_class)) // unit, finer)
        before = entropy.used_bits(encoder)
        _encode_seeds(encoder, self._coder, shot)
        self.seed_bits += entropy.used_bits(encoder) - before

        self._timestep, self._expected_jump = step.timestep, _next_jump(jump)
        self._mode, self._class = mode, now_class
        self._units += 1 + num_blocks

    def payload(self, probe: bytes | None = None) -> bytes:
        """The payload if no step is added; more steps may still follow.

        Args:
            probe: `Packet.probe`; it ends the payload.

        Raises:
            UsageError: the probe has another length than 8.
        """
        encoder = self._encoder.clone()
        if probe is None:
            encoder.encode(_END, _KIND)
        else:
            if len(probe) != PROBE_BYTES:
                raise UsageError(f"a probe has {len(probe)} bytes; it must have {PROBE_BYTES}")
            encoder.encode(_PROBE, _KIND)
            encoder.encode(np.frombuffer(probe, np.uint8).astype(np.int32), _BYTE)
        # zeros may be dropped at the end, but not so many that the reader thinks us hostile
        least = -(-(self._units - FREE_UNITS) // UNITS_PER_BYTE)
        return entropy.shortest_bytes(encoder).ljust(least, b"\0")

    def size_bytes(self, probe: bytes | None = None) -> int:
        """Bytes of the packet if no step is added, with its CRC."""
        return len(self.payload(probe)) + CRC_BYTES


def _encode_seeds(encoder: Any, coder: str, shot: Shot) -> None:
    if coder == "trellis":
        if len(shot.seeds) and not 0 <= shot.seeds.min() <= shot.seeds.max() <= 1:
            raise UsageError("a seed of the trellis coder is not 0 or 1")
        encoder.encode(np.asarray(shot.seeds, dtype=np.int32), _COIN)
        return
    try:
        index_law.encode_seeds(encoder, shot.log2_candidates, shot.block_bits, shot.seeds)
    except ValueError as error:
        raise UsageError(str(error)) from error


def _decode_seeds(decoder: Any, coder: str, mode: tuple[int, int], count: int) -> np.ndarray:
    if coder == "trellis":
        return np.asarray(decoder.decode(_COIN, count), dtype=np.int64)
    return index_law.decode_seeds(decoder, *mode, count)


def decode_payload(payload: bytes, start_timestep: int, coder: str) -> Packet:
    """The inverse of `PacketEncoder.payload`.

    Raises:
        CorruptStreamError: a value is outside its limits.
        AssertionError: constriction's word for bytes that no encoder writes.
    """
    decoder = entropy.range_decoder(payload)
    units_left = UNITS_PER_BYTE * len(payload) + FREE_UNITS

    count = entropy.decode_uint(decoder)
    if count > MAX_SIDE_VALUES:
        raise CorruptStreamError(
            f"a packet claims {count} side values; at most {MAX_SIDE_VALUES}; get the file again"
        )
    side: list[int] = []
    value = 0
    for _ in range(count):
        value += entropy.decode_residual(decoder)
        if not 0 <= value <= MAX_SIDE_VALUE:
            raise CorruptStreamError(
                f"a side value is {value}; it must be in 0..{MAX_SIDE_VALUE}; get the file again"
            )
        side.append(value)

    steps: list[Step] = []
    timestep, expected_jump = start_timestep, start_timestep >> 3
    mode, now_class = _FIRST_MODE[coder], _FIRST_CLASS
    while (kind := int(decoder.decode(_KIND))) != _END:
        if kind == _PROBE:
            probe = np.asarray(decoder.decode(_BYTE, PROBE_BYTES)).astype(np.uint8).tobytes()
            return Packet(tuple(side), tuple(steps), probe)
        if kind == _NEW_MODE:
            log2_candidates = mode[0] + entropy.decode_residual(decoder)
            mode = (log2_candidates, mode[1] + entropy.decode_residual(decoder))
        if wrong := _mode_error(coder, *mode):
            raise CorruptStreamError(f"{wrong}; get the file again")
        jump = expected_jump + entropy.decode_residual(decoder)
        if not 1 <= jump <= timestep:
            raise CorruptStreamError(
                f"a step jumps by {jump} from timestep {timestep}; it must jump by "
                f"1..{timestep}; get the file again"
            )
        timestep, expected_jump = timestep - jump, _next_jump(jump)
        now_class += entropy.decode_residual(decoder)
        if not 0 <= now_class <= MAX_BLOCK_CLASS:
            raise CorruptStreamError(
                f"a step has class {now_class} for its number of blocks; it must be in "
                f"0..{MAX_BLOCK_CLASS}; get the file again"
            )
        finer, unit = finer_blocks(now_class, MANTISSA_BITS[coder])
        num_blocks = blocks_of_class(now_class) + entropy.decode_bits(decoder, finer) * unit
        if num_blocks > MAX_BLOCKS:
            raise CorruptStreamError(
                f"a step has {num_blocks} blocks; at most {MAX_BLOCKS}; get the file again"
            )
        units_left -= 1 + num_blocks
        if units_left < 0:
            raise CorruptStreamError(
                f"a packet of {len(payload)} bytes claims {-units_left} more steps and blocks "
                f"than its limit of {UNITS_PER_BYTE} per byte and {FREE_UNITS}; get the file again"
            )
        seeds = _decode_seeds(decoder, coder, mode, num_blocks)
        steps.append(Step(timestep, Shot(*mode, seeds)))
    return Packet(tuple(side), tuple(steps))
