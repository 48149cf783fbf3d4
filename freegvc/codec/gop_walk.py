"""One GOP on its way into the stream: the sender as the searches of `control` see it."""

from __future__ import annotations

from collections.abc import Callable
from copy import copy
from dataclasses import replace
from typing import TYPE_CHECKING

from freegvc.bitstream import PacketCodec, Stream, write_stream
from freegvc.codec import events

if TYPE_CHECKING:
    from torch import Tensor

    from freegvc.channel.coders import ChannelCoder
    from freegvc.priors import Prior
    from freegvc.video import Gop


class GopWalk:
    """The walk of one GOP, with the file and the picture that it would give if it stopped now.

    Args:
        prior, coder: of the stream.
        gop: the frames.
        latent: what the prior made of them.
        before: the stream before this GOP, its header already counting this GOP's frames.
        share_done: part of the way to the target that a walk has gone, 0 .. 1; for progress.
        on_event: told of every step.
    """

    def __init__(
        self,
        prior: Prior,
        coder: ChannelCoder,
        gop: Gop,
        latent: Tensor,
        *,
        before: Stream,
        share_done: Callable[[GopWalk], float],
        on_event: events.OnEvent,
    ) -> None:
        from freegvc.trajectory import Sender

        self.gop = gop
        self._before = before
        self._share_done = share_done
        self._on_event = on_event
        self._sender = Sender(prior, latent, coder, key=before.header.key, gop=gop.index)

    @property
    def latent(self) -> Tensor:
        """What the walk leads to, float32 [C, T', h', w']."""
        return self._sender.latent

    @property
    def timestep(self) -> int:
        """Where the walk stands."""
        return self._sender.timestep

    @property
    def num_steps(self) -> int:
        """How many steps were sent."""
        return self._sender.num_steps

    def extend(self, timestep: int) -> None:
        """Send one step to `timestep`."""
        self._sender.extend(timestep)
        kl_bits, share = self._sender.kl_bits[-1], min(max(self._share_done(self), 0.0), 1.0)
        self._on_event(events.StepSent(self.gop.index, self.num_steps, timestep, kl_bits, share))

    def rewind(self, num_steps: int) -> None:
        """Forget all but the first steps."""
        self._sender.rewind(num_steps)

    def fork(self, num_steps: int) -> GopWalk:
        """A walk of the same first steps, which goes its own way from there."""
        other = copy(self)
        other._sender = self._sender.fork(num_steps)
        return other

    def follow(self, before: Stream) -> None:
        """Let the file before this GOP be another one, with the same header."""
        self._before = before

    def step_bits(self, timestep: int) -> float:
        """Bits that a step from here to `timestep` will take, as predicted."""
        return self._sender.step_bits(timestep)

    def packet(self) -> bytes:
        """The packet of the steps sent so far."""
        return PacketCodec(self._before.header).encode(self._sender.packet(), self.gop.index)

    def num_bits(self) -> int:
        """Bits of that packet."""
        return 8 * len(self.packet())

    def num_file_bytes(self) -> int:
        """Bytes of the file if the video ended with this GOP and the walk stopped here."""
        packets = (*self._before.packets, self.packet())
        return len(write_stream(replace(self._before, packets=packets)))

    def probe(self) -> bytes | None:
        """8 bytes about the state where the walk stands; None before the first step."""
        return self._sender.probe()

    def reconstruct(self) -> Tensor:
        """The clean latent that a decoder gets, before it is fused with the GOP before."""
        from freegvc.trajectory import Silent

        return self._sender.reconstruct(self.num_steps, Silent.of(self._before.header))
