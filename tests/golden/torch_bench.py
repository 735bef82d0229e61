#!/usr/bin/env python3
"""Time the networks of tests/policies/bench_nn.c in PyTorch, in turns with that program, and print the ratios.

    OMP_NUM_THREADS=2 ENV/bin/python tests/golden/torch_bench.py build/tests/policies/bench_nn [ROUNDS] [NAME...]

ENV as in make_nn_golden.py. Each round times a case in PyTorch and at once in ours, each in its own process with the
same number of threads, so that whatever else the machine does meets both; printed are medians of the rounds.
"""

import os
import statistics
import subprocess
import sys
import time

NAMES = ["mlp_train", "rnn_train", "pointnet_train", "mlp_act", "rnn_act"]


def perceptron(torch):
    nn = torch.nn
    return nn.Sequential(nn.Linear(100, 1024), nn.ReLU(), nn.Linear(1024, 1024), nn.ReLU(), nn.Linear(1024, 28))


def head_loss(torch, y, action):
    """robomimic's GMM head: means through tanh, softplus deviations."""
    D, F = torch.distributions, torch.nn.functional
    mean = y[..., :140].reshape(*y.shape[:-1], 5, 28)
    deviation = F.softplus(y[..., 140:280].reshape(*y.shape[:-1], 5, 28)) + 1e-4
    each = D.Independent(D.Normal(torch.tanh(mean), deviation), 1)
    mixture = D.MixtureSameFamily(D.Categorical(logits=y[..., 280:]), each)
    return -mixture.log_prob(action).mean()


def head_sample(torch, y):
    """Low-noise evaluation, without torch.distributions (which would take longer)."""
    mode = torch.multinomial(torch.softmax(y[..., 280:], -1), 1).item()
    return torch.tanh(y[..., 28 * mode : 28 * (mode + 1)]) + 1e-4 * torch.randn(28)


def make(torch, name):
    """A function without arguments: one step, one decision."""
    nn, F = torch.nn, torch.nn.functional

    class Recurrent(nn.Module):
        def __init__(self):
            super().__init__()
            self.lstm, self.head = nn.LSTM(100, 400, num_layers=2), nn.Linear(400, 285)

        def forward(self, x, state=None):
            y, state = self.lstm(x, state)
            return self.head(y), state

    class PointNet(nn.Module):
        def __init__(self):
            super().__init__()
            layers = []
            for a, b in ((3, 64), (64, 128), (128, 256)):
                layers += [nn.Linear(a, b), nn.LayerNorm(b), nn.ReLU()]
            self.mlp = nn.Sequential(*layers)
            self.projection = nn.Sequential(nn.Linear(256, 64), nn.LayerNorm(64))

        def forward(self, x):
            return self.projection(self.mlp(x).max(1)[0])

    if name == "mlp_act":
        net, x = perceptron(torch), torch.randn(1, 100)
        return lambda: net(x)
    if name == "rnn_act":
        net, x, memory = Recurrent(), torch.randn(1, 1, 100), [None]

        def act():
            y, memory[0] = net(x, memory[0])
            return head_sample(torch, y[0, 0])

        return act
    if name == "mlp_train":
        net, x, target = perceptron(torch), torch.randn(256, 100), torch.randn(256, 28)
        value = lambda: F.mse_loss(net(x), target)
    elif name == "rnn_train":
        net, x, target = Recurrent(), torch.randn(10, 100, 100), 0.5 * torch.randn(10, 100, 28)
        value = lambda: head_loss(torch, net(x)[0], target)
    else:
        net, x, target = PointNet(), 0.5 * torch.randn(128, 1024, 3), torch.randn(128, 64)
        value = lambda: F.mse_loss(net(x), target)
    optimizer = torch.optim.Adam(net.parameters(), lr=1e-4)

    def step():
        optimizer.zero_grad(set_to_none=True)
        value().backward()
        optimizer.step()

    return step


def measure(name):
    """Median milliseconds, as bench_nn.c takes them."""
    import torch

    torch.manual_seed(1)
    torch.distributions.Distribution.set_default_validate_args(False)
    torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", "2")))
    with torch.set_grad_enabled(not name.endswith("_act")):
        run = make(torch, name)
        for _ in range(3):
            run()
        took, begin = [], time.perf_counter()
        while len(took) < 5 or time.perf_counter() - begin < 1:
            at = time.perf_counter()
            run()
            took.append(1e3 * (time.perf_counter() - at))
    return statistics.median(took)


def child(command):
    return float(subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()[-1])


def main():
    if sys.argv[1] == "--measure":
        print(measure(sys.argv[2]))
        return
    program, rounds = sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 5
    print("%-14s %12s %12s %8s" % ("", "PyTorch ms", "ours ms", "ratio"))
    for name in sys.argv[3:] or NAMES:
        theirs, ours = [], []
        for _ in range(rounds):
            theirs.append(child([sys.executable, __file__, "--measure", name]))
            ours.append(child([program, name]))
        ratio = statistics.median(a / b for a, b in zip(theirs, ours))
        print("%-14s %12.3f %12.3f %8.2f" % (name, statistics.median(theirs), statistics.median(ours), ratio), flush=True)


main()
