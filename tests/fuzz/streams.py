"""Structure-aware hostile streams: fields at their extremes, spliced packets, valid CRCs.

A seed gives the same stream on every machine, so a failure is found again by its seed.
"""

import random
import zlib

from freegvc._video.gop_plan import GopPlan
from tests.attacks.attack_files import header, packet, payload_of, stream, timestamps, varint

MAX_BYTES, MAX_GENTLE_BYTES = 1 << 16, 1 << 12
EXTREMES = (0, 1, 2, 3, 4, 7, 8, 31, 32, 47, 48, 127, 128, 255, 256, 999, 1000, 1001)
LARGE = (4095, 4096, 4097, 16383, 16384, 16385, 65535, 65536, (1 << 20), (1 << 24), (1 << 32) - 1)
NAMES = (
    b"analytic",
    b"freegvc-small",
    b"wan",
    b"models/evil",
    b"../../etc",
    b"/etc/passwd",
    b"./evil",
    b"zai-org/CogVideoX-2b",
    b"-rf",
    b"..",
)


class Maker:
    """Makes one hostile stream.

    Args:
        seed: of everything that is drawn.
        fields: bytes of the header's fields of a stream that decodes.
        payloads: honest payloads to start from, those of each coder in the order of their ids.
        is_gentle: most streams stay close to honest ones, so that many are decoded to the end, and
            have few bytes, since each of them justifies some time.
    """

    def __init__(self, seed, fields, payloads, *, is_gentle=False):
        self._random = random.Random(seed)
        self._fields = dict(fields)
        self._payloads = payloads
        self._is_gentle = is_gentle
        self._max_bytes = MAX_GENTLE_BYTES if is_gentle else MAX_BYTES

    def __call__(self):
        """The bytes of the stream, at most 64 kB, or 4 kB for the whole decode."""
        r = self._random
        for _ in range(r.choice((0, 0, 1, 1) if self._is_gentle else (0, 1, 1, 1, 2, 3))):
            self._change_field()
        num_gops = self._num_gops() if r.random() < 0.9 else r.choice((0, 1, 2, 3, 100))
        packets = self._packets(min(max(num_gops, 0), self._max_bytes // 8))
        sections = () if self._is_gentle else self._sections()
        data = stream(header(**self._fields), packets, sections)
        if r.random() < (0.0 if self._is_gentle else 0.1):
            data = self._bytes(data)
        return data[: self._max_bytes]

    def _number(self):
        r = self._random
        kind = r.random()
        if kind < 0.6:
            return r.choice(EXTREMES)
        return r.choice(LARGE) if kind < 0.85 else r.randrange(1 << r.randint(1, 32))

    def _change_field(self):
        r = self._random
        name = r.choice(sorted(self._fields))
        if name == "prior":
            text = r.choice(NAMES)
            self._fields[name] = varint(len(text)) + text
        elif name == "fingerprint":
            self._fields[name] = r.randbytes(8)
        elif name in ("modes", "options", "more", "unusual"):
            self._change_options()
        elif name == "fusion":
            count = r.choice((0, 1, 2, 3, 255, 256))
            self._fields[name] = varint(count) + bytes(r.randrange(140) for _ in range(count))
        elif name == "frame_rate":
            self._fields[name] = varint(self._number()) + varint(r.choice((1, self._number())))
        else:
            self._fields[name] = varint(self._number())

    def _change_options(self):
        r = self._random
        modes = r.choice((0, 8)) | r.choice((0, 32)) | r.choice((0, 128))
        self._fields["modes"] = bytes((modes if self._is_gentle else r.randrange(256),))
        options, unusual = r.choice((0, r.randrange(5))), b""
        if r.random() < 0.3:
            options, unusual = options | 8, unusual + varint(self._number() or 1) + varint(1)
        if r.random() < 0.3:
            options, unusual = options | 16, unusual + r.randbytes(3)
        if r.random() < 0.5:
            tile = varint(self._number()) + varint(self._number()) + varint(self._number())
            options, unusual = options | 32, unusual + tile
        if r.random() < 0.3:
            options, unusual = options | 64, unusual + varint(self._number())
        more = b""
        if r.random() < 0.3:
            options, more = options | 128, r.choice((b"\2", b"\4", b"\6", r.randbytes(1)))
            unusual += b"" if more == b"\2" else varint(self._number())
        self._fields |= {"options": bytes((options,)), "more": more, "unusual": unusual}

    def _value(self, name):
        value = shift = 0
        for byte in self._fields[name]:
            value |= (byte & 0x7F) << shift
            shift += 7
        return value

    def _num_gops(self):
        frames, length, overlap = map(self._value, ("frames", "gop_length", "overlap"))
        if length <= overlap:
            return 1
        return GopPlan(
            frames, length, overlap, int(self._fields["more"] in (b"\4", b"\6"))
        ).num_gops

    def _bytes(self, data):
        """Some bytes changed, taken out, put in, or repeated."""
        r, out = self._random, bytearray(data)
        for _ in range(r.randint(1, 4)):
            place, length = r.randint(0, len(out)), r.randint(1, 8)
            kind = r.randrange(5)
            if kind == 0 and place < len(out):
                out[place] = r.choice((0, 255, r.randrange(256)))
            elif kind == 1:
                del out[place : place + length]
            elif kind == 2:
                out[place:place] = r.randbytes(length)
            elif kind == 3:
                out[place:place] = out[max(place - 50, 0) : place]
            else:
                del out[place:]
        return bytes(out)

    def _payload(self):
        r = self._random
        kind = r.choice((0, 0, 0, 3, 3, 4)) if self._is_gentle else r.randrange(8)
        coder = self._fields["modes"][0] >> 5 & 1
        honest = self._payloads[coder if self._is_gentle else r.randrange(2)]
        if kind <= 2:
            return r.choice(honest)
        if kind == 3:
            return self._bytes(r.choice(honest))
        if kind == 4:  # the start of one packet and the end of another
            first, second = r.choice(honest), r.choice(honest)
            cut = r.randint(0, len(first))
            return first[:cut] + second[cut:]
        if kind == 5:
            return r.randbytes(r.choice((0, 1, 8, 100)))
        if kind == 6:
            return bytes(r.choice((0, 1, 8, 1000)))
        steps = [(r.choice((0, 0, 0, 1, -1, 300)), r.choice((0, 0, 1, -1, -40, 100)))]
        return payload_of(steps * r.choice((1, 2, 30, 1100)))

    def _packets(self, count):
        r = self._random
        few = [self._payload() for _ in range(r.randint(1, 4))]
        packets, size = [], 0
        for gop in range(count):
            payload = r.choice(few) if size + 1000 < self._max_bytes else b""
            packets.append(packet(payload, gop if r.random() < 0.999 else gop + 1))
            size += len(payload) + 5
        return tuple(packets)

    def _sections(self):
        r, sections = self._random, []
        if r.random() < 0.15:
            raw = r.choice((b"\0\2" + bytes(4), bytes(6), r.randbytes(6), b"\xff" * 40, bytes(500)))
            sections.append((1, timestamps(raw)))
        if r.random() < 0.1:
            start = r.choice((b"\x1aE\xdf\xa3", b"", b"ffconcat version 1.0\nfile x\n"))
            sections.append((2, start + r.randbytes(r.choice((0, 30)))))
        if r.random() < 0.1:
            text = r.choice((b"fog", b"\x1b[2J", b"a" * 9000, b"\xff", b""))
            sections.append((3, zlib.compress(text)))
        if r.random() < 0.05:
            sections.append((r.choice((4, 127, 128, 255)), b"a remark"))
        return sections
