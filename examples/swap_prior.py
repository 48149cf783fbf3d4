"""The same clip under several priors at one rate: what a better model is worth.

python examples/swap_prior.py clip.mp4 freegvc-small cogvideox-2b wan2.1-t2v-1.3b --device cuda
"""

import argparse
import time

import freegvc
from freegvc._video import load_video
from freegvc.metrics import psnr

parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
parser.add_argument("video")
parser.add_argument("priors", nargs="+", help="names, hub ids, or local folders")
parser.add_argument("--target-bpp", type=float, default=0.01)
parser.add_argument("--device", default="cpu")
args = parser.parse_args()

source = load_video(args.video)
print(f"{'prior':24} {'bytes':>8} {'bpp':>8} {'PSNR dB':>8} {'encode s':>9} {'decode s':>9}")
for name in args.priors:
    prior = freegvc.load_prior(name, device=args.device)
    began = time.perf_counter()
    stream = freegvc.compress(source, target_bpp=args.target_bpp, prior=prior)
    encoded = time.perf_counter()
    video = freegvc.decompress(stream, prior=prior)
    decoded = time.perf_counter()
    score = psnr(source.frames, video.frames).mean()
    seconds = f"{encoded - began:9.1f} {decoded - encoded:9.1f}"
    print(f"{name:24} {stream.num_bytes:8} {stream.bpp:8.4f} {score:8.2f} {seconds}")
