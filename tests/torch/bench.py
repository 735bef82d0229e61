#!/usr/bin/env python3
"""Time the networks of tests/policies/nn/bench_nn.c in PyTorch, in turns with that program, and print the ratios.

    bench.py PROGRAM [ROUNDS] [NAME...]        (tests/torch/run.sh makes the environment and calls it)

Both have the same weights, inputs and targets (bench_nn writes them) and train with Adam; that they compute the same is
checked by the loss at the third step. Each round times a case in ours and at once in PyTorch, each in its own process
with the same number of threads, so that whatever else the machine does meets both. The figure of a process is what nine
steps in ten take at least; printed are the medians of the rounds, and of the rounds' ratios. With LOOM_BENCH_CPU set it
is CPU time, which other work changes less: for one thread on a busy machine. The exit status is 1 where a ratio is below
its bar.
"""

import array
import os
import statistics
import subprocess
import sys
import tempfile
import time

# Bar of each case: how many times faster ours has to be.
BARS = {"mlp_train": 1.3, "rnn_train": 1.2, "pointnet_train": 4, "mlp_act": 3, "rnn_act": 4}
ACTIONS, MODES, HIDDEN = 28, 5, 400


def head_loss(torch, y, action):
    """robomimic's GMM head: means through tanh, softplus deviations."""
    D, F = torch.distributions, torch.nn.functional
    block = MODES * ACTIONS
    mean = y[..., :block].reshape(*y.shape[:-1], MODES, ACTIONS)
    deviation = F.softplus(y[..., block : 2 * block].reshape(*y.shape[:-1], MODES, ACTIONS)) + 1e-4
    each = D.Independent(D.Normal(torch.tanh(mean), deviation), 1)
    mixture = D.MixtureSameFamily(D.Categorical(logits=y[..., 2 * block :]), each)
    return -mixture.log_prob(action).mean()


def head_sample(torch, y):
    """Low-noise evaluation, without torch.distributions (which would take longer)."""
    mode = torch.multinomial(torch.softmax(y[..., 2 * MODES * ACTIONS :], -1), 1).item()
    return torch.tanh(y[..., ACTIONS * mode : ACTIONS * (mode + 1)]) + 1e-4 * torch.randn(ACTIONS)


def networks(torch):
    nn = torch.nn

    class Recurrent(nn.Module):
        def __init__(self):
            super().__init__()
            self.lstm, self.head = nn.LSTM(100, HIDDEN, num_layers=2), nn.Linear(HIDDEN, MODES * (2 * ACTIONS + 1))

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

    def perceptron():
        a, b, c = nn.Linear(100, 1024), nn.Linear(1024, 1024), nn.Linear(1024, ACTIONS)
        return nn.Sequential(a, nn.ReLU(), b, nn.ReLU(), c)

    return {"mlp": perceptron, "rnn": Recurrent, "pointnet": PointNet}


def make(torch, name, path):
    """A function without arguments: one step, which gives its loss, or one decision."""
    kind, what = name.split("_")
    net = networks(torch)[kind]()
    with open(path, "rb") as file:
        counts = array.array("q", file.read(24))
        weights, x, target = (torch.frombuffer(bytearray(file.read(4 * n)), dtype=torch.float32) for n in counts)
    torch.nn.utils.vector_to_parameters(weights, net.parameters())  # both list them in the same order
    if what == "act":
        x = x.reshape(1, -1)
        if kind == "mlp":
            return lambda: net(x)
        x, memory = x[None], [None]

        def act():
            y, memory[0] = net(x, memory[0])
            return head_sample(torch, y[0, 0])

        return act
    mean_square = torch.nn.functional.mse_loss
    if kind == "mlp":
        x, target = x.reshape(256, -1), target.reshape(256, -1)
        value = lambda: mean_square(net(x), target)
    elif kind == "rnn":
        x, target = x.reshape(10, 100, -1), target.reshape(10, 100, -1)
        value = lambda: head_loss(torch, net(x)[0], target)
    else:
        x, target = x.reshape(128, 1024, 3), target.reshape(128, -1)
        value = lambda: mean_square(net(x), target)
    optimizer = torch.optim.Adam(net.parameters(), lr=1e-4)

    def step():
        optimizer.zero_grad(set_to_none=True)
        loss = value()
        loss.backward()
        optimizer.step()
        return loss

    return step


def measure(name, path):
    """Milliseconds and the loss at the third step, as bench_nn.c takes them."""
    import torch

    torch.manual_seed(1)
    torch.distributions.Distribution.set_default_validate_args(False)
    torch.set_num_threads(int(os.environ["OMP_NUM_THREADS"]))
    trains = name.endswith("_train")
    with torch.set_grad_enabled(trains):
        run = make(torch, name, path)
        now = time.process_time if os.environ.get("LOOM_BENCH_CPU") else time.perf_counter
        losses = [run() for _ in range(3)]
        took, begin = [], now()
        while len(took) < 5 or now() - begin < 1.5:
            at = now()
            run()
            took.append(1e3 * (now() - at))
    print(name, sorted(took)[len(took) // 10], losses[2].item() if trains else 0)


def child(command):
    """Milliseconds and loss that a process prints."""
    words = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout.split()
    return float(words[1]), float(words[2])


def compare(program, name, rounds):
    theirs, ours = [], []
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, name)
        for _ in range(rounds):
            took, loss = child([program, name, path])
            their_time, their_loss = child([sys.executable, __file__, "--measure", name, path])
            if abs(loss - their_loss) > 1e-4 * max(1, abs(their_loss)):
                sys.exit("%s: the loss at the third step is %g, in PyTorch %g" % (name, loss, their_loss))
            ours.append(took)
            theirs.append(their_time)
    ratio = statistics.median(a / b for a, b in zip(theirs, ours))
    note = "" if ratio >= BARS[name] else "  below"
    print(
        "%-14s %12.3f %12.3f %8.2f %6.1f%s"
        % (name, statistics.median(theirs), statistics.median(ours), ratio, BARS[name], note),
        flush=True,
    )
    return ratio >= BARS[name]


def main():
    if sys.argv[1] == "--measure":
        measure(sys.argv[2], sys.argv[3])
        return
    program, rounds = sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 5
    print("%-14s %12s %12s %8s %6s" % ("", "PyTorch ms", "ours ms", "times", "bar"), flush=True)
    reached = [compare(program, name, rounds) for name in sys.argv[3:] or BARS]
    sys.exit(0 if all(reached) else 1)


main()
