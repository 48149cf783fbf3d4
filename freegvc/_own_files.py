"""What freegvc's own files are called where another kind of file is needed."""

from pathlib import Path

STREAM_MAGIC = b"FGVC"
RECORDS_MAGIC = b"FGVJ"  # of journals and parts; their version follows
_NO_VIDEO = {
    STREAM_MAGIC: "is a freegvc stream, where a video is needed: decompress it first, or give the "
    "names in the other order",
    RECORDS_MAGIC: "is a part of a video or the journal of a run, where a video is needed: join "
    "parts with freegvc merge, and decompress the stream",
}


def why_no_video(path: Path) -> str | None:
    """What a file is that cannot be read as a video; None where its first bytes do not say."""
    if not path.is_file():
        return None
    with path.open("rb") as file:
        head = file.read(len(STREAM_MAGIC))
    return _NO_VIDEO.get(head) if head else "is empty (0 bytes): get the file again"
