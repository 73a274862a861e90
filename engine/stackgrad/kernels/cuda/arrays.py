"""The array module of a GPU: CuPy, with products by cuBLAS, convolutions by cuDNN, and the engine's own kernels."""

from __future__ import annotations

from typing import Any

from stackgrad.arrays import ArrayModule
from stackgrad.kernels.cuda.launch import DeviceLauncher
from stackgrad.libraries import cublas, cudnn
from stackgrad.libraries.binding import LibraryError


class CudaArrays:
    """What operations get as `xp` on a GPU. `choices` tells what was found, and what does the work where it was not."""

    def __init__(self, cupy: ArrayModule) -> None:
        self.cupy = cupy
        self.launch = DeviceLauncher(cupy)
        self.products: cublas.Products | None = None
        self.convolutions: cudnn.Convolutions | None = None
        self.choices = {
            "matmul": {"library": "cupy", "version": cupy.__version__},
            "convolution": {"library": "stackgrad (im2col)", "version": None},
        }
        self._take("matmul", cublas)
        self._take("convolution", cudnn)

    def _take(self, room: str, binding: Any) -> None:
        try:
            found = {"library": binding.library().name, "version": binding.version()}
        except (LibraryError, OSError) as error:
            self.choices[room]["why"] = str(error)
            return
        self.choices[room] = {**found, "path": binding.library().path}
        if binding is cublas:
            self.products = cublas.Products(self.cupy)
            self.matmul = self.products.matmul
        else:
            self.convolutions = cudnn.Convolutions(self.cupy)

    def prepare(self) -> None:
        """Make what the libraries need on the current stream, so that a capture finds it there."""
        if self.products is not None:
            self.products.handle()
        if self.convolutions is not None:
            self.convolutions.handle()

    def __getattr__(self, name: str) -> Any:
        found = getattr(self.cupy, name)
        setattr(self, name, found)
        return found
