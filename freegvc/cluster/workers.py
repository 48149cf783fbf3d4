"""Workers: processes of a Ray cluster that hold a prior, and the calls that are under way on them.

Ray starts the processes, moves frames and results, and starts a process anew when it dies. What is
left to do here is to keep one call at each worker, and to make a call once more if it was lost.
"""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass, field
from typing import Any, Self

from freegvc.cluster.connection import LOCAL, check_ray, connect, first_line
from freegvc.errors import ClusterError, FreeGvcError, UsageError

RETRIES = 3
AHEAD = 2  # calls for each worker that may be waiting or done out of turn


@dataclass
class Call:
    """A call of a worker's method.

    Attributes:
        about: what it works on, such as "GOP 7", for messages.
        method, arguments: of the worker; large ones are references, as `Workers.put` returns them.
        tag: whatever the caller knows it by.
        owner: who submitted it, where several do.
        num_lost: how often it was lost with its worker.
    """

    about: str
    method: str
    arguments: tuple[Any, ...]
    tag: Any = None
    owner: object = None
    num_lost: int = field(default=0, init=False)


class Workers:
    """Processes of a Ray cluster that code and decode GOPs.

        with freegvc.cluster.Workers() as workers:
            freegvc.cluster.compress("a.mp4", workers=workers, target_bpp=0.02).save("a.fgvc")
            freegvc.cluster.compress("b.mp4", workers=workers, target_bpp=0.02).save("b.fgvc")

    Each worker loads the prior once and keeps it.

    Args:
        address: "auto", or "host:port" of a Ray cluster; "local" starts Ray on this machine. In a
            process that has called `ray.init`, its cluster is used whatever this says.
        num_workers: how many; by default as many as there are GPUs, or CPU cores if `gpus` is 0,
            for.
        gpus: GPUs of each, such as 1, or 0.25 for four workers with a small prior on a GPU.
        cpus: CPU cores of each, and threads that it computes with.
        retries: how often a GOP may be lost with its worker, and a worker be started anew.

    Raises:
        UsageError: Ray is not installed, a value is out of range, or the cluster has no room for a
            single worker.
        ClusterError: the cluster cannot be reached.
    """

    def __init__(
        self,
        address: str = LOCAL,
        *,
        num_workers: int | None = None,
        gpus: float = 0.0,
        cpus: int = 1,
        retries: int = RETRIES,
    ) -> None:
        check_ray()
        for name, value, least in (("num_workers", num_workers, 1), ("cpus", cpus, 1)):
            if value is not None and value < least:
                raise UsageError(f"{name} is {value}, but must be {least} or more")
        if not 0 <= gpus < math.inf or retries < 0:
            raise UsageError(f"gpus is {gpus} and retries {retries}: both must be 0 or more")
        if gpus > 1 and gpus != int(gpus):
            raise UsageError(f"gpus is {gpus}, but must be whole, or a fraction of one")
        self.gpus, self.cpus, self.retries = gpus, cpus, retries
        self._ray, self._is_ours = connect(address)
        self._running: dict[Any, tuple[Any, Call | None]] = {}  # reference: (worker, call)
        self._waiting: deque[Call] = deque()
        self._idle: list[Any] = []
        try:
            is_fixed = self._is_ours and address == LOCAL  # other clusters may grow
            room = self._room() if num_workers is None or is_fixed else num_workers
            self.num_workers = room if num_workers is None else num_workers
            for _ in range(self.num_workers):
                self._start()
        except BaseException:
            self.close()
            raise

    @property
    def device(self) -> str:
        """Where a worker's prior runs."""
        return "cuda" if self.gpus else "cpu"

    @property
    def num_ahead(self) -> int:
        """How many calls keep all workers busy."""
        return AHEAD * self.num_workers

    @property
    def num_calls(self) -> int:
        """Calls that were submitted and not taken."""
        return len(self._waiting) + sum(call is not None for _, call in self._running.values())

    def put(self, value: Any) -> Any:
        """Put a large argument into Ray's object store, which frees it with its last reference."""
        return self._ray.put(value)

    def submit(self, call: Call) -> None:
        """Make a call when a worker is free."""
        self._waiting.append(call)
        self._hand_out()

    def take(self) -> tuple[Call, Any]:
        """Wait for any call to end.

        Returns:
            The call and its result, which is a FreeGvcError if the call has failed or was lost too
            often; what it was about is named.

        Raises:
            ClusterError: no worker is left.
        """
        while True:
            if not self._running:
                raise ClusterError("no worker is left: each has died too often; see Ray's logs")
            (reference,), _ = self._ray.wait(list(self._running), num_returns=1)
            worker, call = self._running.pop(reference)
            try:
                result = self._ray.get(reference)
            except self._ray.exceptions.RayTaskError as error:
                result = _named(call, error)
            except self._ray.exceptions.RayError as error:
                given_up = self._lose(worker, call, error)
                if given_up is None or call is None:
                    continue
                return call, given_up
            self._idle.append(worker)
            self._hand_out()
            if call is not None:
                return call, result

    def call(self, about: str, method: str, *arguments: Any) -> Any:
        """Make one call and wait for it; no other may be under way."""
        self.submit(Call(about, method, arguments))
        result = self.take()[1]
        if isinstance(result, FreeGvcError):
            raise result
        return result

    def forget(self, owner: object) -> None:
        """Do not make those calls of an owner that no worker has begun."""
        self._waiting = deque(call for call in self._waiting if call.owner is not owner)

    def pids(self) -> list[int]:
        """Process ids of the workers, once all of them are there."""
        workers = [*self._idle, *(worker for worker, _ in self._running.values())]
        found: list[int] = self._ray.get([_surely_ready(worker) for worker in workers])
        return found

    def abandon(self) -> None:
        """Forget all calls; those that run end with their workers, which others replace."""
        self._waiting.clear()
        for reference, (worker, call) in list(self._running.items()):
            if call is not None:
                self._ray.kill(worker, no_restart=True)
                del self._running[reference]
                self._start()

    def close(self) -> None:
        """End the workers, and Ray or the connection to it if it was made for them."""
        if self._is_ours:
            self._ray.shutdown()
            return
        for worker in [*self._idle, *(worker for worker, _ in self._running.values())]:
            self._ray.kill(worker, no_restart=True)
        self._idle, self._running = [], {}
        self._waiting.clear()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def _room(self) -> int:
        """How many workers the cluster has room for now."""
        resources = self._ray.available_resources()
        room = int(resources.get("CPU", 0) / self.cpus)
        if self.gpus:
            per_gpu = int(1 / self.gpus) if self.gpus <= 1 else 1 / self.gpus
            room = min(room, int(resources.get("GPU", 0) * per_gpu))
        if room < 1:
            raise UsageError(
                f"the cluster has room for {resources.get('CPU', 0):g} CPU cores and "
                f"{resources.get('GPU', 0):g} GPUs, too few for one worker with {self.cpus} and "
                f"{self.gpus:g}: ask for less"
            )
        return room

    def _start(self) -> None:
        """Start a worker, which is idle once it has answered: it may have to wait for room."""
        from freegvc.cluster.worker import Worker

        actor = self._ray.remote(Worker).options(
            num_cpus=self.cpus, num_gpus=self.gpus, max_restarts=self.retries
        )
        worker = actor.remote(self.cpus)
        self._running[worker.ready.remote()] = worker, None

    def _hand_out(self) -> None:
        while self._waiting and self._idle:
            worker, call = self._idle.pop(), self._waiting.popleft()
            self._began(call)
            self._running[getattr(worker, call.method).remote(*call.arguments)] = worker, call

    def _began(self, call: Call) -> None:
        """A call goes to a worker; a place for tests and measurements to listen."""

    def _lose(self, worker: Any, call: Call | None, error: Exception) -> ClusterError | None:
        """Make a lost call once more, and let its worker be started anew.

        Returns:
            The error, if the call was lost too often.
        """
        if call is None:  # it did not come back: the others go on
            return None
        # answers once the worker is back
        self._running[_surely_ready(worker)] = worker, None
        call.num_lost += 1
        if call.num_lost > self.retries:
            return ClusterError(
                f"{call.about} was lost {call.num_lost} times, each time with its worker: "
                f"{first_line(error)}; a worker may need more memory than it has"
            )
        self._waiting.appendleft(call)
        self._hand_out()
        return None


def _surely_ready(worker: Any) -> Any:
    """A reference that is there once a worker is, even if it is being started anew."""
    return worker.ready.options(max_task_retries=-1).remote()


def _named(call: Call | None, error: Any) -> FreeGvcError:
    """What a worker has raised, with what it was about; a bug of ours keeps its traceback."""
    about, cause = "a worker" if call is None else call.about, error.cause
    if isinstance(cause, FreeGvcError):
        text = str(cause)
        return type(cause)(text if text.startswith(about) else f"{about}: {text}")
    return ClusterError(f"{about} failed on a worker: {type(cause).__name__}: {cause}")
