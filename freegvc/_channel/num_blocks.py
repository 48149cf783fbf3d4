"""The numbers of blocks that a stream can represent.

A number is stored as a class, which holds its leading bit and three mantissa bits, and as many
further mantissa bits as the coder wants.
"""

from __future__ import annotations

from freegvc.errors import UsageError

MAX_BLOCKS = 1 << 24
MAX_BLOCK_CLASS = 176  # the class of MAX_BLOCKS


def block_class(num_blocks: int, mantissa_bits: int = 3) -> int:
    """Class of a representable number of blocks: itself below 16, then three mantissa bits.

    The mantissa bits after the third are not part of the class; see `finer_blocks`.

    Args:
        num_blocks: a value of `round_num_blocks`.
        mantissa_bits: of the coder.

    Raises:
        UsageError: the number is not representable.
    """
    if not 0 <= num_blocks <= MAX_BLOCKS or num_blocks != round_num_blocks(
        num_blocks, mantissa_bits
    ):
        least = 1 << mantissa_bits
        raise UsageError(
            f"a step has {num_blocks} blocks; the stream holds 0..{2 * least - 1} and "
            f"({least}..{2 * least - 1}) * 2^e up to {MAX_BLOCKS}: use round_num_blocks"
        )
    if num_blocks < 16:
        return num_blocks
    exponent = num_blocks.bit_length() - 4
    return 8 * exponent + (num_blocks >> exponent)


def blocks_of_class(block_class: int) -> int:
    """Number of blocks of a class 0..MAX_BLOCK_CLASS."""
    if block_class < 16:
        return block_class
    return (8 + block_class % 8) << (block_class // 8 - 1)


def finer_blocks(block_class: int, mantissa_bits: int) -> tuple[int, int]:
    """The mantissa bits that follow a class.

    Args:
        block_class: 0..MAX_BLOCK_CLASS.
        mantissa_bits: of the coder.

    Returns:
        How many bits follow, and how many blocks one unit of them adds to `blocks_of_class`.
    """
    exponent = max(block_class // 8 - 1, 0)
    bits = min(mantissa_bits - 3, exponent)
    return bits, 1 << (exponent - bits)


def round_num_blocks(num_blocks: int, mantissa_bits: int = 3) -> int:
    """The nearest number of blocks that the stream can represent; a tie goes up.

    Args:
        num_blocks: any integer.
        mantissa_bits: of the coder.
    """
    exponent = max(num_blocks.bit_length() - 1 - mantissa_bits, 0)
    rounded = (num_blocks + (1 << exponent >> 1)) >> exponent << exponent
    return min(MAX_BLOCKS, max(0, rounded))
