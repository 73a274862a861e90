"""Run programs of other people in both libraries and compare their losses.

python compare.py CHECKOUTS [NAME ...]

CHECKOUTS is a folder with clones of the repositories that the catalogue names (`git clone
https://github.com/karpathy/nanoGPT` and so on); those that are not there are skipped. Needs PyTorch;
some programs need einops and their own other requirements.
"""

# ruff: noqa: SIM905  (command lines stand as one types them)
from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
ENGINE = HERE.parents[2] / "engine"
WORDS = "the cat sat on a mat and the dog ran to a blue house under one wide sky"

# name -> steps, program in the folder of checkouts, arguments. drive.py's programs begin with "drive".
CATALOGUE: dict[str, tuple[int, str, list[str]]] = {
    "mnist": (15, "examples/mnist/main.py", []),
    "mnist_rnn": (24, "examples/mnist_rnn/main.py", []),
    "mnist_forward_forward": (60, "examples/mnist_forward_forward/main.py", ["--epochs", "6"]),
    "dcgan": (
        12,
        "examples/dcgan/main.py",
        "--dataset fake --batchSize 8 --ngf 16 --ndf 16 --manualSeed 1".split(),
    ),
    "vae": (12, "examples/vae/main.py", ["--epochs", "1"]),
    "siamese_network": (6, "examples/siamese_network/main.py", ["--epochs", "1"]),
    "regression": (100, "examples/regression/main.py", []),
    "reinforce": (5, "examples/reinforcement_learning/reinforce.py", []),
    "actor_critic": (5, "examples/reinforcement_learning/actor_critic.py", []),
    "imagenet": (
        3,
        "examples/imagenet/main.py",
        "--dummy -a resnet18 -b 8 --epochs 1 -j 0".split(),
    ),
    **{
        f"word_language_model {model}": (
            15,
            "examples/word_language_model/main.py",
            f"--data WORDS --model {model} --emsize 32 --nhid 32 --nlayers 2 --bptt 12 --batch_size 8 "
            "--dropout 0 --lr 2 --epochs 1 --save model.pt".split(),
        )
        for model in ("LSTM", "GRU", "RNN_TANH", "RNN_RELU", "Transformer")
    },
    "nanoGPT train.py": (
        12,
        "nanoGPT/train.py",
        "--dataset=tokens --eval_iters=2 --eval_interval=6 --log_interval=1 --block_size=32 --batch_size=4 --n_layer=2 "
        "--n_head=4 --n_embd=64 --max_iters=10 --lr_decay_iters=10 --dropout=0.1 --device=cpu --compile=False".split(),
    ),
    "makemore": (12, "makemore/makemore.py", "--max-steps 10 -i WORDS/names.txt --batch-size 8 --num-workers 0 --n-embd 32 --n-embd2 32".split()),
    "micrograd": (50, "drive", ["micrograd", "micrograd"]),
    "nanoGPT": (50, "drive", ["nanoGPT", "nanogpt"]),
    "minGPT": (50, "drive", ["minGPT", "mingpt"]),
    "llama2.c": (50, "drive", ["llama2.c", "llama2"]),
    "Pytorch-UNet": (50, "drive", ["Pytorch-UNet", "unet"]),
    "Pytorch-UNet bilinear": (50, "drive", ["Pytorch-UNet", "unet", "bilinear"]),
    "LoRA": (50, "drive", ["LoRA", "lora"]),
    "annotated-transformer": (50, "drive", ["annotated-transformer", "annotated"]),
    "fast_neural_style": (50, "drive", ["examples/fast_neural_style", "style"]),
    "super_resolution": (50, "drive", ["examples/super_resolution", "espcn"]),
    "image_captioning": (
        50,
        "drive",
        ["pytorch-tutorial/tutorials/03-advanced/image_captioning", "captions"],
    ),
    "denoising-diffusion": (50, "drive", ["denoising-diffusion-pytorch", "diffusion"]),
    "x-transformers": (50, "drive", ["x-transformers", "transformers"]),
    **{
        f"pytorch-cifar {name}": (50, "drive", ["pytorch-cifar", "cifar", name])
        for name in ("LeNet", "ResNet18", "MobileNetV2", "SENet18", "ShuffleNetG2", "DenseNet121", "EfficientNetB0")
    },
    **{
        f"vit-pytorch {module}": (50, "drive", ["vit-pytorch", "vit", module, cls])
        for module, cls in (
            ("vit", "ViT"),
            ("simple_vit", "SimpleViT"),
            ("vit_for_small_dataset", "ViT"),
            ("deepvit", "DeepViT"),
            ("cait", "CaiT"),
            ("cct", "CCT"),
            ("rvt", "RvT"),
        )
    },
    **{
        f"pytorch-tutorial {part}": (12, f"pytorch-tutorial/tutorials/{part}/main.py", [])
        for part in (
            "01-basics/linear_regression",
            "01-basics/logistic_regression",
            "01-basics/feedforward_neural_network",
            "02-intermediate/convolutional_neural_network",
            "02-intermediate/recurrent_neural_network",
            "02-intermediate/bidirectional_recurrent_neural_network",
            "02-intermediate/deep_residual_network",
            "03-advanced/generative_adversarial_network",
            "03-advanced/variational_autoencoder",
        )
    },
}  # fmt: skip


def write_words(folder: Path) -> None:
    """Write a small corpus, a list of names, and tokens as nanoGPT reads them."""
    import numpy as np

    rng = np.random.default_rng(0)
    words = WORDS.split()
    for name, count in (("train", 400), ("valid", 20), ("test", 20)):
        lines = [" ".join(rng.choice(words, 12)) for _ in range(count)]
        (folder / f"{name}.txt").write_text("\n".join(lines) + "\n")
    names = ["".join(rng.choice(list("abcdefgh"), rng.integers(3, 9))) for _ in range(2_000)]
    (folder / "names.txt").write_text("\n".join(names) + "\n")


def write_tokens(folder: Path) -> None:
    """Write tokens as nanoGPT reads them."""
    import numpy as np

    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(0)
    for name in ("train", "val"):
        rng.integers(0, 65, 5_000).astype(np.uint16).tofile(folder / f"{name}.bin")
    (folder / "meta.pkl").unlink(missing_ok=True)


def losses_of(library: str, steps: int, program: Path, arguments: list[str], work: Path) -> tuple[list[float], str]:  # fmt: skip
    """Return the losses of a program, and what it said where it failed."""
    file = work / f"{library}.json"
    path = os.pathsep.join([str(ENGINE), os.environ.get("PYTHONPATH", "")])
    done = subprocess.run(
        [sys.executable, str(HERE / "stage.py"), library, str(file), str(steps), str(program), *arguments],
        cwd=work, env={**os.environ, "PYTHONPATH": path}, capture_output=True, text=True, check=False, timeout=1200,
    )  # fmt: skip
    return (
        (json.loads(file.read_text()), "")
        if file.exists()
        else ([], done.stderr.strip().splitlines()[-1])
    )


def compare(name: str, checkouts: Path) -> str:
    """Return one line: how far the losses lie apart, or why there are none."""
    steps, program, arguments = CATALOGUE[name]
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        write_words(work)
        write_tokens(work / "data" / "tokens")
        if program == "drive":
            place = checkouts / arguments[0]
            path, arguments = HERE / "drive.py", [str(place), *arguments[1:]]
        else:
            path = place = checkouts / program
        if not place.exists():
            return "skipped: no checkout"
        for module in path.parent.glob("*.py"):
            (work / module.name).symlink_to(module)
        given = [a.replace("WORDS", str(work)) for a in arguments]
        theirs, why = losses_of("torch", steps, path, given, work)
        if why or not theirs:
            return f"skipped: PyTorch itself: {why or 'no losses'}"
        ours, why = losses_of("stackgrad", steps, path, given, work)
    if why or len(ours) != len(theirs):
        return f"FAILED: {why or f'{len(ours)} losses for {len(theirs)}'}"
    worst = max(abs(a - b) / max(abs(a), 1e-6) for a, b in zip(theirs, ours, strict=True))
    return f"{'ok' if worst <= 1e-4 else 'APART'}: {len(ours)} losses, at most {worst:.1e} apart"


def main() -> None:
    """Compare the programs that the command line names, or all."""
    checkouts, *names = sys.argv[1:]
    for name in names or CATALOGUE:
        sys.stdout.write(f"{name:45} {compare(name, Path(checkouts).resolve())}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
