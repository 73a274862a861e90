"""Small networks with the names that programs reach into."""

from __future__ import annotations

from typing import Any

from torch import nn


class _Residual(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, 64, 7, 2, 3, bias=False)
        self.bn1, self.relu = nn.BatchNorm2d(64), nn.ReLU(inplace=True)
        self.maxpool = nn.MaxPool2d(3, 2, 1)
        self.avgpool = nn.AdaptiveAvgPool2d((1, 1))
        self.fc = nn.Linear(64, 1000)

    def forward(self, x: Any) -> Any:
        x = self.maxpool(self.relu(self.bn1(self.conv1(x))))
        return self.fc(self.avgpool(x).flatten(1))


def resnet18(weights: Any = None, **_: Any) -> Any:
    """Return one stage of a ResNet."""
    del weights
    return _Residual()


resnet34 = resnet50 = resnet18


class _VGG(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        layers: list[Any] = []
        width = 3
        for size in (8, 8, "M", 16, 16, "M", 32, 32, 32, "M", 32, 32, 32, "M"):
            if size == "M":
                layers.append(nn.MaxPool2d(2, 2))
            else:
                layers += [nn.Conv2d(width, size, 3, padding=1), nn.ReLU(inplace=True)]
                width = size
        self.features = nn.Sequential(*layers)

    def forward(self, x: Any) -> Any:
        return self.features(x)


def vgg16(weights: Any = None, **_: Any) -> Any:
    """Return the layers of VGG-16 up to the fourth pool, narrow."""
    del weights
    return _VGG()


vgg19 = vgg16


class VGG16_Weights:  # noqa: N801  (torchvision's name)
    """The names of pretrained weights, of which there are none."""

    IMAGENET1K_V1 = DEFAULT = None
