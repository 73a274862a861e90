"""GPT-2 (Radford, Wu, Child, Luan, Amodei, Sutskever, 2019), with the names of nanoGPT and Hugging Face."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from stackgrad import nn
from stackgrad.grad_mode import no_grad
from stackgrad.nn import functional
from stackgrad.ops import FUNCTIONS
from stackgrad.tensor import Tensor

_PREFIXES = ("_orig_mod.", "module.")  # of torch.compile and data parallelism
_TRANSPOSED = ("attn.c_attn.weight", "attn.c_proj.weight", "mlp.c_fc.weight", "mlp.c_proj.weight")


@dataclass
class GPTConfig:
    """The sizes; the defaults are those of the smallest GPT-2."""

    block_size: int = 1024
    vocab_size: int = 50257
    n_layer: int = 12
    n_head: int = 12
    n_embd: int = 768
    dropout: float = 0.0
    bias: bool = True


class CausalSelfAttention(nn.Module):
    """Heads that look back; (batch, time, features) in and out."""

    def __init__(self, config: GPTConfig) -> None:
        super().__init__()
        width = config.n_embd
        if width % config.n_head:
            raise ValueError(f"{width} features cannot be split into {config.n_head} heads")
        self.c_attn = nn.Linear(width, 3 * width, bias=config.bias)
        self.c_proj = nn.Linear(width, width, bias=config.bias)
        self.resid_dropout = nn.Dropout(config.dropout)
        self.heads, self.dropout = config.n_head, config.dropout

    def forward(self, x: Tensor) -> Tensor:
        """Attend, and project."""
        batch, time, width = x.shape
        shape = (batch, time, self.heads, width // self.heads)
        q, k, v = (
            part.reshape(shape).transpose(1, 2) for part in self.c_attn(x).split(width, dim=2)
        )
        dropout = self.dropout if self.training else 0.0
        y = functional.scaled_dot_product_attention(q, k, v, dropout_p=dropout, is_causal=True)
        joined = y.transpose(1, 2).reshape(batch, time, width)
        out: Tensor = self.resid_dropout(self.c_proj(joined))
        return out


class MLP(nn.Module):
    """Four times as wide inside, with GPT-2's tanh form of GELU."""

    def __init__(self, config: GPTConfig) -> None:
        super().__init__()
        self.c_fc = nn.Linear(config.n_embd, 4 * config.n_embd, bias=config.bias)
        self.c_proj = nn.Linear(4 * config.n_embd, config.n_embd, bias=config.bias)
        self.dropout = nn.Dropout(config.dropout)

    def forward(self, x: Tensor) -> Tensor:
        """Widen, bend, narrow."""
        out: Tensor = self.dropout(self.c_proj(functional.gelu(self.c_fc(x), approximate="tanh")))
        return out


class Block(nn.Module):
    """Attention and MLP, each on normalised input and added to it."""

    def __init__(self, config: GPTConfig) -> None:
        super().__init__()
        self.ln_1 = nn.LayerNorm(config.n_embd, bias=config.bias)
        self.attn = CausalSelfAttention(config)
        self.ln_2 = nn.LayerNorm(config.n_embd, bias=config.bias)
        self.mlp = MLP(config)

    def forward(self, x: Tensor) -> Tensor:
        """Return (batch, time, features)."""
        x = x + self.attn(self.ln_1(x))
        out: Tensor = x + self.mlp(self.ln_2(x))
        return out


class GPT(nn.Module):
    """Token numbers (batch, time) to logits, and to the loss where targets are given."""

    def __init__(self, config: GPTConfig) -> None:
        super().__init__()
        self.config = config
        width = config.n_embd
        self.transformer = nn.ModuleDict(
            {
                "wte": nn.Embedding(config.vocab_size, width),
                "wpe": nn.Embedding(config.block_size, width),
                "drop": nn.Dropout(config.dropout),
                "h": nn.ModuleList([Block(config) for _ in range(config.n_layer)]),
                "ln_f": nn.LayerNorm(width, bias=config.bias),
            }
        )
        self.lm_head = nn.Linear(width, config.vocab_size, bias=False)
        self.transformer.wte.weight = self.lm_head.weight
        self._initialise()

    def _initialise(self) -> None:
        """Draw weights as GPT-2 does: 0.02, divided by the root of the depth on the way back to the sum."""
        for name, p in self.named_parameters():
            if name.endswith("c_proj.weight"):
                nn.init.normal_(p, 0.0, 0.02 / math.sqrt(2 * self.config.n_layer))
            elif name.endswith("bias"):
                nn.init.zeros_(p)
            elif ".ln_" not in name:
                nn.init.normal_(p, 0.0, 0.02)

    def forward(self, idx: Tensor, targets: Tensor | None = None) -> tuple[Tensor, Tensor | None]:
        """Return the logits (batch, time, vocabulary) and the loss; without targets those of the last place."""
        time = idx.shape[1]
        if time > self.config.block_size:
            raise ValueError(
                f"{time} tokens are more than the {self.config.block_size} of the model"
            )
        parts = self.transformer
        x = parts.drop(parts.wte(idx) + parts.wpe(FUNCTIONS["arange"](time, device=idx.device)))
        for block in parts.h:
            x = block(x)
        x = parts.ln_f(x)
        if targets is None:
            return self.lm_head(x[:, -1:]), None
        logits = self.lm_head(x)
        flat = logits.reshape(-1, logits.shape[-1])
        return logits, functional.cross_entropy(flat, targets.reshape(-1), ignore_index=-1)

    def load_state_dict(self, state_dict: Mapping[str, Any], *args: Any, **options: Any) -> Any:
        """Load nanoGPT's names, or Hugging Face's GPT-2, whose matrices lie transposed."""
        return super().load_state_dict(adapted(state_dict), *args, **options)

    def generate(
        self, idx: Tensor, max_new_tokens: int, temperature: float = 1.0, top_k: int | None = None
    ) -> Tensor:
        """Return `idx` with tokens drawn one after the other appended."""
        with no_grad():
            for _ in range(max_new_tokens):
                logits, _ = self(idx[:, -self.config.block_size :])
                logits = logits[:, -1] / temperature
                if top_k is not None:
                    values, _ = logits.topk(min(top_k, logits.shape[-1]))
                    logits = logits.masked_fill(logits < values[:, -1:], -math.inf)
                drawn = FUNCTIONS["multinomial"](functional.softmax(logits, dim=-1), 1)
                idx = FUNCTIONS["cat"]((idx, drawn), dim=1)
        return idx


def adapted(state: Mapping[str, Any]) -> dict[str, Any]:
    """Return a state dict under this model's names, whichever of the known forms it has."""
    found = {}
    for name, value in state.items():
        for prefix in _PREFIXES:
            name = name.removeprefix(prefix)  # noqa: PLW2901
        if name.endswith((".attn.bias", ".attn.masked_bias")):
            continue  # the causal mask, which older versions kept as a buffer
        known = name.startswith(("transformer.", "lm_head."))
        found[name if known else f"transformer.{name}"] = value
    first = found.get("transformer.h.0.attn.c_attn.weight")
    if first is not None and first.shape[1] == 3 * first.shape[0]:
        for name in [name for name in found if name.endswith(_TRANSPOSED)]:
            found[name] = found[name].t()
    if "lm_head.weight" not in found and "transformer.wte.weight" in found:
        found["lm_head.weight"] = found["transformer.wte.weight"]
    return found
