"""Compress a clip to one LPIPS in every GOP, and see what that took.

FREEGVC_METRIC_WEIGHTS=folder python examples/target_quality.py clip.mp4 --target 0.4

The weights of AlexNet are downloaded on first use; the variable names a folder that has them.
"""

import argparse

import freegvc
from freegvc import GopDone

parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
parser.add_argument("video")
parser.add_argument("--target", type=float, default=0.4, help="LPIPS (AlexNet) of every GOP")
parser.add_argument("--prior", default="freegvc-small")
args = parser.parse_args()


def show(event):
    if isinstance(event, GopDone):
        told = "" if event.reached else "  as near as this prior gets"
        print(
            f"GOP {event.gop}: LPIPS {event.score:.4f}, {event.num_bytes} bytes, "
            f"stopped at {event.stop_step}, {event.num_probes} probes{told}"
        )


print(freegvc.compress(args.video, target_lpips=args.target, prior=args.prior, on_event=show))
