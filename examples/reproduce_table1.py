"""Table I of Free-GVC for a prior and a dataset that you have.

python examples/reproduce_table1.py hevc-c /data/hevc cogvideox-2b --device cuda --out table1/
python examples/reproduce_table1.py clips - freegvc-small --out table1/ --quick    # no dataset

The paper's metrics (LPIPS, DISTS, FID, MS-SSIM), PSNR and ColorVideoVDP, at rates from 0.001 to
0.016 bpp; what cannot be computed here is said at the start. All options of
`python -m benchmarks table1` are handed on, such as

    --dtype bfloat16-int8 --offload model    a model larger than the GPU
    --coder pfr                              the paper's channel coder
    --rates 0.005 0.01 0.02 0.05 --range 0.005 0.05
    --codecs x265-ra vvenc-ra --anchor vvenc-ra    other baselines and another anchor

All codecs run on this machine; the paper's own numbers stand beside them in OUT/report.html.
"""

import argparse
import os
import subprocess
import sys
from pathlib import Path

parser = argparse.ArgumentParser(
    description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
)
parser.add_argument("dataset", help="hevc-b to hevc-e, uvg, mcl-jcv, clips, or folder")
parser.add_argument("root", help="the folder that the sequences lie in, at any depth; - for clips")
parser.add_argument("prior", help="a name from `freegvc priors list`, a hub id, or a folder")
parser.add_argument(
    "--out", required=True, help="folder for results; a stopped run continues there"
)
args, more = parser.parse_known_args()

command = [sys.executable, "-m", "benchmarks", "table1", "--dataset", args.dataset]
command += ["--prior", args.prior, "--out", args.out, *more]
if args.root != "-":
    command += ["--root", args.root]
# the benchmarks are not installed with the package; paths are relative to the caller's folder
repository = str(Path(__file__).resolve().parents[1])
paths = os.pathsep.join(filter(None, [repository, os.environ.get("PYTHONPATH")]))
environment = {**os.environ, "PYTHONPATH": paths}
sys.exit(subprocess.run(command, env=environment, check=False).returncode)
