#!/usr/bin/env python3
"""Compute small networks, losses and optimizer steps with PyTorch 1.13.1 for tests/policies/test_pytorch.c.

Make the environment (Python 3.11, any folder ENV; nothing of CUDA is used, but this wheel loads two of its libraries):
    python3 -m venv ENV && ENV/bin/pip install torch==1.13.1 numpy==1.26.4
Run:
    ENV/bin/python tests/golden/make_nn_golden.py
It writes nn_cases.json beside itself; the layout is described in tests/golden/README.md. Inputs are rounded to
single precision and PyTorch then computes in double, so that what is stored is right to the last digit. A second
run gives the same bytes.
"""

import json
import math
import os

import torch
import torch.nn.functional as F
from torch import nn

torch.manual_seed(1)
torch.set_default_dtype(torch.float64)
torch.set_num_threads(1)
cases = {}


def draw(*shape, scale=1.0):
    """Normal numbers that single precision holds."""
    return (scale * torch.randn(*shape)).float().double().requires_grad_()


def settle(module):
    """Parameters of a module, drawn anew so that norms are not the identity; in its own order."""
    with torch.no_grad():
        for p in module.parameters():
            p.copy_((p + 0.2 * torch.randn_like(p)).float().double())
    return dict(module.named_parameters())


def store(case, **arrays):
    cases.setdefault(case, {}).update(
        {k: [float("%.9g" % x) for x in v.detach().reshape(-1).tolist()] for k, v in arrays.items()}
    )


def layer(case, y, **inputs):
    """Store inputs, output and the gradients of sum(dy * y)."""
    dy = draw(*y.shape)
    gradients = torch.autograd.grad(y, list(inputs.values()), dy)
    store(case, y=y, dy=dy, **inputs, **{"d" + k: g for k, g in zip(inputs, gradients)})


def loss(case, value, fixed, **inputs):
    """Store inputs, what is fixed, the loss and its gradients."""
    gradients = torch.autograd.grad(value, list(inputs.values()))
    store(case, loss=value, **fixed, **inputs, **{"d" + k: g for k, g in zip(inputs, gradients)})


def linear():
    x, w, b = draw(5, 7), draw(4, 7), draw(4)
    layer("linear", F.linear(x, w, b), x=x, w=w, b=b)


def activations():
    kinds = {
        "relu": F.relu,
        "tanh": torch.tanh,
        "sigmoid": torch.sigmoid,
        "gelu": F.gelu,
        "gelu_tanh": lambda v: F.gelu(v, approximate="tanh"),
        "silu": F.silu,
        "mish": F.mish,
    }
    for name, f in kinds.items():
        x = torch.linspace(-9, 9, 61).float().double().requires_grad_()
        layer(name, f(x), x=x)


def norms():
    x, gain, bias = draw(4, 70), draw(70), draw(70)
    layer("layer_norm", F.layer_norm(x, (70,), gain, bias), x=x, gain=gain, bias=bias)
    x, gain, bias = draw(3, 6, 5), draw(6), draw(6)
    layer("group_norm", F.group_norm(x, 2, gain, bias), x=x, gain=gain, bias=bias)


def attention():
    module = nn.MultiheadAttention(8, 2, batch_first=True)
    p = settle(module)
    for name, mask in (("attention", None), ("causal_attention", torch.triu(torch.ones(6, 6), 1).bool())):
        x = draw(2, 6, 8)
        y, _ = module(x, x, x, attn_mask=mask)
        layer(
            name,
            y,
            x=x,
            w=p["in_proj_weight"],
            b=p["in_proj_bias"],
            wo=p["out_proj.weight"],
            bo=p["out_proj.bias"],
        )


def lstm():
    module = nn.LSTM(4, 6, num_layers=2)
    p = settle(module)
    x, h, c = draw(5, 3, 4), draw(2, 3, 6), draw(2, 3, 6)
    y, (_, last) = module(x, (h, c))
    store("lstm", c_end=last)
    short = {"weight_ih_l": "wi", "weight_hh_l": "wh", "bias_ih_l": "bi", "bias_hh_l": "bh"}
    layer("lstm", y, x=x, h=h, c=c, **{short[k[:-1]] + k[-1]: v for k, v in p.items()})


def convolutions():
    x, w, b = draw(2, 3, 7, 6), draw(4, 3, 3, 2), draw(4)
    layer("conv_2d", F.conv2d(x, w, b, stride=(2, 1), padding=(1, 0)), x=x, w=w, b=b)
    x, w, b = draw(3, 2, 9), draw(5, 2, 5), draw(5)
    layer("conv_1d", F.conv1d(x, w, b, padding=2), x=x, w=w, b=b)
    x, w, b = draw(2, 4, 5), draw(4, 3, 4), draw(3)
    layer("conv_transposed", F.conv_transpose1d(x, w, b, stride=2, padding=1), x=x, w=w, b=b)
    x = draw(2, 3, 5)
    layer("upsample", F.interpolate(x, scale_factor=2), x=x)


def spatial_softmax():
    """Expected column and row of each channel, in [-1, 1] (robomimic's SpatialSoftmax)."""
    x = draw(2, 3, 4, 5, scale=2)
    weight = F.softmax(x.reshape(6, 20) / 0.7, -1).reshape(6, 4, 5)
    column = (weight * torch.linspace(-1, 1, 5)).sum((1, 2))
    row = (weight * torch.linspace(-1, 1, 4)[:, None]).sum((1, 2))
    layer("spatial_softmax", torch.stack([column, row], 1), x=x)


def mixtures():
    """robomimic's GMM head: torch.distributions, not our formulas."""
    n, actions = 6, 3
    for name, modes, squash in (("gaussian", 1, False), ("mixture", 5, True)):
        y, action = draw(n, 2 * modes * actions + (modes if modes > 1 else 0)), draw(n, actions, scale=0.5)
        mean = y[:, : modes * actions].reshape(n, modes, actions)
        deviation = F.softplus(y[:, modes * actions : 2 * modes * actions].reshape(n, modes, actions)) + 1e-4
        logits = y[:, 2 * modes * actions :] if modes > 1 else torch.zeros(n, 1)
        each = torch.distributions.Normal(torch.tanh(mean) if squash else mean, deviation)
        mixture = torch.distributions.MixtureSameFamily(
            torch.distributions.Categorical(logits=logits), torch.distributions.Independent(each, 1)
        )
        loss(name, -mixture.log_prob(action).mean(), {"action": action}, y=y)


def diffusion():
    """Noised actions with their step's embedding through a linear layer; the mean squared error of the noise."""
    steps, n, width = 100, 4, 6

    def bar(t):
        return math.cos((t + 0.008) / 1.008 * math.pi / 2) ** 2

    beta = torch.tensor([min(1 - bar((i + 1) / steps) / bar(i / steps), 0.999) for i in range(steps)])
    kept = torch.cumprod(1 - beta, 0)
    clean, noise, t = draw(n, width), draw(n, width), torch.tensor([0, 7, 50, 99])
    noisy = kept[t].sqrt()[:, None] * clean + (1 - kept[t]).sqrt()[:, None] * noise
    angle = t[:, None] * torch.exp(torch.arange(4) * -(math.log(10000) / 3))
    embedding = torch.cat([angle.sin(), angle.cos()], -1)
    w, b = draw(width, width + 8, scale=0.3), draw(width)
    guess = F.linear(torch.cat([noisy, embedding], -1), w, b)
    fixed = {"clean": clean, "noise": noise, "t": t.double(), "noisy": noisy, "embedding": embedding, "kept": kept}
    loss("diffusion", F.mse_loss(guess, noise), fixed, w=w, b=b)


def flat(module):
    return torch.cat([p.reshape(-1) for p in module.parameters()])


def training():
    """A perceptron's gradients, then steps of three optimizers; parameters in the module's own order."""
    x, target = draw(6, 5), draw(6, 3)
    kinds = {
        "adam": lambda p: torch.optim.Adam(p, lr=0.01),
        "adam_decay": lambda p: torch.optim.Adam(p, lr=0.01, weight_decay=0.1),
        "adamw_clipped": lambda p: torch.optim.AdamW(p, lr=0.01, weight_decay=0.1),
    }
    for name, make in kinds.items():
        net = nn.Sequential(nn.Linear(5, 8), nn.ReLU(), nn.Linear(8, 8), nn.ReLU(), nn.Linear(8, 3))
        settle(net)
        optimizer = make(net.parameters())
        store(name, x=x, target=target, value=flat(net))
        for step in range(3):
            optimizer.zero_grad()
            value = F.mse_loss(net(x), target)
            value.backward()
            if step == 0:
                store(name, loss=value, dvalue=torch.cat([p.grad.reshape(-1) for p in net.parameters()]))
            if name == "adamw_clipped":
                nn.utils.clip_grad_norm_(net.parameters(), 0.1)
            optimizer.step()
            store(name, **{"step%d" % (step + 1): flat(net)})


class PointNet(nn.Module):
    """DP3's encoder for x y z, narrower."""

    def __init__(self):
        super().__init__()
        self.mlp = nn.ModuleList([nn.Linear(3, 8), nn.Linear(8, 12)])
        self.norm = nn.ModuleList([nn.LayerNorm(8), nn.LayerNorm(12)])
        self.projection, self.projection_norm = nn.Linear(12, 5), nn.LayerNorm(5)

    def forward(self, x):
        for linear_layer, norm in zip(self.mlp, self.norm):
            x = F.relu(norm(linear_layer(x)))
        return self.projection_norm(self.projection(x.max(1)[0]))


def pointnet():
    net = PointNet()
    p = settle(net)
    x = draw(3, 300, 3)
    x.requires_grad_(False)
    store("pointnet", x=x)
    layer("pointnet", net(x), **p)


def main():
    for make in (
        linear,
        activations,
        norms,
        attention,
        lstm,
        convolutions,
        spatial_softmax,
        mixtures,
        diffusion,
        training,
        pointnet,
    ):
        make()
    path = os.path.join(os.path.dirname(os.path.abspath(__file__)), "nn_cases.json")
    with open(path, "w") as f:
        json.dump(cases, f, separators=(",", ":"))
        f.write("\n")


main()
