"""The commands that tests end early, each with its output."""

QUICK = ["--prior", "analytic", "--gop-length", "5", "--overlap", "2", "--stop-step", "950"]


def commands(clip, stream, folder):
    """Name of a command: (its arguments, its output)."""
    return {
        "compress": (["compress", clip, folder / "a.fgvc", *QUICK], "a.fgvc"),
        "truncate": (["truncate", stream, folder / "b.fgvc", "--stop-step", "950"], "b.fgvc"),
        "mp4": (["decompress", stream, folder / "c.mp4"], "c.mp4"),
        "mkv": (["decompress", stream, folder / "d.mkv"], "d.mkv"),
        "y4m": (["decompress", stream, folder / "e.y4m"], "e.y4m"),
        "png": (["decompress", stream, folder / "f"], "f"),
        "score": (
            ["score", clip, stream, "--metrics", "psnr", "--plot", folder / "g.png"],
            "g.png",
        ),
    }
