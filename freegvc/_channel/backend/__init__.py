"""The heavy operations of the channel coders: one interface, three backends, the same bits.

- ``interface`` says what a backend does: rows of normals, dealing and delivering the dims of a
  step, and the searches of the trellis.
- ``reference`` does it in plain NumPy, for the tests; ``cpu`` in numba (kernels in ``numba_noise``
  and ``numba_trellis``); ``cuda`` in Triton (kernels in ``triton_noise`` and ``triton_trellis``).
- ``choice`` gives the backend of a device.
"""
