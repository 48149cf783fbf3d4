"""Compress a clip with CogVideoX-2B on a GPU, and decode it again.

freegvc priors fetch cogvideox-2b        # once
python examples/compress_with_cogvideox.py clip.mp4 clip.fgvc back.mp4
"""

import argparse

import freegvc

parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
parser.add_argument("video")
parser.add_argument("stream")
parser.add_argument("decoded")
parser.add_argument("--prior", default="cogvideox-2b", help="a name, hub id, or local folder")
parser.add_argument("--target-bpp", type=float, default=0.01)
parser.add_argument("--device", default="cuda")
parser.add_argument("--offload", default="none", help="none, model or group: for smaller GPUs")
args = parser.parse_args()

# Loaded once and used for both ways; a decoder elsewhere needs only the file and the same weights.
prior = freegvc.load_prior(args.prior, device=args.device, offload=args.offload)
stream = freegvc.compress(args.video, target_bpp=args.target_bpp, prior=prior)
stream.save(args.stream, overwrite=True)
print(stream)

video = freegvc.decompress(args.stream, prior=prior)
video.save(args.decoded, overwrite=True)
print(f"{args.decoded}: {video.num_frames} frames")
