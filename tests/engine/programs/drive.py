"""Train the models of repositories that have no small training program: a few steps on random data.

python drive.py CHECKOUT NAME ...  (run by stage.py, in one library or the other)
"""

from __future__ import annotations

import importlib
import runpy
import sys
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import torch
from torch import nn
from torch.nn import functional as F  # noqa: N812


def fit(model: Any, loss_of: Callable[[], Any], steps: int = 6, rate: float = 1e-3) -> None:
    optimizer = torch.optim.AdamW(model.parameters(), rate)
    for _ in range(steps):
        optimizer.zero_grad()
        loss = loss_of()
        loss.backward()
        optimizer.step()


def classify(model: Any, images: Any, classes: int = 10) -> None:
    labels = torch.randint(0, classes, (len(images),))
    fit(model, lambda: F.cross_entropy(model(images), labels), steps=4)


def micrograd() -> None:
    tests = runpy.run_path(f"{sys.argv[1]}/test/test_engine.py")
    for name in [n for n in tests if n.startswith("test_")]:
        tests[name]()


def nanogpt() -> None:
    module = importlib.import_module("model")
    config = module.GPTConfig(
        block_size=32, vocab_size=65, n_layer=2, n_head=4, n_embd=64, dropout=0.1
    )
    model = module.GPT(config)
    optimizer = model.configure_optimizers(0.1, 1e-3, (0.9, 0.95), "cpu")
    x, y = torch.randint(0, 65, (4, 32)), torch.randint(0, 65, (4, 32))
    for _ in range(6):
        _, loss = model(x, y)
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
    model.eval()
    out = model.generate(x[:1, :4], 8, temperature=0.8, top_k=10)
    (out.float().mean() * torch.ones((), requires_grad=True)).backward()


def mingpt() -> None:
    GPT = importlib.import_module("mingpt.model").GPT  # noqa: N806
    trainer = importlib.import_module("mingpt.trainer").Trainer
    config = GPT.get_default_config()
    config.model_type, config.vocab_size, config.block_size = "gpt-nano", 10, 11
    model = GPT(config)

    class Sorting(torch.utils.data.Dataset):
        def __len__(self) -> int:
            return 100

        def __getitem__(self, index: int) -> Any:
            torch.manual_seed(index)
            inp = torch.randint(10, size=(6,), dtype=torch.long)
            cat = torch.cat((inp, torch.sort(inp)[0]), dim=0)
            x, y = cat[:-1].clone(), cat[1:].clone()
            y[:5] = -1
            return x, y

    settings = trainer.get_default_config()
    settings.max_iters, settings.num_workers, settings.batch_size = 8, 0, 8
    settings.device = "cpu"
    trainer(settings, model, Sorting()).run()


def llama2() -> None:
    module = importlib.import_module("model")
    args = module.ModelArgs(
        dim=64, n_layers=2, n_heads=4, n_kv_heads=2, vocab_size=100, multiple_of=16, max_seq_len=32
    )
    model = module.Transformer(args)
    x, y = torch.randint(0, 100, (4, 32)), torch.randint(0, 100, (4, 32))
    optimizer = model.configure_optimizers(0.1, 1e-3, (0.9, 0.95), "cpu")
    for _ in range(6):
        model(x, y)
        model.last_loss.backward()
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)


def cifar(name: str) -> None:
    net = getattr(importlib.import_module("models"), name)()
    images, labels = torch.randn(4, 3, 32, 32), torch.randint(0, 10, (4,))
    optimizer = torch.optim.SGD(net.parameters(), lr=1e-3, momentum=0.9, weight_decay=5e-4)
    for _ in range(3):
        optimizer.zero_grad()
        F.cross_entropy(net(images), labels).backward()
        optimizer.step()


def unet() -> None:
    net = importlib.import_module("unet").UNet(3, 2, bilinear=sys.argv[3:] == ["bilinear"])
    images, masks = torch.randn(1, 3, 64, 64), torch.randint(0, 2, (1, 64, 64))
    fit(net, lambda: F.cross_entropy(net(images), masks), steps=3)


def vit(module: str, cls: str) -> None:
    made = getattr(importlib.import_module(f"vit_pytorch.{module}"), cls)
    options: dict[str, Any] = {
        "image_size": 32,
        "patch_size": 8,
        "num_classes": 10,
        "dim": 32,
        "depth": 2,
    }
    if module in ("vit", "simple_vit", "vit_for_small_dataset", "deepvit", "parallel_vit", "rvt"):
        options |= {"heads": 4, "mlp_dim": 64}
    if module == "cait":
        options |= {"heads": 4, "mlp_dim": 64, "cls_depth": 1}
    if module == "cct":
        options = {
            "img_size": 32,
            "embedding_dim": 32,
            "num_classes": 10,
            "num_layers": 2,
            "num_heads": 4,
        }
        options |= {
            "mlp_ratio": 2.0,
            "n_conv_layers": 1,
            "kernel_size": 3,
            "positional_embedding": "learnable",
        }
    classify(made(**options), torch.randn(4, 3, 32, 32))


def annotated() -> None:
    module = importlib.import_module("the_annotated_transformer")
    model = module.make_model(11, 11, N=2, d_model=32, d_ff=64, h=4)
    criterion = module.LabelSmoothing(size=11, padding_idx=0, smoothing=0.1)
    data = torch.randint(1, 11, (4, 10))
    batch = module.Batch(data, data, 0)

    def loss() -> Any:
        out = model(batch.src, batch.tgt, batch.src_mask, batch.tgt_mask)
        found = model.generator(out).reshape(-1, 11)
        return criterion(found, batch.tgt_y.reshape(-1)) / batch.ntokens

    fit(model, loss)


def lora() -> None:
    layers = importlib.import_module("loralib")
    net = nn.Sequential(
        layers.Linear(16, 32, r=4, lora_alpha=8), nn.ReLU(), layers.MergedLinear(32, 30, r=2, enable_lora=[True, False, True]),
        nn.Flatten(), nn.Linear(30, 5),
    )  # fmt: skip
    layers.mark_only_lora_as_trainable(net)
    classify(net, torch.randn(8, 16), 5)
    assert set(layers.lora_state_dict(net)) == {n for n in net.state_dict() if "lora_" in n}
    net.eval()
    net.train()


def diffusion() -> None:
    module = importlib.import_module("denoising_diffusion_pytorch.denoising_diffusion_pytorch")
    net = module.Unet(dim=8, dim_mults=(1, 2), flash_attn=False)
    process = module.GaussianDiffusion(net, image_size=16, timesteps=20)
    images = torch.rand(2, 3, 16, 16)
    fit(net, lambda: process(images), steps=4)


def transformers() -> None:
    module = importlib.import_module("x_transformers")
    layers = module.Decoder(dim=32, depth=2, heads=4, rotary_pos_emb=True)
    model = module.TransformerWrapper(num_tokens=50, max_seq_len=16, attn_layers=layers)
    wrapped = module.AutoregressiveWrapper(model)
    x = torch.randint(0, 50, (2, 16))
    fit(model, lambda: wrapped(x), steps=4)


def style() -> None:
    net = importlib.import_module("neural_style.transformer_net").TransformerNet()
    utils = importlib.import_module("neural_style.utils")
    images = torch.randn(1, 3, 32, 32)

    def loss() -> Any:
        out = net(images)
        return F.mse_loss(utils.gram_matrix(out), utils.gram_matrix(images)) + (out**2).mean()

    fit(net, loss, steps=3)


def espcn() -> None:
    net = importlib.import_module("model").Net(upscale_factor=3)
    small, large = torch.randn(2, 1, 12, 12), torch.randn(2, 1, 36, 36)
    fit(net, lambda: F.mse_loss(net(small), large))


def captions() -> None:
    module = importlib.import_module("model")
    decoder = module.DecoderRNN(16, 32, 40, 1)
    words, lengths = torch.randint(0, 40, (4, 9)), [9, 7, 4, 2]
    features = torch.randn(4, 16)
    pack = nn.utils.rnn.pack_padded_sequence
    targets = pack(words, lengths, batch_first=True)[0]
    fit(decoder, lambda: F.cross_entropy(decoder(features, words, lengths), targets))


DRIVES = SimpleNamespace(**{k: v for k, v in globals().items() if callable(v)})

if __name__ == "__main__":
    sys.path.insert(0, sys.argv[1])
    arguments = [] if sys.argv[2] == "unet" else sys.argv[3:]
    getattr(DRIVES, sys.argv[2])(*arguments)
