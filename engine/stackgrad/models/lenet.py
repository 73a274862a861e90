"""LeNet-5 (LeCun, Bottou, Bengio, Haffner, 1998), with ReLU and max pooling as it is taught today."""

from __future__ import annotations

from stackgrad import nn
from stackgrad.nn import functional
from stackgrad.tensor import Tensor


class LeNet(nn.Module):
    """(N, channels, 28, 28) to (N, classes); with `padding` 0 the input is 32 x 32, as in PyTorch's tutorial."""

    def __init__(self, num_classes: int = 10, in_channels: int = 1, padding: int = 2) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(in_channels, 6, 5, padding=padding)
        self.conv2 = nn.Conv2d(6, 16, 5)
        self.fc1 = nn.Linear(16 * 5 * 5, 120)
        self.fc2 = nn.Linear(120, 84)
        self.fc3 = nn.Linear(84, num_classes)

    def forward(self, x: Tensor) -> Tensor:
        """Return the logits."""
        x = functional.max_pool2d(functional.relu(self.conv1(x)), 2)
        x = functional.max_pool2d(functional.relu(self.conv2(x)), 2)
        x = functional.relu(self.fc1(x.flatten(1)))
        logits: Tensor = self.fc3(functional.relu(self.fc2(x)))
        return logits
