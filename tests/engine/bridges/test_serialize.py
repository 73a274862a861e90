from __future__ import annotations

import io
import pickle
import tarfile
import zipfile
from collections import OrderedDict

import numpy as np
import pytest
import stackgrad
from stackgrad.serialize import UnpicklingError

KINDS = (
    "bool",
    "uint8",
    "int8",
    "int16",
    "int32",
    "int64",
    "float16",
    "bfloat16",
    "float32",
    "float64",
)


def through_a_file(value, **options):
    file = io.BytesIO()
    stackgrad.save(value, file)
    return stackgrad.load(file, **options)


def test_values_of_all_kinds_come_back():
    given = {
        "tensors": [stackgrad.arange(4).to(getattr(stackgrad, kind)) for kind in KINDS],
        "plain": (None, True, 3, -(2**40), 2.5, "é", [], {}, ()),
        "ordered": OrderedDict(b=1, a=2),
        "dtype": stackgrad.bfloat16,
        "size": stackgrad.Size([2, 3]),
        "device": stackgrad.device("cpu"),
        7: "number",
    }
    found = through_a_file(given)
    for a, b in zip(found.pop("tensors"), given.pop("tensors"), strict=True):
        assert a.dtype is b.dtype
        assert a.array.tobytes() == b.array.tobytes()
    assert found == given
    assert list(found["ordered"]) == ["b", "a"]


def test_tensors_of_one_memory_are_of_one_memory_again():
    base = stackgrad.arange(12.0).view(3, 4)
    found = through_a_file(
        {"base": base, "row": base[1], "turned": base.t(), "other": stackgrad.ones(2)}
    )
    found["row"][0] = -1
    assert found["base"][1, 0] == found["turned"][0, 1] == -1
    assert found["turned"].stride() == (1, 4)


def test_a_part_of_a_large_tensor_takes_no_more_than_its_size():
    file = io.BytesIO()
    stackgrad.save(stackgrad.zeros(100_000)[:3], file)
    assert file.getbuffer().nbytes < 2000


def test_parts_that_do_not_touch_are_written_apart():
    file, base = io.BytesIO(), stackgrad.zeros(100_000)
    stackgrad.save([base[:3], base[-3:]], file)
    assert file.getbuffer().nbytes < 2000


def test_a_tied_weight_stays_tied():
    net = stackgrad.nn.Linear(2, 2)
    found = through_a_file({"a": net.weight, "b": net.weight})
    assert found["a"].array is found["b"].array or np.shares_memory(
        found["a"].array, found["b"].array
    )


@pytest.mark.parametrize("value", [object(), lambda: None, {1, 2}, 3j])
def test_what_cannot_be_saved_is_an_error_that_names_its_type(value):
    with pytest.raises(TypeError, match=type(value).__name__):
        stackgrad.save([value], io.BytesIO())


class Malice:
    def __reduce__(self):
        return print, ("code from a file",)


def archive(pickled, **files):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as made:
        made.writestr("a/data.pkl", pickled)
        for name, content in files.items():
            made.writestr(f"a/{name}", content)
    return file


def test_a_file_that_would_run_code_is_refused(capsys):
    with pytest.raises(UnpicklingError, match=r"builtins.print|__builtin__.print"):
        stackgrad.load(archive(pickle.dumps(Malice(), 2)))
    assert capsys.readouterr().out == ""


def test_a_file_of_the_other_byte_order_is_refused():
    with pytest.raises(UnpicklingError, match="byte order"):
        stackgrad.load(archive(pickle.dumps(1, 2), byteorder="big"))


def test_old_formats_are_refused_by_name(tmp_path):
    with tarfile.open(tmp_path / "old.pt", "w") as made:
        made.addfile(tarfile.TarInfo("storages"))
    with pytest.raises(
        UnpicklingError, match=r"old.pt: not a zip file; PyTorch's format before 1.6"
    ):
        stackgrad.load(tmp_path / "old.pt")


@pytest.fixture
def torch():
    return pytest.importorskip("torch", reason="PyTorch is not installed (extra `oracle`)")


@pytest.mark.oracle
def test_what_pytorch_saved_is_loaded_with_types_views_and_sharing(torch, tmp_path):
    base = torch.arange(12.0).view(3, 4)
    given = {k: torch.arange(6).view(2, 3).to(getattr(torch, k)) for k in KINDS}
    given |= {
        "base": base,
        "turned": base.t(),
        "part": base[1:, ::2],
        "p": torch.nn.Parameter(base[0].clone()),
    }
    given |= {
        "number": torch.tensor(3.5),
        "none": torch.zeros(0, 2),
        "spread": torch.ones(1).expand(4),
    }
    torch.save({**given, "step": 4, "dtype": torch.float16}, tmp_path / "a.pt")
    found = stackgrad.load(tmp_path / "a.pt")
    for name, tensor in given.items():
        assert str(found[name].dtype).partition(".")[2] == str(tensor.dtype).partition(".")[2]
        assert found[name].tolist() == tensor.tolist(), name
        if tensor.numel():
            assert found[name].stride() == tensor.stride(), name
    assert (found["step"], found["dtype"]) == (4, stackgrad.float16)
    assert found["p"].requires_grad
    found["base"][1, 0] = -1
    assert found["turned"][0, 1] == found["part"][0, 0] == -1


@pytest.mark.oracle
def test_pytorch_loads_what_is_saved_with_its_safe_reader(torch, tmp_path):
    base = stackgrad.arange(12.0).view(3, 4)
    given = {k: stackgrad.arange(6).view(2, 3).to(getattr(stackgrad, k)) for k in KINDS}
    given |= {"base": base, "turned": base.t(), "p": stackgrad.nn.Parameter(stackgrad.ones(2))}
    stackgrad.save(given, tmp_path / "a.pt")
    found = torch.load(tmp_path / "a.pt", weights_only=True)
    for name, tensor in given.items():
        assert found[name].tolist() == tensor.tolist()
        assert str(found[name].dtype).partition(".")[2] == str(tensor.dtype).partition(".")[2]
    found["base"][1, 0] = -1
    assert found["turned"][0, 1] == -1
    assert isinstance(found["p"], torch.nn.Parameter)


@pytest.mark.oracle
def test_optimizer_states_pass_between_the_two(torch, tmp_path):
    net = torch.nn.Linear(3, 2)
    optimizer = torch.optim.AdamW(net.parameters(), 0.01)
    net(torch.ones(1, 3)).sum().backward()
    optimizer.step()
    torch.save({"net": net.state_dict(), "optimizer": optimizer.state_dict()}, tmp_path / "a.pt")
    found = stackgrad.load(tmp_path / "a.pt")
    ours = stackgrad.nn.Linear(3, 2)
    ours.load_state_dict(found["net"])
    own = stackgrad.optim.AdamW(ours.parameters(), 0.5)
    own.load_state_dict(found["optimizer"])
    for model, step in ((net, optimizer), (ours, own)):
        model.zero_grad()
        ones = torch.ones(1, 3) if model is net else stackgrad.ones(1, 3)
        model(ones).sum().backward()
        step.step()
    np.testing.assert_allclose(ours.weight.detach().numpy(), net.weight.detach().numpy(), rtol=1e-6)


@pytest.mark.oracle
def test_pytorchs_format_before_1_6_is_refused_by_name(torch, tmp_path):
    torch.save({"a": torch.ones(2)}, tmp_path / "old.pt", _use_new_zipfile_serialization=False)
    with pytest.raises(UnpicklingError, match=r"format before 1\.6"):
        stackgrad.load(tmp_path / "old.pt")
