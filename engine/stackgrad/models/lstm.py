"""A language model on LSTM (Zaremba, Sutskever, Vinyals, 2014), named as in pytorch/examples' word_language_model."""

from __future__ import annotations

from typing import Any

from stackgrad import nn
from stackgrad.nn import functional
from stackgrad.tensor import Tensor


class LSTMLanguageModel(nn.Module):
    """Word numbers (time, batch) to log-probabilities (time * batch, vocabulary) and the state to go on with."""

    def __init__(
        self,
        vocabulary: int,
        embedding: int = 200,
        hidden: int = 200,
        layers: int = 2,
        dropout: float = 0.5,
        tie_weights: bool = False,
    ) -> None:
        super().__init__()
        if tie_weights and hidden != embedding:
            raise ValueError("tied weights need as many hidden as embedding features")
        self.drop = nn.Dropout(dropout)
        self.encoder = nn.Embedding(vocabulary, embedding)
        self.rnn = nn.LSTM(embedding, hidden, layers, dropout=dropout)
        self.decoder = nn.Linear(hidden, vocabulary)
        self.hidden, self.layers, self.vocabulary = hidden, layers, vocabulary
        if tie_weights:
            self.decoder.weight = self.encoder.weight
        nn.init.uniform_(self.encoder.weight, -0.1, 0.1)
        nn.init.zeros_(self.decoder.bias)
        nn.init.uniform_(self.decoder.weight, -0.1, 0.1)

    def forward(self, words: Tensor, state: Any = None) -> tuple[Tensor, Any]:
        """Return log-probabilities of the next words, and (h, c)."""
        out, state = self.rnn(self.drop(self.encoder(words)), state)
        decoded = self.decoder(self.drop(out)).reshape(-1, self.vocabulary)
        return functional.log_softmax(decoded, dim=1), state

    def init_hidden(self, batch: int) -> tuple[Tensor, Tensor]:
        """Return zeros (h, c) on the device of the weights."""
        shape = (self.layers, batch, self.hidden)
        weight = self.encoder.weight
        return weight.new_zeros(shape), weight.new_zeros(shape)
