"""The exceptions and warnings of freegvc.

    FreeGvcError
    ├── UsageError                      exit code 2: an argument is wrong, or arguments conflict
    │   └── OutputExistsError           the output exists and overwriting was not allowed
    ├── VideoError                      exit code 3: the input video
    │   ├── VideoReadError              missing, unreadable, empty, or of a size that does not fit
    │   └── UnsupportedVideoError       readable, but not supported (PQ, HLG, 12 bit)
    ├── StreamError                     exit code 4: the .fgvc stream
    │   ├── NotAStreamError             the magic is missing
    │   ├── UnsupportedStreamError      a version or an identifier unknown to this release
    │   ├── TruncatedStreamError        the stream ends too early
    │   ├── ChecksumError               a CRC-32 does not match
    │   ├── CorruptStreamError          a field is outside its limits
    │   └── LargeStreamError            it asks for more memory or work than its bytes justify
    ├── JournalError                    exit code 4: a journal or part is damaged, or incomplete
    │   └── JournalMismatchError        it is of another input, settings or prior
    ├── StudyError                      exit code 4: a file of a user study is damaged or incomplete
    │   └── StudyMismatchError          it is another file, or of another study
    ├── PriorError                      exit code 5: the prior
    │   ├── PriorUnavailableError       unknown name, missing files
    │   ├── PriorMismatchError          the stream was written with another prior
    │   └── OutOfMemoryError            it does not fit into the memory of its device
    ├── ClusterError                    exit code 1: workers were lost, or cannot be reached
    ├── MetricUnavailableError          exit code 5: weights or a package of a metric are missing
    └── TargetError                     exit code 6: the target cannot be reached

    FreeGvcWarning
    ├── ColourWarning                   the video does not state its colour matrix
    ├── InputWarning                    the input is damaged, incomplete, or was repaired
    ├── AudioWarning                    sound of the input is left out
    ├── OutputWarning                   the output cannot hold audio or timestamps
    ├── LeftoverWarning                 a run that was killed has left a temporary file
    ├── DriftWarning                    this decode differs visibly from the encoder's own
    ├── LargeStreamWarning              a stream just written is decoded only with allow_large
    └── TargetWarning                   the score of a GOP misses its target

Every message states what is wrong, the value, the limit, and what to do.
"""


class FreeGvcError(Exception):
    """Base of all exceptions that freegvc raises on purpose."""

    exit_code = 1


class UsageError(FreeGvcError):
    """An argument is wrong, or arguments conflict."""

    exit_code = 2


class OutputExistsError(UsageError):
    """The output exists and overwriting was not allowed."""


class VideoError(FreeGvcError):
    """The input video cannot be used."""

    exit_code = 3


class VideoReadError(VideoError):
    """The video is missing, unreadable, empty, or its bytes do not fit its stated size."""


class UnsupportedVideoError(VideoError):
    """The video can be read, but its kind is not supported."""


class StreamError(FreeGvcError):
    """The .fgvc stream cannot be used."""

    exit_code = 4


class NotAStreamError(StreamError):
    """The bytes do not begin with the magic of a freegvc stream."""


class UnsupportedStreamError(StreamError):
    """The stream uses a version or an identifier that is unknown to this release."""


class TruncatedStreamError(StreamError):
    """The stream ends before its last byte."""


class ChecksumError(StreamError):
    """A CRC-32 does not match the bytes it covers."""


class CorruptStreamError(StreamError):
    """A field of the stream is outside its limits."""


class LargeStreamError(StreamError):
    """The stream asks for far more memory or model calls than its bytes justify."""


class JournalError(FreeGvcError):
    """A journal, a part of a video, or a half-written folder of pictures cannot be used."""

    exit_code = 4


class JournalMismatchError(JournalError):
    """It was made of another input, with other settings, or with another prior."""


class StudyError(FreeGvcError):
    """A plan, an assignment or votes of a user study are damaged, incomplete or contradictory."""

    exit_code = 4


class StudyMismatchError(StudyError):
    """The file is of another kind, of another version, or of another study."""


class PriorError(FreeGvcError):
    """The prior cannot be used."""

    exit_code = 5


class PriorUnavailableError(PriorError):
    """No prior with that name can be loaded on this machine."""


class PriorMismatchError(PriorError):
    """The stream was written with a prior other than the loaded one."""


class OutOfMemoryError(PriorError):
    """The device has too little memory for the prior; the message names what takes less."""


class ClusterError(FreeGvcError):
    """The workers of a Ray cluster were lost too often, or the cluster cannot be reached."""

    exit_code = 1


class MetricUnavailableError(FreeGvcError):
    """A metric needs weights or a package that are missing and cannot be downloaded."""

    exit_code = 5


class TargetError(FreeGvcError):
    """The target rate or quality cannot be reached."""

    exit_code = 6


class FreeGvcWarning(UserWarning):
    """Base of all warnings of freegvc."""


class ColourWarning(FreeGvcWarning):
    """The colour of a video was guessed."""


class InputWarning(FreeGvcWarning):
    """The input video is damaged or incomplete, or its timestamps were repaired.

    With `strict_input` (`--strict-input`) it is a VideoReadError instead.
    """


class AudioWarning(FreeGvcWarning):
    """Sound of the input video is left out of the stream."""


class OutputWarning(FreeGvcWarning):
    """The output format cannot hold something that the video has."""


class LeftoverWarning(FreeGvcWarning):
    """A run that was killed while it wrote this output has left a temporary file."""


class DriftWarning(FreeGvcWarning):
    """The decoder's arithmetic has drifted visibly from the encoder's."""


class LargeStreamWarning(FreeGvcWarning):
    """A stream that was just written is decoded only with `allow_large`."""


class TargetWarning(FreeGvcWarning):
    """A GOP's score misses its target by more than the tolerance."""
