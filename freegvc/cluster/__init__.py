"""GOPs on the workers of a Ray cluster: one machine with several GPUs, or many machines.

`pip install 'freegvc[cluster]'` brings Ray; nothing here imports it before a `Workers` is made.
"""

from freegvc.cluster.compression import compress, compress_file
from freegvc.cluster.decompression import decode_frames, decompress, score
from freegvc.cluster.many_files import compress_files
from freegvc.cluster.workers import Workers

__all__ = [
    "Workers",
    "compress",
    "compress_file",
    "compress_files",
    "decode_frames",
    "decompress",
    "score",
]
