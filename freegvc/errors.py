"""The exceptions and warnings of freegvc.

    FreeGvcError
    ├── UsageError                      exit code 2: an argument is wrong or arguments conflict
    │   └── OutputExistsError           the output is there already and --force was not given
    ├── VideoError                      exit code 3: the input video
    │   ├── VideoReadError              missing, unreadable, no frames, a size that does not fit
    │   └── UnsupportedVideoError       readable, but outside what is supported (PQ, HLG, 12 bit)
    ├── StreamError                     exit code 4: the .fgvc stream
    │   ├── NotAStreamError             the magic is missing
    │   ├── UnsupportedStreamError      a version or an identifier this release does not know
    │   ├── TruncatedStreamError        the stream ends too early
    │   ├── ChecksumError               a CRC-32 does not match
    │   └── CorruptStreamError          a field is outside its limits
    ├── PriorError                      exit code 5: the prior
    │   ├── PriorUnavailableError       unknown name, missing files
    │   └── PriorMismatchError          the stream was written with another prior
    ├── MetricUnavailableError          exit code 5: weights or a package of a metric are missing
    └── TargetError                     exit code 6: the target cannot be reached

    FreeGvcWarning
    ├── ColourWarning                   freegvc.video: the video does not say its colours
    ├── OutputWarning                   freegvc.video: the output cannot hold all there is
    ├── DriftWarning                    this decode differs visibly from the encoder's own
    └── TargetWarning                   a GOP is as near to its target as it gets, and not at it

Every message says what was wrong, the value, the limit, and what to do.
"""


class FreeGvcError(Exception):
    """Base of everything that freegvc raises on purpose."""

    exit_code = 1


class UsageError(FreeGvcError):
    """An argument is wrong, or arguments conflict."""

    exit_code = 2


class OutputExistsError(UsageError):
    """The output exists and overwriting was not asked for."""


class VideoError(FreeGvcError):
    """The input video cannot be used."""

    exit_code = 3


class VideoReadError(VideoError):
    """The video is missing, unreadable, empty, or its bytes do not fit its stated size."""


class UnsupportedVideoError(VideoError):
    """The video can be read, but is outside what freegvc supports."""


class StreamError(FreeGvcError):
    """The .fgvc stream cannot be used."""

    exit_code = 4


class NotAStreamError(StreamError):
    """The bytes do not begin with the magic of a freegvc stream."""


class UnsupportedStreamError(StreamError):
    """The stream uses a version or an identifier that this release does not know."""


class TruncatedStreamError(StreamError):
    """The stream ends before its last byte."""


class ChecksumError(StreamError):
    """A CRC-32 does not match the bytes it covers."""


class CorruptStreamError(StreamError):
    """A field of the stream is outside its limits."""


class PriorError(FreeGvcError):
    """The prior cannot be used."""

    exit_code = 5


class PriorUnavailableError(PriorError):
    """No prior of that name can be loaded here."""


class PriorMismatchError(PriorError):
    """The stream was written with another prior than the one at hand."""


class MetricUnavailableError(FreeGvcError):
    """A metric needs weights or a package that are not here and cannot be fetched."""

    exit_code = 5


class TargetError(FreeGvcError):
    """The target rate or quality cannot be reached."""

    exit_code = 6


class FreeGvcWarning(UserWarning):
    """Base of all warnings of freegvc."""


class DriftWarning(FreeGvcWarning):
    """The decoder's arithmetic has drifted from the encoder's by more than can be ignored."""


class TargetWarning(FreeGvcWarning):
    """A GOP's score misses its target by more than the tolerance."""
