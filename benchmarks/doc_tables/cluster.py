"""Tables of GOPs on workers: benchmarks/results/cluster.json."""

from __future__ import annotations

from benchmarks.doc_tables.table import DocTable, Row, listing, load, pivot

NAMES = {0: "one process", 1: "1 worker", 2: "2 workers"}


def cluster_speed() -> DocTable:
    """Seconds of the same GOPs on one process, one worker and two."""
    record = load("cluster.json")
    alone = {row["prior"]: row for row in record["speed"] if row["num_workers"] == 1}

    def gain(row: Row) -> str:
        busiest = max(row["worker_cpu_seconds"])
        return f"{max(alone[row['prior']]['worker_cpu_seconds']) / busiest:.2f}"

    def driver(row: Row) -> str:
        return f"{row['driver_cpu_seconds'] / row['num_gops']:.3f}" if row["num_workers"] else ""

    return listing(
        record["speed"],
        {
            "prior": "{prior}",
            "GOPs": "{num_gops}",
            "on": lambda row: NAMES[row["num_workers"]],
            "wall s": "{seconds:.1f}",
            "speed-up, wall": lambda row: f"{alone[row['prior']]['seconds'] / row['seconds']:.2f}",
            "CPU s of each worker": lambda row: ", ".join(
                f"{seconds:.1f}" for seconds in row["worker_cpu_seconds"]
            ),
            "speed-up, CPU": gain,
            "CPU s of the driver, a GOP": driver,
        },
        f"GOPs of {_gop(record['settings']['gop'])} to step {record['settings']['stop_step']}, one "
        f"thread each. {_when(record)}",
    )


def cluster_memory() -> DocTable:
    """The driver's memory by number of GOPs."""
    record = load("cluster.json")
    return listing(
        record["memory"],
        {
            "GOPs": "{num_gops}",
            "peak of the driver's own memory, MiB": "{peak_mib:.1f}",
            "median": "{median_mib:.1f}",
        },
        f"GOPs of {_gop(record['settings']['small_gop'])}, two workers; what the driver shares "
        f"with Ray's object store is left out. {_where(record)}",
    )


def cluster_driver() -> DocTable:
    """What the driver spends on a GOP of 480 lines."""
    record = load("cluster.json")
    parts = record["driver"]
    rows = [{"what": name, "ms": 1000.0 * seconds} for name, seconds in parts.items()]
    rows.append({"what": "together", "ms": 1000.0 * sum(parts.values())})
    names = {
        "read": "read 48 frames of 720x480 from an .mp4",
        "digest": "digest of the frames, for the journal",
        "put": "put them into the object store",
        "call": "call a worker and take the result",
        "journal": "keep the GOP in the journal",
    }
    return listing(
        rows,
        {"the driver": lambda row: names.get(row["what"], row["what"]), "ms a GOP": "{ms:.1f}"},
        f"One thread. {_where(record)}",
    )


def cluster_scale() -> DocTable:
    """The part of their time that workers would work, simulated."""
    record = load("cluster.json")
    return pivot(
        record["scale"],
        {"a GOP takes": lambda row: f"{row['task']:.1f} s"},
        lambda row: f"{row['num_workers']} GPUs",
        lambda row: f"{100.0 * row['busy']:.0f} %",
        f"Simulated with the {1000.0 * sum(record['driver'].values()):.0f} ms above and with "
        "CogVideoX-2B's times at 480p (docs/gpu.md). No such cluster was run.",
    )


def _gop(gop: list[int]) -> str:
    frames, height, width = gop
    return f"{frames} frames of {width}x{height}"


def _where(record: Row) -> str:
    return f"Prior {record['settings']['prior']}. {_when(record)}"


def _when(record: Row) -> str:
    note = record["settings"].get("note", "")
    return f"Measured {record['measured']} on {record['hardware']}. {note}".strip()


TABLES = {
    "cluster_driver": cluster_driver,
    "cluster_memory": cluster_memory,
    "cluster_scale": cluster_scale,
    "cluster_speed": cluster_speed,
}
