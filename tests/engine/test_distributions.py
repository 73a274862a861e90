from __future__ import annotations

import numpy as np
import pytest
import stackgrad

torch = pytest.importorskip("torch", reason="PyTorch, the oracle, is not installed")

pytestmark = [pytest.mark.oracle, pytest.mark.filterwarnings("ignore")]

P = [[0.2, 0.5, 0.3], [0.1, 0.1, 0.8]]
MADE = {
    "Normal": (lambda d, t: d.Normal(t([0.5, -1.0]), t([1.0, 2.0])), [0.3, 1.0]),
    "Uniform": (lambda d, t: d.Uniform(t([0.0, -1.0]), t([1.0, 2.0])), [0.3, 1.0]),
    "Exponential": (lambda d, t: d.Exponential(t([0.5, 2.0])), [0.3, 1.0]),
    "Laplace": (lambda d, t: d.Laplace(t([0.5, -1.0]), t([1.0, 2.0])), [0.3, 1.0]),
    "Bernoulli": (lambda d, t: d.Bernoulli(t([0.3, 0.8])), [0.0, 1.0]),
    "Bernoulli logits": (lambda d, t: d.Bernoulli(logits=t([0.3, -0.8])), [0.0, 1.0]),
    "Geometric": (lambda d, t: d.Geometric(t([0.3, 0.8])), [0.0, 3.0]),
    "Categorical": (lambda d, t: d.Categorical(t(P)), [1.0, 2.0]),
    "Categorical logits": (lambda d, t: d.Categorical(logits=t(P)), [1.0, 0.0]),
    "OneHotCategorical": (lambda d, t: d.OneHotCategorical(t(P)), [[0.0, 1.0, 0.0], [0.0, 0.0, 1.0]]),
    "MultivariateNormal": (
        lambda d, t: d.MultivariateNormal(t([0.1, 0.2]), t([[2.0, 0.5], [0.5, 1.0]])), [0.3, 1.0],
    ),
    "Independent": (lambda d, t: d.Independent(d.Normal(t([0.5, -1.0]), t([1.0, 2.0])), 1), [0.3, 1.0]),
}  # fmt: skip


def of(library, name):
    return MADE[name][0](library.distributions, lambda v: library.tensor(v, requires_grad=True))


@pytest.mark.parametrize("name", MADE)
def test_densities_moments_and_entropies_are_pytorchs(name):
    theirs, ours = of(torch, name), of(stackgrad, name)
    value = MADE[name][1]
    pairs = [(theirs.log_prob(torch.tensor(value)), ours.log_prob(stackgrad.tensor(value)))]
    pairs.append((theirs.entropy(), ours.entropy()))
    if name.split()[0] != "Categorical":
        pairs += [(theirs.mean, ours.mean), (theirs.variance, ours.variance)]
    for a, b in pairs:
        np.testing.assert_allclose(b.detach().numpy(), a.detach().numpy(), rtol=1e-5, atol=1e-6)
    assert tuple(theirs.batch_shape) == tuple(ours.batch_shape)
    assert tuple(theirs.sample((4, 5)).shape) == tuple(ours.sample((4, 5)).shape)


@pytest.mark.parametrize("name", MADE)
def test_samples_have_the_mean_and_the_deviation_that_they_claim(name):
    stackgrad.manual_seed(0)
    made = of(stackgrad, name)
    drawn = made.sample((20_000,)).double().numpy()
    if name.startswith("Categorical"):
        shares = np.stack([(drawn == k).mean(0) for k in range(3)], -1)
        np.testing.assert_allclose(shares, made.probs.detach().numpy(), atol=0.02)
        return
    np.testing.assert_allclose(drawn.mean(0), made.mean.detach().numpy(), atol=0.1)
    np.testing.assert_allclose(drawn.var(0), made.variance.detach().numpy(), rtol=0.1, atol=0.02)


@pytest.mark.parametrize("name", ["Normal", "Laplace", "Bernoulli", "Categorical", "MultivariateNormal", "Independent", "Exponential"])  # fmt: skip
def test_divergences_are_pytorchs(name):
    found = []
    for library in (torch, stackgrad):
        p = of(library, name)
        d = library.distributions
        if name in ("Normal", "Laplace"):
            q = getattr(d, name)(p.loc * 0.5 + 1, p.scale * 1.5)
        elif name == "Independent":
            q = d.Independent(d.Normal(p.base_dist.loc + 1, p.base_dist.scale * 2), 1)
        elif name == "MultivariateNormal":
            q = d.MultivariateNormal(p.loc + 1, p.covariance_matrix * 2)
        elif name == "Exponential":
            q = d.Exponential(p.rate * 2)
        else:
            q = getattr(d, name)(p.probs.sqrt())
        found.append(d.kl_divergence(p, q).detach().numpy())
    np.testing.assert_allclose(found[1], found[0], rtol=1e-4)


def test_parameters_and_values_outside_their_domain_are_refused():
    d = stackgrad.distributions
    with pytest.raises(ValueError, match="scale of distribution Normal to be positive"):
        d.Normal(0.0, -1.0)
    with pytest.raises(ValueError, match="0 or 1"):
        d.Bernoulli(0.5).log_prob(stackgrad.tensor(2.0))
    with pytest.raises(AttributeError, match="Dirichlet"):
        d.Dirichlet(stackgrad.ones(2))
