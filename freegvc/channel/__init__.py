"""Sending n ~ N(delta, I) with about KL bits: shared randomness and the coders that search it.

The story, in the order of the files: ``counter`` (random words by address), ``normals`` (words to
exact float32 normals), ``permutation`` and ``blocks`` (dims to blocks of equal energy), ``search``
(one matrix product for all blocks of a step), ``pfr`` (the paper's coder), ``viterbi`` and
``trellis`` (the coder that costs less). ``oracle`` says the same in a few lines of NumPy;
``kernels`` are the numba twins for the CPU.
"""
