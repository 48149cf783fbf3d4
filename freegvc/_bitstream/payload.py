"""The payload of a packet: side information, steps and drift samples in one range coder.

`PacketEncoder` and `decode_payload` mirror each other line by line.
"""

from __future__ import annotations

from collections.abc import Iterable
from copy import copy
from typing import Any

import constriction
import numpy as np

from freegvc import _range_coder as range_coder
from freegvc._bitstream.checksum import CRC_BYTES, packet_crc
from freegvc._bitstream.packet import DRIFT_SAMPLES_BYTES, Packet, Step
from freegvc._channel.num_blocks import (
    MAX_BLOCK_CLASS,
    MAX_BLOCKS,
    block_class,
    blocks_of_class,
    finer_blocks,
)
from freegvc._channel.shot import Shot
from freegvc.errors import CorruptStreamError, UsageError

MAX_SIDE_VALUES = 4096
MAX_SIDE_VALUE = 255

# No walk has so many; without a limit, a packet of 64 kB could ask for 65,000 calls of the model.
MAX_STEPS = 1024

# Every step and every block of a real packet takes about a bit or more. A payload that claims more
# than this is refused before any memory is allocated for it.
UNITS_PER_BYTE = 16
FREE_UNITS = 1024

_END, _SAME_MODE, _NEW_MODE, _DRIFT_SAMPLES = 0, 1, 2, 3
_KIND = range_coder.table((1 << 19, 13 << 20, 2 << 20, 1 << 19))
_BYTE = constriction.stream.model.Uniform(256)


class _Expected:
    """What the next step is coded against.

    Jumps change slowly, and by about as much as they did before. Steps grow, and so do their
    numbers of blocks.

    Args:
        start_timestep: of the header.

    Attributes:
        jump: to the next timestep.
        block_class: of the number of blocks.
    """

    def __init__(self, start_timestep: int) -> None:
        self.jump = start_timestep >> 5
        self.block_class = 40  # 128 blocks
        self._jump_before: int | None = None

    def step(self, jump: int, block_class: int) -> None:
        """Go on to the step after this one."""
        change = 0 if self._jump_before is None else jump - self._jump_before
        self.jump = jump + max(-2, min(change, 2))
        self.block_class = block_class + 2
        self._jump_before = jump


class PacketEncoder:
    """Builds a packet step by step; each step is entropy coded once.

    Args:
        side: the prior's integers for the GOP.
        start_timestep: of the header.
        shot: the shots of the header's channel coder.

    Attributes:
        seed_bits: bits that all shots take so far, without the numbers of blocks.

    Raises:
        UsageError: a side value is outside its limits.
    """

    def __init__(
        self, side: tuple[int, ...] = (), *, start_timestep: int, shot: type[Shot]
    ) -> None:
        if len(side) > MAX_SIDE_VALUES:
            raise UsageError(
                f"the side information has {len(side)} values; at most {MAX_SIDE_VALUES}"
            )
        self._shot = shot
        self._encoder: Any = constriction.stream.queue.RangeEncoder()
        self._timestep = start_timestep
        self._mode = shot.FIRST_MODE
        self._expected = _Expected(start_timestep)
        self._num_steps = self._units = 0
        self.seed_bits = 0.0

        range_coder.encode_uint(self._encoder, len(side))
        before = 0
        for value in side:
            if not 0 <= value <= MAX_SIDE_VALUE:
                raise UsageError(f"a side value is {value}; it must be in 0..{MAX_SIDE_VALUE}")
            range_coder.encode_residual(self._encoder, value - before)
            before = value

    def add(self, step: Step) -> None:
        """Append a step.

        Raises:
            UsageError: the step cannot be represented.
        """
        shot, encoder = step.shot, self._encoder
        if not isinstance(shot, self._shot):
            raise UsageError(
                f"a step holds a {type(shot).__name__}; this stream's coder sends "
                f"{self._shot.__name__}"
            )
        jump = self._timestep - step.timestep
        if jump < 1 or step.timestep < 0:
            raise UsageError(
                f"a step goes from timestep {self._timestep} to {step.timestep}; timesteps must "
                "fall and stay >= 0"
            )
        if self._num_steps == MAX_STEPS:
            raise UsageError(
                f"a packet would have more than {MAX_STEPS} steps, which is the limit: take larger "
                "steps (first_step, growth)"
            )
        mode, num_blocks = shot.mode, shot.num_blocks
        if wrong := shot.mode_error(mode):
            raise UsageError(wrong)
        now_class = block_class(num_blocks, shot.MANTISSA_BITS)
        finer, unit = finer_blocks(now_class, shot.MANTISSA_BITS)

        encoder.encode(_SAME_MODE if mode == self._mode else _NEW_MODE, _KIND)
        if mode != self._mode:
            range_coder.encode_residual(encoder, mode[0] - self._mode[0])
            range_coder.encode_residual(encoder, mode[1] - self._mode[1])
        range_coder.encode_residual(encoder, jump - self._expected.jump)
        range_coder.encode_residual(encoder, now_class - self._expected.block_class)
        range_coder.encode_bits(encoder, (num_blocks - blocks_of_class(now_class)) // unit, finer)
        if num_blocks:
            before = range_coder.used_bits(encoder)
            shot.encode_choices(encoder)
            self.seed_bits += range_coder.used_bits(encoder) - before

        self._timestep, self._mode = step.timestep, mode
        self._expected.step(jump, now_class)
        self._num_steps += 1
        self._units += 1 + num_blocks

    def payload(self, drift_samples: bytes | None = None) -> bytes:
        """The payload of the steps so far; more steps may be added afterwards.

        Args:
            drift_samples: of the state after the last step, see `Packet`.

        Raises:
            UsageError: the drift samples are not 8 bytes.
        """
        encoder = self._encoder.clone()
        if drift_samples is None:
            encoder.encode(_END, _KIND)
        else:
            if len(drift_samples) != DRIFT_SAMPLES_BYTES:
                raise UsageError(
                    f"there are {len(drift_samples)} bytes of drift samples; there must be "
                    f"{DRIFT_SAMPLES_BYTES}"
                )
            encoder.encode(_DRIFT_SAMPLES, _KIND)
            encoder.encode(np.frombuffer(drift_samples, np.uint8).astype(np.int32), _BYTE)
        # Zeros at the end are dropped, except for those that the limit of UNITS_PER_BYTE needs.
        least = -(-(self._units - FREE_UNITS) // UNITS_PER_BYTE)
        return range_coder.shortest_bytes(encoder).ljust(least, b"\0")

    def num_bytes(self, drift_samples: bytes | None = None) -> int:
        """Bytes of the packet of the steps so far, with its CRC."""
        return len(self.payload(drift_samples)) + CRC_BYTES

    def packet(self, gop: int, drift_samples: bytes | None = None) -> bytes:
        """The packet of the steps so far: the payload and its CRC.

        Args:
            gop: index of the GOP.
            drift_samples: as for `payload`.
        """
        payload = self.payload(drift_samples)
        return payload + packet_crc(payload, gop)

    def copy(self) -> PacketEncoder:
        """An encoder of the same steps that continues independently."""
        other = copy(self)
        other._encoder = self._encoder.clone()
        other._expected = copy(self._expected)
        return other


def choice_bits(shots: Iterable[Shot]) -> float:
    """Bits that shots take in a packet, without their modes and numbers of blocks."""
    encoder = constriction.stream.queue.RangeEncoder()
    for shot in shots:
        if shot.num_blocks:
            shot.encode_choices(encoder)
    return range_coder.used_bits(encoder)


def decode_payload(payload: bytes, *, start_timestep: int, shot: type[Shot]) -> Packet:
    """The inverse of `PacketEncoder.payload`.

    Args:
        payload: of a packet.
        start_timestep: of the header.
        shot: the shots of the header's channel coder.

    Raises:
        CorruptStreamError: a value is outside its limits, or no encoder writes these bytes.
    """
    with range_coder.decoding():
        return _decode(payload, start_timestep, shot)


def _decode(payload: bytes, start_timestep: int, shot: type[Shot]) -> Packet:
    decoder = range_coder.range_decoder(payload)
    units_left = UNITS_PER_BYTE * len(payload) + FREE_UNITS

    count = range_coder.decode_uint(decoder)
    if count > MAX_SIDE_VALUES:
        raise CorruptStreamError(
            f"a packet claims {count} side values; at most {MAX_SIDE_VALUES}; get the file again"
        )
    side: list[int] = []
    value = 0
    for _ in range(count):
        value += range_coder.decode_residual(decoder)
        if not 0 <= value <= MAX_SIDE_VALUE:
            raise CorruptStreamError(
                f"a side value is {value}; it must be in 0..{MAX_SIDE_VALUE}; get the file again"
            )
        side.append(value)

    steps: list[Step] = []
    timestep, mode = start_timestep, shot.FIRST_MODE
    expected = _Expected(start_timestep)
    while (kind := int(decoder.decode(_KIND))) != _END:
        if kind == _DRIFT_SAMPLES:
            samples = np.asarray(decoder.decode(_BYTE, DRIFT_SAMPLES_BYTES)).astype(np.uint8)
            return Packet(tuple(side), tuple(steps), samples.tobytes())
        if len(steps) == MAX_STEPS:
            raise CorruptStreamError(
                f"a packet has more than {MAX_STEPS} steps, which is the limit; get the file again"
            )
        if kind == _NEW_MODE:
            first = mode[0] + range_coder.decode_residual(decoder)
            mode = (first, mode[1] + range_coder.decode_residual(decoder))
        if wrong := shot.mode_error(mode):
            raise CorruptStreamError(f"{wrong}; get the file again")
        jump = expected.jump + range_coder.decode_residual(decoder)
        if not 1 <= jump <= timestep:
            raise CorruptStreamError(
                f"a step jumps by {jump} from timestep {timestep}; it must jump by "
                f"1..{timestep}; get the file again"
            )
        timestep -= jump
        now_class = expected.block_class + range_coder.decode_residual(decoder)
        if not 0 <= now_class <= MAX_BLOCK_CLASS:
            raise CorruptStreamError(
                f"a step has class {now_class} for its number of blocks; it must be in "
                f"0..{MAX_BLOCK_CLASS}; get the file again"
            )
        expected.step(jump, now_class)
        finer, unit = finer_blocks(now_class, shot.MANTISSA_BITS)
        num_blocks = blocks_of_class(now_class) + range_coder.decode_bits(decoder, finer) * unit
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
        steps.append(Step(timestep, shot.decode_choices(decoder, mode, num_blocks)))
    return Packet(tuple(side), tuple(steps))
