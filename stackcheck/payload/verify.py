"""Report what one framework is and does in the interpreter that runs this.

Piped in before one `verify_<framework>.py`, with `main(load, build, gpus, train)` as the last line. The argument is
a JSON object; its `arguments` go to `load`.

The only line of standard output is a JSON object: `imported`, `version`, `cuda`, `cudnn`, `architectures`, `gpus`
(name and compute capability each), `libraries` (files mapped into the process), `distributions`, `training` (device,
first and last loss), `python`, `prefix`, and `errors` by stage. What could not be told is null. Nothing is judged
here.
"""

# mypy: ignore-errors

import faulthandler
import json
import os
import re
import sys

LIBRARIES = re.compile(
    r"lib(cuda|cudart|cudnn\w*|cublas\w*|nccl|cufft\w*|curand|cusolver\w*|cusparse\w*|nvrtc\w*|nvJitLink"
    r"|cupti|nvshmem\w*|tensorflow\w*|torch\w*)(-[0-9a-f]+)?\.so"
)
ROWS, COLUMNS, STEPS, RATE = 64, 8, 20, 0.05


def samples():
    """Rows of numbers between -1 and 1 from a fixed generator: no NumPy, the same everywhere."""
    state, rows = 12345, []
    for _ in range(ROWS):
        row = []
        for _ in range(COLUMNS):
            state = (1103515245 * state + 12345) % 2147483648
            row.append(state / 1073741824.0 - 1.0)
        rows.append(row)
    return rows


def mapped_libraries():
    """Return the files of CUDA's and the frameworks' libraries that the loader really took."""
    found = set()
    try:
        with open("/proc/self/maps") as stream:
            for line in stream:
                path = line.rstrip("\n").split(None, 5)[-1]
                if path.startswith("/") and LIBRARIES.match(os.path.basename(path)):
                    found.add(path)
    except OSError:
        return None
    return sorted(found)


def distributions():
    """Return the installed distributions by name, told from the names of their metadata folders."""
    found = {}
    for folder in sys.path:
        if not os.path.isdir(folder):
            continue
        for entry in os.listdir(folder):
            if entry.endswith((".dist-info", ".egg-info")) and "-" in entry:
                name, version = entry.rsplit(".", 1)[0].split("-")[:2]
                found.setdefault(name.lower().replace("_", "-").replace(".", "-"), version)
    return found


def observe(request, load, build, gpus, train):
    """Go through the stages; a stage that fails leaves its facts null and its message in `errors`."""
    facts = {
        "imported": False,
        "errors": {},
        "python": "%d.%d.%d" % sys.version_info[:3],
        "prefix": sys.prefix,
        "distributions": distributions(),
    }

    def attempt(stage, action, *arguments):
        try:
            return action(*arguments)
        except BaseException as error:
            facts["errors"][stage] = ("%s: %s" % (type(error).__name__, error))[:2000]
            return None

    framework = attempt("import", load, *request.get("arguments", []))
    if framework is not None:
        facts["imported"] = True
        facts["version"] = getattr(framework, "__version__", None)
        facts.update(attempt("build", build, framework) or {})
        facts["gpus"] = attempt("gpus", gpus, framework)
        rows = samples()
        wanted = [[sum(row)] for row in rows]
        trained = attempt("training", train, framework, rows, wanted, STEPS, RATE)
        if trained and trained[1]:
            facts["training"] = {
                "device": trained[0],
                "first": trained[1][0],
                "last": trained[1][-1],
            }
    facts["libraries"] = mapped_libraries()
    return facts


def main(load, build, gpus, train):
    """Answer on the standard output that was there at the start; what frameworks print goes to standard error.

    The process ends without finalisation, which some frameworks do not survive.
    """
    faulthandler.enable()
    answer = os.dup(1)
    os.dup2(2, 1)
    sys.path[:] = [folder for folder in sys.path if folder]
    line = json.dumps(observe(json.loads(sys.argv[1]), load, build, gpus, train)) + "\n"
    os.write(answer, line.encode("utf-8"))
    sys.stderr.flush()
    os._exit(0)
