"""The bindings against the libraries' own headers and files: signatures, symbols, versions, errors."""

from __future__ import annotations

import ctypes
import re
from pathlib import Path

import numpy as np
import pytest
import stackgrad
from stackgrad.kernels.convolution import Geometry
from stackgrad.libraries import binding, cublas, cudnn, nccl, nvrtc
from stackgrad.libraries.binding import LibraryError

PLACES = {  # by module: the header's name, and what its parameters' types are in letters
    cublas: ("cublas_api.h", {"cublasOperation_t": "i", "cudaDataType": "i", "cublasComputeType_t": "i", "cublasGemmAlgo_t": "i"}),
    cudnn: (("cudnn_cnn_v9.h", "cudnn_graph_v9.h", "cudnn_ops_v9.h"), {}),
    nccl: ("nccl.h", {"ncclUniqueId": "u"}),
    nvrtc: ("nvrtc.h", {}),
}  # fmt: skip
HANDLES = {
    "cublasHandle_t", "cudaStream_t", "cudnnHandle_t", "cudnnTensorDescriptor_t", "cudnnFilterDescriptor_t",
    "cudnnConvolutionDescriptor_t", "ncclComm_t", "nvrtcProgram",
}  # fmt: skip
PLAIN = {"int": "i", "size_t": "z", "long long int": "l", "float": "f", "double": "d"}


@pytest.fixture(params=list(PLACES), ids=lambda module: module.__name__.rpartition(".")[2])
def module(request):
    try:
        request.param.library()
    except (LibraryError, OSError) as error:
        pytest.skip(f"the library is not installed: {error}")
    return request.param


def headers(module):
    """Return the declarations of the headers beside the library: name to the list of parameters."""
    lib = Path(module.library().path).parent
    names, _ = PLACES[module]
    found = {}
    for name in [names] if isinstance(names, str) else names:
        path = lib.parent / "include" / name
        if not path.exists():
            pytest.skip(f"the headers are not installed: {path}")
        text = re.sub(r"/\*.*?\*/|//[^\n]*", "", path.read_text(errors="replace"), flags=re.DOTALL)
        for function, parameters in re.findall(r"\b(\w+)\s*\(([^()]*)\)\s*;", text):
            found.setdefault(
                function,
                [p.strip() for p in parameters.split(",") if p.strip() not in ("", "void")],
            )
    return found


def letter(parameter, special):
    if "*" in parameter or "[]" in parameter or re.search(r"\w+\[\w*\]$", parameter):
        return "p"
    type_ = " ".join(w for w in parameter.replace("const ", "").split()[:-1])
    if type_ in special:
        return special[type_]
    if type_ in HANDLES:
        return "p"
    return PLAIN.get(type_, "i")  # the rest are enumerations


def test_every_signature_is_that_of_the_librarys_header(module):
    declared, (_, special) = headers(module), PLACES[module]
    for function, letters in module.FUNCTIONS.items():
        assert function in declared, f"{function} is in no header"
        assert letters == "".join(letter(p, special) for p in declared[function]), (
            function,
            declared[function],
        )


def test_every_function_is_in_the_library(module):
    loaded = ctypes.CDLL(module.library().path)
    for function in module.FUNCTIONS:
        assert hasattr(loaded, function)


def test_the_version_is_told_without_a_gpu(module):
    assert re.fullmatch(r"\d+\.\d+(\.\d+)?", module.version())
    report = stackgrad.backends()[module.__name__.rpartition(".")[2]]
    assert report["version"] == module.version()
    assert Path(report["library"]).is_file()


CREATE = {cublas: "cublasCreate_v2", cudnn: "cudnnCreate"}


@pytest.mark.parametrize("module", list(CREATE))
def test_a_call_that_fails_is_one_exception_with_function_library_and_reason(module):
    if stackgrad.cuda.is_available():
        pytest.skip("there is a GPU: nothing fails")
    try:
        library = module.library()
    except (LibraryError, OSError) as error:
        pytest.skip(f"the library is not installed: {error}")
    handle = ctypes.c_void_p()
    with pytest.raises(LibraryError, match=rf"{CREATE[module]}: \w+") as caught:
        getattr(library, CREATE[module])(ctypes.byref(handle))
    assert library.path in str(caught.value)
    assert caught.value.status != 0


def test_a_library_that_is_nowhere_is_an_error_that_names_it():
    with pytest.raises(LibraryError, match="cufoo is not found"):
        binding.locate("cufoo", ("libcufoo.so.1",))


def test_a_function_of_another_version_is_an_error_that_names_it():
    try:
        path = nccl.library().path
    except (LibraryError, OSError):
        pytest.skip("NCCL is not installed")
    with pytest.raises(LibraryError, match="has no ncclFuture"):
        binding.Library("NCCL", path, {"ncclFuture": "p"}, lambda *_: "")


def test_the_report_says_why_a_library_is_missing():
    for name, found in stackgrad.backends().items():
        assert found["library"] or found["why"], name


def test_two_ids_of_nccl_differ():
    if not nccl.find().usable:
        pytest.skip(nccl.find().why)
    assert bytes(nccl.unique_id()) != bytes(nccl.unique_id())


@pytest.mark.parametrize(
    ("size", "kernel", "settings"),
    [
        ((9, 8), (3, 2), ((2, 1), (1, 0), (1, 2), 1)),
        ((7, 7), (1, 1), ((1, 1), (0, 0), (1, 1), 2)),
        ((5, 6, 7), (2, 3, 2), ((1, 2, 1), (0, 1, 1), (2, 1, 1), 1)),
    ],
)
@pytest.mark.parametrize("kind", [stackgrad.float32, stackgrad.bfloat16, stackgrad.float64])
def test_cudnns_descriptions_mean_the_same_output_as_ours(size, kernel, settings, kind):
    """Descriptors need no GPU: cuDNN computes the output's shape from them."""
    try:
        library = cudnn.library()
    except (LibraryError, OSError) as error:
        pytest.skip(f"cuDNN is not installed: {error}")
    geometry = Geometry(*settings)
    x = cudnn.tensor((2, 4, *size), kind.numpy)
    w = cudnn.weights((6, 4 // geometry.groups, *kernel), kind.numpy)
    motion = cudnn.convolution(geometry, kind.numpy)
    found = (ctypes.c_int * (len(size) + 2))()
    library.cudnnGetConvolutionNdForwardOutputDim(
        motion.handle, x.handle, w.handle, len(found), found
    )
    assert tuple(found) == (2, 6, *geometry.output(size, kernel))


# ---- how products are described to cuBLAS


def simulate(product, left, right):
    """Multiply as the documentation of cublasGemmStridedBatchedEx says: column-major, by leading dimensions."""
    a_base, b_base = (memory(x) for x in (left, right))
    a0, b0 = (offset(x) for x in (left, right))
    m, n, k = product.columns, product.rows, product.inner
    out = np.full(product.batch * m * n, np.nan)

    def matrix(base, start, operand, rows, columns):
        """op(X) of `rows` x `columns`, X lying column after column."""
        i, j = np.indices((rows, columns) if not operand.transposed else (columns, rows))
        stored = base[start + i + j * operand.leading]
        return stored.T if operand.transposed else stored

    for batch in range(product.batch):
        first = matrix(b_base, b0 + batch * product.right.step, product.right, m, k)
        second = matrix(a_base, a0 + batch * product.left.step, product.left, k, n)
        out[batch * m * n : (batch + 1) * m * n] = (first @ second).ravel(order="F")
    return out


def owner(x):
    while isinstance(x.base, np.ndarray):
        x = x.base
    return x


def memory(x):
    return owner(x).reshape(-1)


def offset(x):
    return (x.ctypes.data - owner(x).ctypes.data) // x.itemsize


def numbers(*shape):
    return np.random.default_rng(sum(shape)).integers(-4, 5, shape).astype(float)


PRODUCTS = {
    "plain": lambda: (numbers(3, 4), numbers(4, 5)),
    "transposed left": lambda: (numbers(4, 3).T, numbers(4, 5)),
    "transposed right": lambda: (numbers(3, 4), numbers(5, 4).T),
    "both": lambda: (numbers(4, 3).T, numbers(5, 4).T),
    "a part of wider rows": lambda: (numbers(3, 9)[:, 2:6], numbers(8, 7)[1:5, 1:6]),
    "a part of longer columns": lambda: (numbers(9, 3)[2:6].T, numbers(5, 8)[:, 1:5].T),
    "one row": lambda: (numbers(1, 4), numbers(4, 5)),
    "one column": lambda: (numbers(3, 4), numbers(4, 1)),
    "one inner": lambda: (numbers(3, 1), numbers(1, 5)),
    "column of a matrix": lambda: (numbers(3, 4), numbers(4, 6)[:, 2:3]),
    "batch": lambda: (numbers(2, 3, 4), numbers(2, 4, 5)),
    "batch with transposed keys": lambda: (numbers(2, 3, 4, 6), numbers(2, 3, 5, 6).swapaxes(2, 3)),
    "one weight for a batch": lambda: (numbers(2, 3, 4), numbers(4, 5)),
    "one weight for a batch with gaps": lambda: (numbers(2, 7, 4)[:, :3], numbers(4, 5)),
    "one weight on the left": lambda: (numbers(3, 4), numbers(2, 4, 5)),
    "heads taken out of rows": lambda: (
        numbers(2, 5, 3 * 4).reshape(2, 5, 3, 4).transpose(0, 2, 1, 3)[:1],
        numbers(2, 5, 3 * 4).reshape(2, 5, 3, 4).transpose(0, 2, 3, 1)[:1],
    ),
    "broadcast over an inner batch": lambda: (numbers(2, 1, 3, 4), numbers(1, 1, 4, 5)),
}


@pytest.mark.parametrize("name", PRODUCTS)
def test_a_product_described_to_cublas_is_numpys(name):
    left, right = PRODUCTS[name]()
    product = cublas.plan(left, right)
    assert product is not None
    np.testing.assert_array_equal(simulate(product, left, right), (left @ right).ravel())


@pytest.mark.parametrize(
    ("left", "right"),
    [
        (numbers(3, 8)[:, ::2], numbers(4, 5)),  # neither rows nor columns without gaps
        (numbers(2, 3, 3, 4), numbers(3, 4, 5)),  # a batch that repeats inside another
        (numbers(2, 2, 3, 4).transpose(1, 0, 2, 3), numbers(2, 2, 4, 5)),
    ],
)
def test_what_no_description_fits_is_left_to_a_copy(left, right):
    assert cublas.plan(left, right) is None


def test_one_weight_for_a_batch_is_one_product():
    product = cublas.plan(numbers(6, 3, 4), numbers(4, 5))
    assert (product.batch, product.rows) == (1, 18)


def test_the_array_module_of_a_gpu_takes_products_and_convolutions_from_the_libraries():
    """It needs no GPU to be made."""
    cupy = pytest.importorskip("cupy", reason="CuPy is not installed")
    from stackgrad.kernels.cuda.arrays import CudaArrays

    xp = CudaArrays(cupy)
    assert xp.ndarray is cupy.ndarray
    assert xp.float32 is np.float32
    for room, module in (("matmul", cublas), ("convolution", cudnn)):
        try:
            version = module.version()
        except (LibraryError, OSError):
            assert xp.choices[room]["why"]
            continue
        assert xp.choices[room]["version"] == version
    assert (xp.convolutions is None) == ("why" in xp.choices["convolution"])
    assert (xp.matmul == cupy.matmul) == ("why" in xp.choices["matmul"])
