"""Compare an exported policy, run by onnxruntime, with the decisions that `demoloom export --check` wrote.

    check.py POLICY.onnx CASES.safetensors [--tolerance T]

States go round from each decision to the next. Exit status 0: the model is well-formed (onnx.checker) and all
actions agree within T * (1 + |action|).
"""
import argparse
import json
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
    header.pop("__metadata__", None)
    out = {}
    for name, entry in header.items():
        begin, end = entry["data_offsets"]
        flat = numpy.frombuffer(data[8 + length + begin : 8 + length + end], TYPES[entry["dtype"]])
        out[name] = flat.reshape(entry["shape"])
    return out


def check(policy, cases, tolerance):
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
    worst, ours = 0.0, cases["actions"]
    for i in range(len(ours)):
        out = dict(zip(names, session.run(names, {**{name: cases[name][i] for name in inputs}, **state})))
        state = {name: out["next_" + name.removeprefix("state_")] for name in state}
        if out["actions"].shape != ours[i].shape:
            sys.exit(f"{policy}: actions {out['actions'].shape} where ours are {ours[i].shape}")
        error = numpy.abs(out["actions"] - ours[i]) / (1 + numpy.abs(ours[i]))
        if not numpy.all(error <= tolerance):
            sys.exit(f"{policy}: decision {i} is off by {numpy.max(error):.3g}")
        worst = max(worst, float(numpy.max(error)))
        if "logits" in out and not numpy.array_equal(out["actions"][0], out["means"][numpy.argmax(out["logits"])]):
            sys.exit(f"{policy}: decision {i} is not the likeliest mode's mean")
    print(f"{policy}: {len(ours)} decisions agree, largest error {worst:.2g}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("policy")
    parser.add_argument("cases")
    parser.add_argument("--tolerance", type=float, default=1e-5)
    args = parser.parse_args()
    check(args.policy, read_safetensors(args.cases), args.tolerance)
