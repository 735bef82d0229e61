"""Compare an exported policy, run by onnxruntime, with the decisions that `demoloom export --check` wrote.

    check.py POLICY.onnx CASES.safetensors [MORE.onnx CASES.safetensors ...] [--mixture POLICY.safetensors]

States go round from each decision to the next. Exit status 0: the model is well-formed (onnx.checker) and all
actions agree within 1e-5 * (1 + |action|). The first step of a denoiser divides by the signal that is left in pure
noise, 5e-5 of it: what it starts from, rounded differently in its last bit, can change an action by more than that.
So where they do not, the decision is made again with noise a bit to either side, and may be off by four times what
that changes; of no more than half of the decisions, though.
--mixture: the same for means, scales and logits of a perceptron's mixture, reckoned anew in double precision.
"""
import argparse
import json
import re
import struct
import sys

import numpy
import onnx
import onnxruntime

TYPES = {"F32": numpy.float32, "F64": numpy.float64, "I32": numpy.int32, "I64": numpy.int64}


def read_safetensors(path):
    with open(path, "rb") as file:
        data = file.read()
    (length,) = struct.unpack_from("<Q", data)
    header = json.loads(data[8 : 8 + length])
    config = header.pop("__metadata__", {}).get("config", "")
    said = re.search(r"min_std: *(\S+)", config)  # policies with a mixture
    out = {"min_std": float(said.group(1))} if said else {}
    for name, entry in header.items():
        begin, end = entry["data_offsets"]
        flat = numpy.frombuffer(data[8 + length + begin : 8 + length + end], TYPES[entry["dtype"]])
        out[name] = flat.reshape(entry["shape"])
    return out


def mixture(weights, rows, actions):
    """What the graph of a perceptron is to give for rows (seen x numbers): obs standard, actions by range."""
    x = (rows - weights["obs.mean"]) / (weights["obs.deviation"] + 1e-3)
    x = x.reshape(-1).astype(numpy.float64)
    layers = sum(name.endswith(".weight") for name in weights)
    for i in range(layers):
        x = weights[f"model.mlp.{i}.weight"].astype(numpy.float64) @ x + weights[f"model.mlp.{i}.bias"]
        x = numpy.maximum(x, 0) if i + 1 < layers else x
    modes = len(x) // (2 * actions)
    low, high = weights["actions.low"], weights["actions.high"]
    half = numpy.where(high - low < 1e-4, 1, (high - low) / 2)
    means = numpy.tanh(x[: modes * actions].reshape(modes, actions)) * half + (low + high) / 2
    scales = numpy.logaddexp(0, x[modes * actions : 2 * modes * actions].reshape(modes, actions))
    scales = (scales + weights["min_std"]) * half
    return {"means": means, "scales": scales, "logits": x[2 * modes * actions :]}


def error(a, b):
    return numpy.abs(a - b) / (1 + numpy.abs(b))


def sensitivity(decide, noise):
    """What the last bit of noise changes in the actions decided, at most, in eight tries."""
    random, plain = numpy.random.default_rng(1), decide(noise)
    tries = [numpy.nextafter(noise, random.choice([-9, 9], noise.shape).astype(noise.dtype)) for _ in range(8)]
    return max(float(numpy.max(error(decide(one), plain))) for one in tries)


def check(policy, cases, tolerance, weights):
    onnx.checker.check_model(policy, full_check=True)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(policy, options, providers=["CPUExecutionProvider"])
    state = {}
    for port in session.get_inputs():
        if port.name.startswith("state_"):
            state[port.name] = numpy.zeros(port.shape, numpy.int64 if "int64" in port.type else numpy.float32)
        elif port.name not in cases:
            sys.exit(f"{policy}: input {port.name} is not among the cases")
    names = [port.name for port in session.get_outputs()]
    inputs = [name for name in cases if name != "actions"]
    run = lambda given: dict(zip(names, session.run(names, {**given, **state})))
    worst, nudged, ours = 0.0, 0, cases["actions"]
    for i in range(len(ours)):
        given = {name: cases[name][i] for name in inputs}
        out = run(given)
        off, allowed = error(out["actions"], ours[i]), tolerance
        if out["actions"].shape != ours[i].shape:
            sys.exit(f"{policy}: actions {out['actions'].shape} where ours are {ours[i].shape}")
        if "noise" in given and not numpy.all(off <= tolerance):
            allowed += 4 * sensitivity(lambda noise: run({**given, "noise": noise})["actions"], given["noise"])
            nudged += 1
        if not numpy.all(off <= allowed):
            sys.exit(f"{policy}: decision {i} is off by {numpy.max(off):.3g}")
        if "logits" in out and not numpy.array_equal(out["actions"][0], out["means"][numpy.argmax(out["logits"])]):
            sys.exit(f"{policy}: decision {i} is not the likeliest mode's mean")
        for name, value in (mixture(weights, numpy.concatenate([given[k] for k in inputs], 1), ours.shape[2])
                            if weights else {}).items():
            if value.size and not numpy.all(error(out[name], value) <= tolerance):
                sys.exit(f"{policy}: decision {i}: {name} are off by {numpy.max(error(out[name], value)):.3g}")
        worst = max(worst, float(numpy.max(off)))
        state = {name: out["next_" + name.removeprefix("state_")] for name in state}
    if nudged > len(ours) // 2:
        sys.exit(f"{policy}: {nudged} of {len(ours)} decisions are off by more than {tolerance:g}")
    print(f"{policy}: {len(ours)} decisions agree, largest error {worst:.2g}; {nudged} of them over {tolerance:g}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("files", nargs="+")
    parser.add_argument("--mixture")
    args = parser.parse_args()
    weights = read_safetensors(args.mixture) if args.mixture else None
    if weights:
        weights = {name: value for name, value in weights.items() if not name.startswith("train.")}
    for policy, cases in zip(args.files[::2], args.files[1::2], strict=True):
        check(policy, read_safetensors(cases), 1e-5, weights)
