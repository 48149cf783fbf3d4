"""The receiver's end of the walk: it replays the steps of a packet."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from freegvc._trajectory.walk import State, Walk

if TYPE_CHECKING:
    from torch import Tensor

    from freegvc._bitstream import Packet
    from freegvc._channel.coders import ChannelCoder
    from freegvc.priors import Prior


@dataclass(frozen=True, slots=True)
class Received:
    """A replayed packet.

    Attributes:
        walk, state: the walk and its last state; `walk.finish` leads on to the clean latent.
        drift_sigma: how far the state is from the sender's, in units of its noise level's sigma;
            None if the packet has no drift samples.
    """

    walk: Walk
    state: State
    drift_sigma: float | None


def receive(
    prior: Prior,
    packet: Packet,
    coder: ChannelCoder,
    shape: tuple[int, int, int, int],
    *,
    key: int,
    gop: int,
    known: Tensor | None = None,
) -> Received:
    """Replay a packet.

    Args:
        prior: the sender's prior.
        packet: side information and steps of the GOP.
        coder: the sender's channel coder.
        shape: of the latent, [C, T', h', w'].
        key, gop: address of the GOP's noise.
        known: the first latents of a chained GOP as decoded, [C, n, h', w']; None if it is not.

    Raises:
        CorruptStreamError: the side information does not fit the prior and the shape.
    """
    prior.check_side(packet.side, shape)
    channels, t, h, w = shape
    coded = (channels, t - (0 if known is None else known.shape[1]), h, w)
    walk = Walk(prior, packet.side, coded, key=key, gop=gop, known=known)
    state = walk.start()
    for step in packet.steps:
        n = coder.decode(step.shot, math.prod(coded), walk.address(state.num_steps))
        state = walk.advance(state, step.timestep, n)
    samples = packet.drift_samples
    return Received(walk, state, None if samples is None else walk.drift_sigma(state, samples))
