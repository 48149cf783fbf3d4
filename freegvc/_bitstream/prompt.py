"""The section of the prompt: the text that conditions the prior."""

from __future__ import annotations

import zlib

from freegvc._bitstream.fields import inflate
from freegvc.errors import CorruptStreamError, UsageError

MAX_PROMPT_BYTES = 8192  # in UTF-8; text encoders read a few hundred tokens


def encode_prompt(prompt: str) -> bytes:
    """The section's payload.

    Raises:
        UsageError: the prompt is empty, too long or not Unicode text.
    """
    try:
        raw = prompt.encode("utf-8")
    except UnicodeEncodeError as error:
        raise UsageError(f"the prompt is not Unicode text ({error}); give plain text") from error
    if not 1 <= len(raw) <= MAX_PROMPT_BYTES:
        raise UsageError(
            f"the prompt has {len(raw)} bytes in UTF-8; a stream carries 1..{MAX_PROMPT_BYTES}: "
            "shorten it, or leave an empty one out"
        )
    return zlib.compress(raw, 9)


def decode_prompt(data: bytes) -> str:
    """The inverse of `encode_prompt`.

    Raises:
        CorruptStreamError: not one zlib stream of 1..8192 bytes of UTF-8.
    """
    what = "prompt section"
    raw = inflate(data, MAX_PROMPT_BYTES, what)
    if not raw:
        raise CorruptStreamError(f"{what}: it is empty and must be left out; get the file again")
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError as error:
        raise CorruptStreamError(f"{what}: not UTF-8 ({error}); get the file again") from error
