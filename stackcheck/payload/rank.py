"""One rank of a data-parallel training whose answer is known, whoever started it.

Run as `PYTHON -c TEXT REQUEST` with this text, once per rank. It uses `torch`, or `stackgrad` in its place, and
nothing else; Python 3.7 syntax. Lines of JSON go to standard output, each with the rank that it comes from:
`started`, `joined`, `computed` and `reduced` of each step, at last `result`, or `failed` where something is raised;
rank 0 also tells the `row` of each rank and the last `weights`.

The request: `library` (`torch` or `stackgrad`), `device` (`auto`, `cpu` or `cuda`), `backend` (`auto`, `nccl`, `gloo`
or `mpi`), `steps`, `seconds` (how long a collective may take), `megabytes` of the bandwidth's buffer, and, where
nobody else says so, `master` and `port`; `meeting`, a file in which ranks of one machine find each other.

Data and first weights follow from the rank alone, so whoever reads the lines knows what is right: the sum of the
all-reduced integers, the gradient of each rank's shard, and the losses and last weights of one process that trains on
the joined batch. All ranks must end with the same weights, bit for bit.
"""

# mypy: ignore-errors
# ruff: noqa: B905, D102 (`strict` of zip is newer than Python 3.7)

import hashlib
import importlib
import json
import os
import re
import socket
import struct
import subprocess
import sys
import time
from datetime import timedelta

FEATURES, HIDDEN, ROWS = 32, 64, 32
RATE = (
    0.1  # at twice that the losses rise now and then, and rounding is amplified beyond comparison
)
RANKS = (
    "RANK",
    "SLURM_PROCID",
    "OMPI_COMM_WORLD_RANK",
    "PMI_RANK",
    "PMIX_RANK",
    "JOB_COMPLETION_INDEX",
)
WORLDS = "WORLD_SIZE", "SLURM_NTASKS", "OMPI_COMM_WORLD_SIZE", "PMI_SIZE"
LOCALS = "LOCAL_RANK", "SLURM_LOCALID", "OMPI_COMM_WORLD_LOCAL_RANK", "MPI_LOCALRANKID"


def number(names, default=None):
    """Return the first of these variables that is set, as a number."""
    for name in names:
        if os.environ.get(name, "").isdigit():
            return int(os.environ[name])
    return default


def draw(seed, count):
    """Return `count` numbers in [-1, 1), the same on every machine: the 64-bit linear congruence of Knuth's MMIX."""
    state, numbers = 2 * seed + 1, []
    for _ in range(count + 4):
        state = (6364136223846793005 * state + 1442695040888963407) % 2**64
        numbers.append((state >> 40) / 2.0**23 - 1)
    return numbers[4:]


def product(shape):
    """Return how many elements a shape has (`math.prod` is newer than Python 3.7)."""
    count = 1
    for length in shape:
        count *= length
    return count


def first_address():
    """Return the address of the first node of this Slurm step; None elsewhere."""
    nodes = os.environ.get("SLURM_STEP_NODELIST")
    if not nodes:
        return None
    first = scontrol("hostnames", nodes).split()[0]
    found = re.search(r"NodeAddr=(\S+)", scontrol("node", first))
    return found.group(1) if found else first


def scontrol(kind, name):
    """Return what `scontrol show` prints."""
    command = ["scontrol", "show", kind, name]
    return subprocess.run(command, stdout=subprocess.PIPE, check=True, timeout=20).stdout.decode()


class Training:
    """A perceptron of one hidden layer on seeded data, with gradients as one flat tensor."""

    def __init__(self, library, device, world):
        self.library, self.device, self.world = library, device, world
        self.shapes = (FEATURES, HIDDEN), (HIDDEN,), (HIDDEN, 1), (1,)
        size = sum(product(shape) for shape in self.shapes)
        self.start = self.place([0.2 * each for each in draw(7, size)])
        self.wanted = self.place(draw(11, FEATURES)).reshape(FEATURES, 1)

    def place(self, numbers):
        return self.library.tensor(numbers, dtype=self.library.float32, device=self.device)

    def data(self, rank):
        """Return inputs (ROWS, FEATURES) and targets (ROWS, 1) of one rank's shard."""
        inputs = self.place(draw(1000 + rank, ROWS * FEATURES)).reshape(ROWS, FEATURES)
        return inputs, self.library.sin(inputs @ self.wanted)

    def gradient(self, weights, inputs, targets):
        """Return loss and gradient as one flat tensor, the loss last."""
        leaf = weights.detach().clone().requires_grad_()
        parts, at = [], 0
        for shape in self.shapes:
            size = product(shape)
            parts.append(leaf[at : at + size].reshape(shape))
            at += size
        hidden = self.library.tanh(inputs @ parts[0] + parts[1])
        loss = ((hidden @ parts[2] + parts[3] - targets) ** 2).mean()
        loss.backward()
        return self.library.cat([leaf.grad, loss.detach().reshape(1)])


class Rank:
    """This process among the others."""

    def __init__(self, request):
        self.request = request
        self.rank, self.world = number(RANKS, 0), number(WORLDS, 1)
        self.node = (
            os.environ.get("SLURMD_NODENAME") or os.environ.get("NODE_NAME") or socket.gethostname()
        )
        self.output = os.fdopen(os.dup(1), "w")
        os.dup2(2, 1)  # what libraries print must not come between

    def tell(self, event, **facts):
        facts.update(event=event, rank=self.rank, node=self.node)
        self.output.write(json.dumps(facts) + "\n")
        self.output.flush()

    def join(self):
        """Load the library, choose the device, and meet the others."""
        self.library = importlib.import_module(self.request["library"])
        self.dist = importlib.import_module(self.request["library"] + ".distributed")
        self.device, gpu = self.choose_device()
        backend = self.request["backend"]
        if backend == "auto":
            backend = (
                "nccl"
                if self.device != "cpu"
                else "gloo"
                if self.request["library"] == "torch"
                else "mpi"
            )
        os.environ.setdefault("RANK", str(self.rank))
        os.environ.setdefault("WORLD_SIZE", str(self.world))
        os.environ.setdefault(
            "MASTER_ADDR", self.request.get("master") or first_address() or "127.0.0.1"
        )
        os.environ.setdefault("MASTER_PORT", str(self.request.get("port") or 29400))
        self.tell("started", pid=os.getpid(), backend=backend)
        meeting = self.request.get("meeting")
        where = (
            {"init_method": "file://" + meeting}
            if meeting and self.request["library"] == "torch"
            else {}
        )
        self.dist.init_process_group(
            backend,
            timeout=timedelta(seconds=self.request["seconds"]),
            rank=self.rank,
            world_size=self.world,
            **where,
        )
        self.tell(
            "joined",
            world=self.world,
            backend=backend,
            device=self.device,
            gpu=gpu,
            version=str(self.library.__version__),
        )

    def choose_device(self):
        """Return the device and its name; a GPU that is there and cannot be used is an error, never the CPU."""
        cuda = self.library.cuda.is_available()
        there = os.path.exists("/dev/nvidiactl") or os.path.exists("/dev/dxg")
        asked = self.request["device"]
        if not cuda and (asked == "cuda" or (asked == "auto" and there)):
            raise RuntimeError(
                "%s cannot use this machine's GPU: cuda.is_available() is False"
                % self.request["library"]
            )
        if asked == "cpu" or not cuda:
            return "cpu", None
        index = number(LOCALS, self.rank) % self.library.cuda.device_count()
        self.library.cuda.set_device(index)
        return "cuda:%d" % index, self.library.cuda.get_device_name(index)

    def wait(self):
        if self.device != "cpu":
            self.library.cuda.synchronize()

    def gather(self, numbers):
        """Return the rows of all ranks, exact: 64-bit floats travel as they are."""
        own = self.library.tensor(numbers, dtype=self.library.float64, device=self.device)
        rows = [self.library.zeros_like(own) for _ in range(self.world)]
        self.dist.all_gather(rows, own)
        return [row.tolist() for row in rows]

    def reduce_integers(self):
        """All-reduce numbers whose sum is known; returns the first wrong place (or None) and bytes per second.

        What the slowest link carries is 2 (n - 1) / n of the buffer, as in nccl-tests.
        """
        count = int(self.request["megabytes"] * 2**20 / 4)
        pattern = self.library.arange(count, dtype=self.library.float32, device=self.device) % 251
        expected = pattern * self.world + self.world * (self.world - 1) // 2
        fastest = float("inf")
        for _ in range(5):
            buffer = pattern + self.rank
            self.wait()
            began = time.perf_counter()
            self.dist.all_reduce(buffer)
            self.wait()
            fastest = min(fastest, time.perf_counter() - began)
            wrong = (buffer != expected).nonzero()
            if len(wrong):
                return int(wrong[0][0]), None
        return None, 4 * count * 2 * (self.world - 1) / self.world / fastest

    def train(self):
        """Train together, telling each step; returns what is told of this rank at the end.

        No line is long: schedulers mix the lines of ranks that are longer than their buffers.
        """
        training = Training(self.library, self.device, self.world)
        own = training.data(self.rank)
        weights, seconds = training.start, []
        for step in range(1, self.request["steps"] + 1):
            began = time.perf_counter()
            found = training.gradient(weights, *own)
            self.wait()
            seconds.append(time.perf_counter() - began)
            if step == 1:
                prints = fingerprint(found)
            self.tell("computed", step=step)
            self.dist.all_reduce(found)
            self.wait()
            found = found / self.world
            self.tell("reduced", step=step, loss=float(found[-1]))
            weights = weights - RATE * found[:-1]
        wrong, rate = self.reduce_integers()
        seconds.sort()
        told = {
            "print_norm": prints[0],
            "print_sum": prints[1],
            "digest": digest(weights),
            "step_seconds": seconds[len(seconds) // 2],
            "wrong_element": -1.0 if wrong is None else float(wrong),
            "bytes_per_second": rate or 0.0,
        }
        names = sorted(told)
        rows = self.gather([told[name] for name in names])
        if self.rank == 0:
            for rank, row in enumerate(rows):
                self.tell("row", of=rank, **dict(zip(names, row)))
            values = weights.tolist()
            for at in range(0, len(values), 32):
                self.tell("weights", values=values[at : at + 32])
        return told


def fingerprint(flat):
    """Return two numbers that tell one gradient from another: its length and its weighted sum."""
    values = flat.double()
    return [float((values * values).sum()) ** 0.5, float((values * (1 + values.abs()).log()).sum())]


def digest(flat):
    """Return 48 bits of the SHA-256 of the weights' bytes, which a 64-bit float holds exactly."""
    numbers = flat.cpu().tolist()
    content = hashlib.sha256(struct.pack("%df" % len(numbers), *numbers)).hexdigest()
    return float(int(content[:12], 16))


def run(request):
    """Join, train, tell. The verdict is what is told, not the exit status: teardown of several libraries fails."""
    rank = Rank(request)
    try:
        rank.join()
        rank.tell("result", **rank.train())
        rank.dist.barrier()
    except BaseException as error:
        said = str(error).strip().split("\n")[0][:500]
        rank.tell("failed", message="%s: %s" % (type(error).__name__, said))
        sys.stderr.flush()
        os._exit(1)
    sys.stderr.flush()
    os._exit(0)


if __name__ == "__main__":
    run(json.loads(sys.argv[1]))
