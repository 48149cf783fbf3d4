"""Sending n ~ N(delta, I) with about KL bits: public randomness and the coders that search it.

- Public randomness: ``philox`` and ``counter`` give random words by address, ``normals`` and
  ``uniforms`` make floats of them; ``normal_table`` is the table behind all normals.
- ``feistel`` and ``permutation`` spread the dims over blocks, ``num_blocks`` lists the numbers of
  blocks that a stream can represent, ``ring`` has the states of a ring of blocks.
- ``backend``: the heavy operations of all coders, in NumPy, in numba and in Triton.
- Coders: ``trellis`` and ``pfr`` (the paper's). Each package holds the coder and its shot, which is
  what a packet stores. ``names`` lists them, ``coders`` makes one by name.
- ``oracle`` repeats the coders in a few lines of plain NumPy, as a reference for the tests.

``names``, ``shot``, ``num_blocks`` and the coders' ``shot`` and ``index_law`` modules are the wire
form: the bitstream imports them, so they import neither torch nor numba.
"""
