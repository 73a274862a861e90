"""The models against PyTorch: the same weights through forward passes written here in its functions."""

from __future__ import annotations

import numpy as np
import pytest
import stackgrad
from stackgrad import models

torch = pytest.importorskip("torch", reason="PyTorch is not installed (extra `oracle`)")
F = torch.nn.functional
pytestmark = pytest.mark.oracle


def weights(model, seed=0):
    """Return random values for all of a model's keys, the same for both libraries."""
    rng = np.random.default_rng(seed)
    state = {}
    for name, tensor in model.state_dict().items():
        values = rng.standard_normal(tensor.shape).astype(np.float32)
        if name.endswith("running_var"):
            values = np.abs(values) + 0.5
        elif tensor.ndim > 1:
            values *= 1 / np.sqrt(np.prod(tensor.shape[1:]))
        state[name] = np.array(3) if name.endswith("num_batches_tracked") else values
    return state


def given_to(model, state):
    model.load_state_dict({k: stackgrad.from_numpy(v.copy()) for k, v in state.items()})
    return model


def theirs(state):
    return {k: torch.from_numpy(v) for k, v in state.items()}


def close(ours, expected):
    np.testing.assert_allclose(
        ours.detach().numpy(), expected.detach().numpy(), rtol=2e-4, atol=2e-4
    )


def both(shape, seed=1):
    x = np.random.default_rng(seed).standard_normal(shape).astype(np.float32)
    return stackgrad.from_numpy(x), torch.from_numpy(x)


@pytest.mark.parametrize(("padding", "size"), [(2, 28), (0, 32)])
def test_lenet_is_that_of_pytorchs_tutorial(padding, size):
    model = models.LeNet(padding=padding)
    state = weights(model)
    given_to(model, state)
    ours, x = both((2, 1, size, size))
    w = theirs(state)
    x = F.max_pool2d(F.relu(F.conv2d(x, w["conv1.weight"], w["conv1.bias"], padding=padding)), 2)
    x = F.max_pool2d(F.relu(F.conv2d(x, w["conv2.weight"], w["conv2.bias"])), 2).flatten(1)
    for name in ("fc1", "fc2"):
        x = F.relu(F.linear(x, w[f"{name}.weight"], w[f"{name}.bias"]))
    close(model(ours), F.linear(x, w["fc3.weight"], w["fc3.bias"]))


def resnet(w, x, layers, bottleneck):
    def norm(x, name):
        return F.batch_norm(
            x,
            w[f"{name}.running_mean"],
            w[f"{name}.running_var"],
            w[f"{name}.weight"],
            w[f"{name}.bias"],
        )

    x = F.max_pool2d(
        F.relu(norm(F.conv2d(x, w["conv1.weight"], stride=2, padding=3), "bn1")), 3, 2, 1
    )
    for layer, count in enumerate(layers, 1):
        for block in range(count):
            name, stride = f"layer{layer}.{block}", 2 if layer > 1 and block == 0 else 1
            if bottleneck:
                y = F.relu(norm(F.conv2d(x, w[f"{name}.conv1.weight"]), f"{name}.bn1"))
                y = F.relu(
                    norm(
                        F.conv2d(y, w[f"{name}.conv2.weight"], stride=stride, padding=1),
                        f"{name}.bn2",
                    )
                )
                y = norm(F.conv2d(y, w[f"{name}.conv3.weight"]), f"{name}.bn3")
            else:
                y = F.relu(
                    norm(
                        F.conv2d(x, w[f"{name}.conv1.weight"], stride=stride, padding=1),
                        f"{name}.bn1",
                    )
                )
                y = norm(F.conv2d(y, w[f"{name}.conv2.weight"], padding=1), f"{name}.bn2")
            if f"{name}.downsample.0.weight" in w:
                x = norm(
                    F.conv2d(x, w[f"{name}.downsample.0.weight"], stride=stride),
                    f"{name}.downsample.1",
                )
            x = F.relu(x + y)
    return F.linear(x.mean((2, 3)), w["fc.weight"], w["fc.bias"])


@pytest.mark.parametrize(
    ("make", "layers", "bottleneck"),
    [
        (models.resnet18, (2, 2, 2, 2), False),
        pytest.param(models.resnet50, (3, 4, 6, 3), True, marks=pytest.mark.slow),
    ],
)
def test_a_resnet_gives_pytorchs_values_with_torchvisions_names(make, layers, bottleneck):
    model = make(num_classes=7).eval()
    state = weights(model)
    given_to(model, state)
    ours, x = both((2, 3, 48, 48))
    expected = resnet(theirs(state), x, layers, bottleneck)
    scale = float(expected.abs().max())
    close(model(ours) / scale, expected / scale)


def test_resnet18_has_torchvisions_keys_and_parameters():
    model = models.resnet18()
    names = [f"{part}{field}" for part in ("conv1.", "bn1.") for field in ("weight",)]
    state = model.state_dict()
    assert list(state)[:2] == names
    assert len(state) == 122
    assert {"layer2.0.downsample.0.weight", "layer4.1.bn2.num_batches_tracked", "fc.bias"} <= set(
        state
    )
    assert sum(p.numel() for p in model.parameters()) == 11_689_512
    assert sum(p.numel() for p in models.resnet50().parameters()) == 25_557_032


@pytest.mark.parametrize("tied", [False, True])
def test_the_lstm_language_model_is_that_of_pytorchs_examples(tied):
    model = models.LSTMLanguageModel(20, 8, 8, 2, tie_weights=tied).eval()
    state = weights(model)
    if tied:
        state["decoder.weight"] = state["encoder.weight"]
    given_to(model, state)
    rnn = torch.nn.LSTM(8, 8, 2)
    w = theirs(state)
    rnn.load_state_dict({k.removeprefix("rnn."): v for k, v in w.items() if k.startswith("rnn.")})
    words = np.random.default_rng(2).integers(0, 20, (5, 3))
    found, (h, c) = model(stackgrad.from_numpy(words), model.init_hidden(3))
    out, (eh, ec) = rnn(F.embedding(torch.from_numpy(words), w["encoder.weight"]))
    expected = F.log_softmax(
        F.linear(out, w["decoder.weight"], w["decoder.bias"]).reshape(-1, 20), 1
    )
    close(found, expected)
    close(h, eh)
    close(c, ec)


CONFIG = models.GPTConfig(block_size=16, vocab_size=30, n_layer=2, n_head=2, n_embd=12)


def gpt(w, idx):
    x = w["transformer.wte.weight"][idx] + w["transformer.wpe.weight"][: idx.shape[1]]
    for i in range(2):

        def part(name, i=i):
            return w[f"transformer.h.{i}.{name}.weight"], w[f"transformer.h.{i}.{name}.bias"]

        y = F.linear(F.layer_norm(x, (12,), *part("ln_1")), *part("attn.c_attn"))
        q, k, v = (t.reshape(*idx.shape, 2, 6).transpose(1, 2) for t in y.split(12, 2))
        y = F.scaled_dot_product_attention(q, k, v, is_causal=True).transpose(1, 2).reshape(x.shape)
        x = x + F.linear(y, *part("attn.c_proj"))
        y = F.gelu(
            F.linear(F.layer_norm(x, (12,), *part("ln_2")), *part("mlp.c_fc")), approximate="tanh"
        )
        x = x + F.linear(y, *part("mlp.c_proj"))
    x = F.layer_norm(x, (12,), w["transformer.ln_f.weight"], w["transformer.ln_f.bias"])
    return F.linear(x, w["transformer.wte.weight"])


def hugging_face(state):
    """Return nanoGPT's state as GPT2Model keeps it: no prefix, matrices transposed, masks as buffers."""
    found = {}
    for name, value in state.items():
        if name != "lm_head.weight":
            turn = ".c_" in name and name.endswith("weight")
            found[name.removeprefix("transformer.")] = value.T.copy() if turn else value
    return {
        **found,
        "h.0.attn.bias": np.ones((1, 1, 16, 16)),
        "h.0.attn.masked_bias": np.array(-1e4),
    }


@pytest.mark.parametrize(
    "form", [lambda s: s, hugging_face, lambda s: {f"_orig_mod.{k}": v for k, v in s.items()}]
)
def test_gpt_gives_pytorchs_values_from_nanogpts_and_hugging_faces_weights(form):
    state = weights(models.GPT(CONFIG))
    state["lm_head.weight"] = state["transformer.wte.weight"]
    model = given_to(models.GPT(CONFIG), form(state))
    idx = np.random.default_rng(3).integers(0, 30, (2, 9))
    targets = np.roll(idx, -1, 1)
    logits, loss = model(stackgrad.from_numpy(idx), stackgrad.from_numpy(targets))
    expected = gpt(theirs(state), torch.from_numpy(idx))
    close(logits, expected)
    close(loss, F.cross_entropy(expected.reshape(-1, 30), torch.from_numpy(targets).reshape(-1)))
    close(model(stackgrad.from_numpy(idx))[0][:, 0], expected[:, -1])


def test_gpt2s_smallest_has_its_124_million_parameters():
    config = models.GPTConfig(n_layer=1)
    model = models.GPT(config)
    each = sum(p.numel() for p in model.transformer.h[0].parameters())
    assert sum(p.numel() for p in model.parameters()) + 11 * each == 124_439_808


def test_generated_tokens_follow_the_given_ones():
    stackgrad.manual_seed(0)
    model = models.GPT(CONFIG).eval()
    start = stackgrad.zeros(2, 1, dtype=stackgrad.int64)
    out = model.generate(start, 20, top_k=3)
    assert out.shape == (2, 21)
    assert (out[:, :1] == start).all()
    greedy = model.generate(start, 3, top_k=1)
    assert (greedy == model.generate(start, 3, top_k=1)).all()


@pytest.mark.parametrize("wrapped", [False, True])
def test_weights_that_pytorch_wrote_are_loaded(tmp_path, wrapped):
    state = weights(models.LeNet())
    file = tmp_path / "lenet.pt"
    torch.save({"model": theirs(state), "epoch": 3} if wrapped else theirs(state), file)
    model = models.load_weights(models.LeNet(), file)
    for name, tensor in model.state_dict().items():
        np.testing.assert_array_equal(tensor.numpy(), state[name])


def test_weights_of_another_model_are_an_error_that_names_the_keys(tmp_path):
    from stackgrad.safetensors import save_file

    save_file(models.LeNet().state_dict(), tmp_path / "a.safetensors")
    with pytest.raises(RuntimeError, match=r"layer1\.0\.conv1\.weight"):
        models.load_weights(models.resnet18(), tmp_path / "a.safetensors")
