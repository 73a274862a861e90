"""JAX, as `verify.py` asks for it."""

# mypy: ignore-errors


def load():
    """Import it."""
    import jax

    return jax


def build(_jax):
    """Return the CUDA, cuDNN and architectures that it was built with, as far as it tells."""
    cuda = None
    for major in ("12", "13", "11"):
        try:
            plugin = __import__("jax_cuda%s_plugin._versions" % major, fromlist=["_versions"])
            number = plugin.cuda_runtime_build_version()
            cuda = "%d.%d" % (number // 1000, number % 1000 // 10)
            break
        except Exception:  # noqa: S112 (no such plugin, or a broken one)
            continue
    return {"cuda": cuda, "cudnn": None, "architectures": None}


def gpus(jax):
    """Return the GPUs that it sees; None if it does not say."""
    found = []
    for device in jax.devices():
        if device.platform in ("gpu", "cuda"):
            capability = getattr(device, "compute_capability", None)
            found.append({"name": device.device_kind, "capability": capability})
    return found


def train(jax, samples, targets, steps, rate):
    """Train a linear layer; return the device and the losses."""
    import jax.numpy as jnp

    rows, wanted = jnp.array(samples), jnp.array(targets)

    def loss_of(weights):
        return jnp.mean((rows @ weights - wanted) ** 2)

    step = jax.jit(jax.value_and_grad(loss_of))
    weights, losses = jnp.zeros((len(samples[0]), 1)), []
    for _ in range(steps):
        loss, gradient = step(weights)
        weights = weights - rate * gradient
        losses.append(float(loss))
    return jax.devices()[0].platform, losses
