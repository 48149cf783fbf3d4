"""What is sent for one GOP."""

from __future__ import annotations

from dataclasses import dataclass

from freegvc._channel.shot import Shot

DRIFT_SAMPLES_BYTES = 8


@dataclass(frozen=True, slots=True)
class Step:
    """One coded step.

    Args:
        timestep: the integer timestep that the step leads to.
        shot: what the channel coder sent for it.
    """

    timestep: int
    shot: Shot


@dataclass(frozen=True, slots=True)
class Packet:
    """What is sent for one GOP.

    Args:
        side: the prior's integers for this GOP, each 0..255.
        steps: with falling timesteps; any prefix of them is a packet of lower quality.
        drift_samples: 8 bytes about the state after the last step, or None. A prefix has none,
            since it ends in another state.
    """

    side: tuple[int, ...] = ()
    steps: tuple[Step, ...] = ()
    drift_samples: bytes | None = None


@dataclass(frozen=True, slots=True)
class PacketBits:
    """How the bits of a packet are used.

    Args:
        total_bits: of the whole packet.
        seed_bits: of what the channel coder chose, its seeds or bits.
    """

    total_bits: int
    seed_bits: float

    @property
    def other_bits(self) -> float:
        """Side information, steps, drift samples, the unused end of the last byte, the CRC."""
        return self.total_bits - self.seed_bits
