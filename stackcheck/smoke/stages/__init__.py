"""The stages, from the bottom of the stack up. The functions are imported by the worker alone."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["STAGES", "Stage", "stage_named", "stages_of", "stages_of_several"]


@dataclass(frozen=True)
class Stage:
    """One stage: the layer it speaks for, and how long it may take before it counts as hung."""

    name: str
    layer: str
    function: str
    """Module and function below this package, for example `memory.check_pattern`."""
    deadline_seconds: float = 120.0
    levels: tuple[str, ...] = ("quick", "short", "long")
    task: str = ""
    """The task that it trains; left out where `--task` names another."""
    gpu_only: bool = False
    several: bool = False
    """Whether it uses all GPUs at once: for `--device all`."""


_FULL = ("short", "long")

STAGES = (
    Stage("device", "device", "memory.check_device", 60.0),
    Stage("memory pattern", "memory", "memory.check_pattern"),
    Stage("copy rate", "memory", "rates.measure_copies", gpu_only=True),
    Stage("matrix product", "blas", "products.check_products"),
    Stage("product rate", "blas", "product_rates.measure_products", gpu_only=True),
    Stage("convolution", "convolution", "convolution.check_convolution"),
    Stage("random numbers", "random", "random_numbers.check_random_numbers", 60.0),
    Stage("compiled kernel", "compiler", "kernels.check_compiled_kernel", gpu_only=True),
    Stage("gradients", "autograd", "gradients.check_gradients"),
    Stage("train mlp", "training", "training.train_mlp", 240.0, task="mlp"),
    Stage("train cnn", "training", "training.train_cnn", 240.0, task="cnn"),
    Stage("train rnn on brackets", "training", "training.train_brackets", 240.0, task="rnn"),
    Stage("train rnn on addition", "training", "training.train_rnn", 240.0, _FULL, "rnn"),
    Stage("train transformer", "training", "training.train_transformer", 240.0, task="transformer"),
    Stage("same bits twice", "determinism", "determinism.check_same_bits"),
    Stage("eager = captured", "capture", "determinism.check_captured"),
    Stage("memory returns", "memory", "memory.check_memory_returns"),
    Stage("peer access", "collectives", "collectives.check_peers", several=True),
    Stage("all-reduce", "collectives", "collectives.check_all_reduce", several=True),
    Stage("data parallel", "collectives", "collectives.check_data_parallel", several=True),
    Stage("burn-in", "blas", "burn_in.burn_in", 120.0, ("long",)),
)


def stage_named(name: str) -> Stage:
    """Return the stage of that name. Raises KeyError."""
    for stage in STAGES:
        if stage.name == name:
            return stage
    raise KeyError(name)


def stages_of(level: str, tasks: tuple[str, ...], *, gpu: bool) -> tuple[str, ...]:
    """Return the names of the stages of a level that use one device, in order."""
    return tuple(
        stage.name
        for stage in STAGES
        if level in stage.levels
        and (gpu or not stage.gpu_only)
        and (not stage.task or stage.task in tasks)
        and not stage.several
    )


def stages_of_several() -> tuple[str, ...]:
    """Return the names of the stages that use all GPUs at once, in order."""
    return tuple(stage.name for stage in STAGES if stage.several)
