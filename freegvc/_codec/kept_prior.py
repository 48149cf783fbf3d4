"""The prior that was loaded last, kept for what needs the same one next."""

from __future__ import annotations

from collections.abc import Callable
from os import PathLike
from typing import TYPE_CHECKING, Any

from freegvc._codec.model import load_prior_of

if TYPE_CHECKING:
    from freegvc._codec.compressed import CompressedVideo
    from freegvc.priors import Prior


class KeptPrior:
    """One loaded prior at a time, as two models need twice the memory.

    Args:
        forget: called before another prior is loaded; lets go of what else holds the last one.
    """

    def __init__(self, forget: Callable[[], None] = lambda: None) -> None:
        self._forget = forget
        self._kept: tuple[object, Prior] | None = None  # and what it was loaded for

    def of_name(self, name: str | PathLike[str], **options: Any) -> Prior:
        """The prior of a name; arguments and errors as for `load_prior`."""
        from freegvc.priors import load_prior

        return self._get((name, options), lambda: load_prior(name, **options))

    def of_stream(
        self, stream: CompressedVideo, name: str | PathLike[str] | None = None, **options: Any
    ) -> Prior:
        """The prior of a stream; arguments and errors as for `load_prior_of`."""
        header = stream.header
        stated = (header.prior, header.numerics, header.attention, stream.prompt)
        return self._get((name, options, stated), lambda: load_prior_of(stream, name, **options))

    def _get(self, wanted: object, load: Callable[[], Prior]) -> Prior:
        if self._kept is None or self._kept[0] != wanted:
            self._kept = None
            self._forget()
            self._kept = wanted, load()
        return self._kept[1]
