"""The channel coders by the names that users and headers use. Needs neither torch nor numba."""

from __future__ import annotations

from dataclasses import dataclass

from freegvc._channel.pfr.shot import PfrShot
from freegvc._channel.shot import Shot
from freegvc._channel.trellis.shot import TrellisShot


@dataclass(frozen=True, slots=True)
class CoderEntry:
    """One channel coder.

    Attributes:
        wire_id: what a header stores.
        shot: what the coder sends for a step, with its wire form.
        coder: module and class of the coder itself; `make_coder` imports it, since it needs torch.
    """

    wire_id: int
    shot: type[Shot]
    coder: str


CODERS = {
    "pfr": CoderEntry(0, PfrShot, "freegvc._channel.pfr.coder:PfrCoder"),
    "trellis": CoderEntry(1, TrellisShot, "freegvc._channel.trellis.coder:TrellisCoder"),
}
