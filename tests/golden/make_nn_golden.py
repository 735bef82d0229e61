#!/usr/bin/env python3
"""Compute small networks, losses and optimizer steps with PyTorch 2.15.0 for tests/policies/nn/test_pytorch.c.

Make the environment (Python 3.11, any folder ENV; nothing of CUDA is used, but the wheel brings it along):
    python3 -m venv ENV && ENV/bin/pip install torch==2.15.0
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


def whole(case, p, value, fixed):
    """Store a network's parameters, its loss, their gradients and themselves after one step of Adam."""
    store(case, loss=value, **fixed, **p)
    value.backward()
    store(case, **{"d" + k: v.grad for k, v in p.items()})
    torch.optim.Adam(p.values(), lr=0.01).step()
    store(case, **{"after " + k: v for k, v in p.items()})


def gain(n):
    with torch.no_grad():
        return (1 + 0.2 * torch.randn(n)).float().double().requires_grad_()


def transformer():
    """BC-Transformer: the last two of four rows are taught; robomimic's GMM head."""
    n, rows, taught, dim, width, heads, actions, modes = 3, 4, 2, 5, 8, 2, 3, 2
    p = {"transformer.embed.weight": draw(width, dim), "transformer.embed.bias": draw(width)}
    p["transformer.place"] = draw(rows, width)
    p |= {"transformer.first.weight": gain(width), "transformer.first.bias": draw(width, scale=0.2)}
    for i in range(2):
        p["transformer.%d.qkv.weight" % i] = draw(3 * width, width, scale=0.4)
        for k, out, size in (("out", width, width), ("mlp.0", 4 * width, width), ("mlp.1", width, 4 * width)):
            p["transformer.%d.%s.weight" % (i, k)] = draw(out, size, scale=0.4)
            p["transformer.%d.%s.bias" % (i, k)] = draw(out, scale=0.4)
        for k in range(2):
            p["transformer.%d.norm.%d.weight" % (i, k)] = gain(width)
            p["transformer.%d.norm.%d.bias" % (i, k)] = draw(width, scale=0.2)
    p |= {"transformer.last.weight": gain(width), "transformer.last.bias": draw(width, scale=0.2)}
    outputs = 2 * modes * actions + modes
    p |= {"head.0.weight": draw(outputs, width, scale=0.3), "head.0.bias": draw(outputs, scale=0.3)}
    obs, action = draw(n, rows, dim), draw(n, taught, actions, scale=0.5)
    real = torch.tensor([[1.0, 0.0], [1.0, 1.0], [1.0, 1.0]])

    def norm(x, name):
        return F.layer_norm(x, (width,), p["transformer.%s.weight" % name], p["transformer.%s.bias" % name])

    def linear_of(x, name):
        return F.linear(x, p["transformer.%s.weight" % name], p.get("transformer.%s.bias" % name))

    x = norm(linear_of(obs, "embed") + p["transformer.place"], "first")
    for i in range(2):
        q, k, v = (
            a.reshape(n, rows, heads, width // heads).transpose(1, 2)
            for a in linear_of(norm(x, "%d.norm.0" % i), "%d.qkv" % i).chunk(3, -1)
        )
        score = q @ k.transpose(-1, -2) / math.sqrt(width // heads)
        score = score.masked_fill(torch.triu(torch.ones(rows, rows), 1).bool(), -math.inf)
        x = x + linear_of((score.softmax(-1) @ v).transpose(1, 2).reshape(n, rows, width), "%d.out" % i)
        x = x + linear_of(F.gelu(linear_of(norm(x, "%d.norm.1" % i), "%d.mlp.0" % i)), "%d.mlp.1" % i)
    y = F.linear(norm(x, "last")[:, -taught:], p["head.0.weight"], p["head.0.bias"])
    mean = torch.tanh(y[..., : modes * actions].reshape(n, taught, modes, actions))
    raw = y[..., modes * actions : 2 * modes * actions].reshape(n, taught, modes, actions)
    mixture = torch.distributions.MixtureSameFamily(
        torch.distributions.Categorical(logits=y[..., 2 * modes * actions :]),
        torch.distributions.Independent(torch.distributions.Normal(mean, F.softplus(raw) + 0.01), 1),
    )
    value = -(mixture.log_prob(action) * real).sum() / real.sum()
    whole("bc_transformer", p, value, {"obs": obs, "action": action, "real": real})


def unet():
    """Diffusion Policy's U-Net with two levels: the noise in a chunk of actions."""
    n, channels, length, seen, step, sizes, groups, taps = 3, 3, 4, 6, 4, (4, 8), 2, 3
    p = {}

    def conv_of(name, out, inner, k):
        p[name + "weight"] = draw(out, inner, k, scale=0.4)
        p[name + "bias"] = draw(out, scale=0.3)

    def norm_of(name, out):
        p[name + "norm.weight"], p[name + "norm.bias"] = gain(out), draw(out, scale=0.2)

    def block_of(name, inner, out):
        for i, channel in enumerate((inner, out)):
            conv_of("%s%d." % (name, i), out, channel, taps)
            norm_of("%s%d." % (name, i), out)
        p[name + "film.weight"], p[name + "film.bias"] = draw(2 * out, step + seen, scale=0.3), gain(2 * out)
        if inner != out:
            conv_of(name + "shortcut.", out, inner, 1)

    for i, (inner, out) in enumerate(((step, 4 * step), (4 * step, step))):
        p["step.%d.weight" % i], p["step.%d.bias" % i] = draw(out, inner, scale=0.4), draw(out, scale=0.4)
    block_of("down.0.0.", channels, sizes[0])
    block_of("down.0.1.", sizes[0], sizes[0])
    conv_of("down.0.stride.", sizes[0], sizes[0], 3)
    block_of("down.1.0.", sizes[0], sizes[1])
    block_of("down.1.1.", sizes[1], sizes[1])
    block_of("bottom.0.", sizes[1], sizes[1])
    block_of("bottom.1.", sizes[1], sizes[1])
    block_of("up.0.0.", 2 * sizes[1], sizes[0])
    block_of("up.0.1.", sizes[0], sizes[0])
    conv_of("up.0.stride.", sizes[0], sizes[0], 4)
    conv_of("last.", sizes[0], sizes[0], taps)
    norm_of("last.", sizes[0])
    conv_of("output.", channels, sizes[0], 1)

    def part(x, name):
        x = F.conv1d(x, p[name + "weight"], p[name + "bias"], padding=taps // 2)
        return F.mish(F.group_norm(x, groups, p[name + "norm.weight"], p[name + "norm.bias"]))

    def block(x, condition, name):
        film = F.linear(F.mish(condition), p[name + "film.weight"], p[name + "film.bias"])
        scale, shift = film[..., None].chunk(2, 1)
        y = part(part(x, name + "0.") * scale + shift, name + "1.")
        shortcut = name + "shortcut.weight"
        return y + (F.conv1d(x, p[shortcut], p[name + "shortcut.bias"]) if shortcut in p else x)

    noisy, noise, obs = draw(n, length, channels), draw(n, length, channels), draw(n, seen)
    t = torch.tensor([0.0, 13.0, 88.0])
    angle = t[:, None] * torch.exp(torch.arange(step // 2) * -(math.log(10000) / (step // 2 - 1)))
    features = F.mish(F.linear(torch.cat([angle.sin(), angle.cos()], -1), p["step.0.weight"], p["step.0.bias"]))
    condition = torch.cat([F.linear(features, p["step.1.weight"], p["step.1.bias"]), obs], -1)
    x = noisy.transpose(1, 2)
    for i in range(2):
        x = block(x, condition, "down.0.%d." % i)
    x = F.conv1d(x, p["down.0.stride.weight"], p["down.0.stride.bias"], stride=2, padding=1)
    for i in range(2):
        x = block(x, condition, "down.1.%d." % i)
    beside = x
    for i in range(2):
        x = block(x, condition, "bottom.%d." % i)
    x = torch.cat([x, beside], 1)
    for i in range(2):
        x = block(x, condition, "up.0.%d." % i)
    x = F.conv_transpose1d(x, p["up.0.stride.weight"], p["up.0.stride.bias"], stride=2, padding=1)
    x = F.conv1d(part(x, "last."), p["output.weight"], p["output.bias"])
    y = x.transpose(1, 2)
    whole("unet", p, F.mse_loss(y, noise), {"noisy": noisy, "noise": noise, "t": t, "seen": obs, "y": y})


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
        transformer,
        unet,
    ):
        make()
    path = os.path.join(os.path.dirname(os.path.abspath(__file__)), "nn_cases.json")
    with open(path, "w") as f:
        json.dump(cases, f, separators=(",", ":"))
        f.write("\n")


main()
