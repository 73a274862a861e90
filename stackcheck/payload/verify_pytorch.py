"""PyTorch, as `verify.py` asks for it."""

# mypy: ignore-errors


def load():
    """Import it."""
    import torch

    return torch


def build(torch):
    """Return the CUDA, cuDNN and architectures that it was built with, as far as it tells."""
    architectures = None
    if torch.version.cuda:
        flags = getattr(torch._C, "_cuda_getArchFlags", None)  # noqa: SLF001 (told without a GPU)
        architectures = (flags() or "").split() if flags else None
    cudnn = torch.backends.cudnn.version() if torch.version.cuda else None
    return {"cuda": torch.version.cuda, "cudnn": cudnn, "architectures": architectures}


def gpus(torch):
    """Return the GPUs that it sees; None if it does not say."""
    cuda = torch.cuda
    if not cuda.is_available():
        return []
    found = []
    for index in range(cuda.device_count()):
        major, minor = cuda.get_device_capability(index)
        found.append({"name": cuda.get_device_name(index), "capability": "%d.%d" % (major, minor)})
    return found


def train(torch, samples, targets, steps, rate):
    """Train a linear layer; return the device and the losses."""
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    rows = torch.tensor(samples, device=device)
    wanted = torch.tensor(targets, device=device)
    model = torch.nn.Linear(len(samples[0]), 1).to(device)
    optimizer = torch.optim.SGD(model.parameters(), lr=rate)
    losses = []
    for _ in range(steps):
        optimizer.zero_grad()
        loss = ((model(rows) - wanted) ** 2).mean()
        loss.backward()
        optimizer.step()
        losses.append(float(loss.detach()))
    return str(device), losses
