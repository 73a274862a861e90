"""TensorFlow 1 and 2, as `verify.py` asks for it."""

# mypy: ignore-errors


def load():
    """Import it."""
    import tensorflow

    return tensorflow


def build(tf):
    """Return the CUDA, cuDNN and architectures that it was built with, as far as it tells."""
    information = getattr(tf.sysconfig, "get_build_info", dict)()
    capabilities = information.get("cuda_compute_capabilities")
    return {
        "cuda": information.get("cuda_version"),
        "cudnn": information.get("cudnn_version"),
        "architectures": list(capabilities) if capabilities else None,
    }


def gpus(tf):
    """Return the GPUs that it sees; None if it does not say."""
    configuration = getattr(tf, "config", None)
    lister = getattr(configuration, "list_physical_devices", None)
    if lister is None:
        lister = getattr(
            getattr(configuration, "experimental", None), "list_physical_devices", None
        )
    if lister is None:
        return [{"name": "GPU", "capability": None}] if tf.test.is_gpu_available() else []
    found = []
    for device in lister("GPU"):
        details = getattr(tf.config.experimental, "get_device_details", None)
        known = details(device) if details else {}
        capability = known.get("compute_capability")
        text = ".".join(str(part) for part in capability) if capability else None
        found.append({"name": known.get("device_name", device.name), "capability": text})
    return found


def train(tf, samples, targets, steps, rate):
    """Train a linear layer; return the device and the losses."""
    if not hasattr(tf, "GradientTape") or not tf.executing_eagerly():
        return train_graph(tf, samples, targets, steps, rate)
    rows, wanted = tf.constant(samples), tf.constant(targets)
    weights = tf.Variable(tf.zeros([len(samples[0]), 1]))
    optimizer = tf.keras.optimizers.SGD(learning_rate=rate)
    losses = []
    for _ in range(steps):
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean((tf.matmul(rows, weights) - wanted) ** 2)
        optimizer.apply_gradients([(tape.gradient(loss, weights), weights)])
        losses.append(float(loss.numpy()))
    return weights.device.rpartition("device:")[2].lower() or "cpu", losses


def train_graph(tf, samples, targets, steps, rate):
    """Do the same in TensorFlow 1, which builds a graph first."""
    tf = tf.compat.v1 if hasattr(tf, "compat") else tf
    rows, wanted = tf.constant(samples), tf.constant(targets)
    weights = tf.Variable(tf.zeros([len(samples[0]), 1]))
    loss = tf.reduce_mean((tf.matmul(rows, weights) - wanted) ** 2)
    step = tf.train.GradientDescentOptimizer(rate).minimize(loss)
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        losses = [float(session.run([loss, step])[0]) for _ in range(steps)]
    return "gpu" if gpus(tf) else "cpu", losses
