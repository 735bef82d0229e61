"""The package as Gymnasium, h5py and a user's Ctrl-C meet it: check.py PROGRAM. Closes with `N passed, N failed`."""

import gc
import json
import os
import signal
import subprocess
import sys
import tempfile
import textwrap
import traceback

import gymnasium
import h5py
import numpy
from gymnasium.utils.env_checker import check_env

import demoloom

program = sys.argv[1]
tree = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
hopper = os.path.join(tree, "tests", "gym", "hopper.yaml")
work = tempfile.TemporaryDirectory()


def run(*words):
    done = subprocess.run([program, *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    if done.returncode:
        raise RuntimeError(f"{' '.join(words)}: {done.stderr}")
    return done.stdout


def raises(kind, says, call):
    try:
        call()
    except kind as error:
        assert says in str(error), f"{error!r} does not say '{says}'"
    else:
        raise AssertionError(f"no {kind.__name__}, which were to say '{says}'")


def file(name):
    return os.path.join(work.name, name)


# ---- environments


def registered():
    """Every shipped task, by its name in Gymnasium's registry."""
    ids = sorted(name for name in gymnasium.registry if name.startswith("demoloom/"))
    assert len(ids) == len(demoloom.scenes()) >= 13 and "demoloom/Handover-v0" in ids and "demoloom/CoffeePandas-v0" in ids
    for name in ids:
        env = gymnasium.make(name)
        check_env(env.unwrapped, skip_render_check=True)
        env.close()


def renders():
    """Pictures, by a camera and a free one; Gymnasium's checker makes the environment anew for each mode."""
    check_env(gymnasium.make("demoloom/Threading-v0", render_mode="rgb_array", width=64, height=48, light=True).unwrapped)
    env = demoloom.make("handover", render_mode="rgb_array", width=64, height=48)
    env.reset(seed=1)
    first = env.render()
    assert first.shape == (48, 64, 3) and first.dtype == numpy.uint8 and first.std() > 10
    env.reset(options={"reset": "D2", "start": 9})
    assert (env.render() != first).any()
    raises(demoloom.UsageError, "no camera 'nobodys'", lambda: sees("handover", "nobodys"))
    assert sees("handover", "agentview").std() > 10 and sees(hopper, None).std() > 5


def sees(task, camera):
    env = demoloom.make(task, render_mode="rgb_array", width=32, height=32, camera=camera, light=True)
    env.reset(seed=0)
    return env.render()


def plain_control():
    """A user's own task file, Gymnasium's own Hopper as data."""
    for obs in ("dict", "flat"):
        env = demoloom.make(hopper, obs=obs)
        check_env(env, skip_render_check=True)
    assert env.observation_space.shape == (11,) and env.action_space.shape == (3,)


def vectors():
    """Gymnasium's make_vec; every number on any number of threads; what it says is of its own spaces."""
    seen = []
    for threads in (1, 2, 3):
        envs = gymnasium.make_vec("demoloom/Tray-v0", num_envs=5, vector_kwargs={}, threads=threads, max_steps=6)
        obs, _ = envs.reset(seed=3)
        assert envs.observation_space.contains(obs)
        envs.action_space.seed(1)
        for step in range(1, 16):
            obs, reward, terminated, truncated, info = envs.step(envs.action_space.sample())
            assert envs.observation_space.contains(obs) and reward.shape == terminated.shape == truncated.shape == (5,)
            assert truncated.all() == (step % 7 == 6) and not terminated.any()  # the seventh step begins anew
            assert (info["_success"] == truncated).all() if truncated.any() else not numpy.any(info.get("_success"))
        seen.append(numpy.concatenate([value.ravel() for value in obs.values()]))
        envs.close()
    assert (seen[0] == seen[1]).all() and (seen[0] == seen[2]).all()


def callers_arrays():
    """step_into writes there, as step gives it, and refuses what it cannot write into."""
    envs, others = (demoloom.make_vec("tray", 3, obs="flat") for _ in range(2))
    width = envs.single_observation_space.shape[0]
    obs, reward = numpy.zeros((3, width)), numpy.zeros(3)
    terminated, truncated = numpy.zeros(3, bool), numpy.zeros(3, bool)
    envs.reset_into(obs, seed=5)
    assert (obs == others.reset(seed=5)[0]).all()
    actions = numpy.full((3, envs.single_action_space.shape[0]), 0.1)
    envs.step_into(actions, obs, reward, terminated, truncated)
    assert (obs == others.step(actions)[0]).all()
    raises(demoloom.UsageError, "obs is to be an array", lambda: envs.step_into(actions, obs[:2], reward, terminated, truncated))
    raises(demoloom.UsageError, "reward is to be", lambda: envs.step_into(actions, obs, reward.astype("f4"), terminated, truncated))
    raises(demoloom.UsageError, "contiguous", lambda: envs.reset_into(numpy.zeros((width, 3)).T, seed=5))
    raises(demoloom.UsageError, "actions of shape", lambda: envs.step(actions[:2]))
    actions[1, 4] = numpy.inf
    raises(demoloom.FormatError, "entry 4 of the action for environment 1", lambda: envs.step(actions))
    raises(demoloom.UsageError, "one seed", lambda: envs.reset(seed=[1, 2, 3]))


def trained():
    """A policy of a few demos, hardly trained: what it does is of no use, but it does it every time."""
    if not os.path.exists(file("run")):
        run("generate", "threading", "-n", "4", "--seed", "5", "-o", file("gen.hdf5"))
        run("train", "--data", file("gen.hdf5"), "-p", "diffusion_mlp", "--hidden", "64", "--epochs", "1", "--steps", "300",
            "--rollouts", "0", "-o", file("run"))
    return file("run/last.safetensors")


def starts():
    """The same seed and number start as the program's rollouts do, to the bit, and their actions lead to their states."""
    run("rollout", trained(), "--task", "threading", "-n", "3", "--seed", "7", "--first", "20", "-o", file("rolled.hdf5"))
    env = demoloom.make("threading")
    with demoloom.Dataset(file("rolled.hdf5")) as data:
        for number, demo in enumerate(data, 20):
            env.reset(seed=7, options={"start": number})
            states, actions = demo.states, demo.actions
            for state, action in zip(states[:100], actions[:100]):
                assert (env.state() == state).all(), demo.name
                env.step(action)

    # Resets without a seed go on to the next number.
    first = env.reset(seed=4)[0]["object"]
    assert (env.reset(seed=4, options={"reset": "D0", "start": 0})[0]["object"] == first).all()
    second = env.reset()[0]["object"]
    assert (env.reset(seed=4, options={"start": 1})[0]["object"] == second).all() and (first != second).any()
    raises(demoloom.UsageError, "it has D0", lambda: env.reset(options={"reset": "D9"}))
    raises(demoloom.UsageError, "no such option", lambda: env.reset(options={"resets": "D1"}))


# ---- policies and datasets


def policies():
    """A policy driven from here ends each episode as `demoloom rollout` says, alone and side by side."""
    path = trained()
    said = json.loads(run("rollout", path, "--task", "threading", "-n", "3", "--seed", "7", "--json"))["episodes"]
    wanted = [(one["end"], one["steps"], one["within_limits"]) for one in said]
    with demoloom.Policy(path) as policy:
        env = demoloom.make("threading")
        for number in range(3):
            env.reset(seed=7, options={"start": number})
            over = False
            while not over:
                _, _, terminated, truncated, info = env.step(policy.act(env))
                over = terminated or truncated
            assert (info["end"], info["steps"], info["success_within_limits"]) == wanted[number]

        envs, left = demoloom.make_vec("threading", 3), {0, 1, 2}
        envs.reset(seed=7)
        while left:
            _, _, terminated, truncated, info = envs.step(policy.act(envs))
            for i in [i for i in left if terminated[i] or truncated[i]]:
                told = envs.told(i)
                assert (told["end"], told["steps"], bool(info["success_within_limits"][i])) == wanted[i]
                left.remove(i)

        # Shown the same it decides the same.
        env = demoloom.make("threading", keys=policy.keys)
        obs, _ = env.reset(seed=7)
        policy.reset(seed=7)
        hands = [6, 13] if policy.about["action_pose"] == "relative" else [9, 19]
        assert (policy.act(obs)[hands] == policy.act(env)[[6, 13]]).all()
        raises(demoloom.UsageError, "which is not shown", lambda: policy.act({}))
        raises(demoloom.UsageError, "has the shape", lambda: policy.act({key: 0.0 for key in policy.keys}))


def datasets():
    """Every array and attribute as h5py reads it; what robosuite recorded, and LeRobot's layout, too."""
    run("dataset", "lerobot", file("gen.hdf5"), file("lerobot"))
    human = os.path.join(os.environ.get("DEMOLOOM_HOME", os.path.expanduser("~/.cache/demoloom")),
                         "robosuite-1.4.1/models/assets/demonstrations/handover/panda_panda/demo.hdf5")
    for path, task in ((file("gen.hdf5"), "threading"), (human, "handover")):
        with demoloom.Dataset(path) as data, h5py.File(path) as there:
            assert data.task == task and len(data) == len([d for d in there["data"] if d.startswith("demo")])
            for demo in data[:2]:
                for key in demo.keys():
                    wanted = there["data"][demo.name][key][()]
                    if demo._arrays[key].get("type") != "string":
                        assert demo[key].dtype == wanted.dtype or wanted.dtype == bool or wanted.dtype.kind == "u", key
                        assert (demo[key] == wanted).all() and demo[key].shape == wanted.shape, key
                assert len(demo) == len(demo.actions) and demo.actions.shape[1] == 14
    with demoloom.Dataset(file("gen.hdf5")) as ours, demoloom.Dataset(file("lerobot")) as theirs:
        assert (ours[3]["actions"] == theirs["demo_3"]["actions"]).all() and theirs[3].success is True
        assert set(ours.masks) >= {"train", "valid"} and len(ours.mask("train")) + len(ours.mask("valid")) == 4
        raises(KeyError, "no demo", lambda: ours["demo_9"])
        raises(KeyError, "no array 'obs/elbow'", lambda: ours[0]["obs/elbow"])
        raises(IndexError, "4 demos", lambda: ours[4])


# ---- errors, handles, Ctrl-C


def errors():
    """The C library's words as exceptions of Python's own kinds."""
    raises(OSError, "/nowhere.hdf5", lambda: demoloom.Dataset("/nowhere.hdf5"))
    raises(ValueError, "no scene 'nowhere'", lambda: demoloom.make("nowhere"))
    open(file("bad.yaml"), "w").write("task: bad\nmodel: {}\n")
    raises(demoloom.FormatError, "bad.yaml:", lambda: demoloom.make(file("bad.yaml")))
    env = demoloom.make(hopper)
    raises(demoloom.UsageError, "reset first", lambda: env.step(env.action_space.sample()))
    env.reset(seed=1)
    env.close()
    env.close()
    raises(demoloom.UsageError, "closed", lambda: env.step(env.action_space.sample()))
    env = dict(os.environ, DEMOLOOM_HOME="/nowhere")
    said = subprocess.run([sys.executable, "-c", "import demoloom; demoloom.make('handover')"], env=env, text=True,
                          stderr=subprocess.PIPE).stderr
    assert "demoloom.fetch('robosuite')" in said, said


def quiet():
    """Nothing is printed, and no MUJOCO_LOG.TXT is left, whatever is done."""
    code = """
        import demoloom
        env = demoloom.make("threading", render_mode="rgb_array", width=32, height=32, light=True)
        env.reset(seed=1)
        for _ in range(5):
            env.step(env.action_space.sample())
        env.render()
        try: demoloom.Dataset("/etc/passwd")
        except demoloom.Error: pass
    """
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(code)], cwd=work.name, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True)
    assert done.returncode == 0 and done.stdout == "", done.stdout
    assert not os.path.exists(file("MUJOCO_LOG.TXT"))


def resident():
    return int(open("/proc/self/statm").read().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20


def handles():
    """Who forgets to close loses no memory: two hundred environments and datasets later as much is in use."""
    def some():
        env = demoloom.make(hopper)
        env.reset(seed=1)
        demoloom.Dataset(file("gen.hdf5"))[0]["actions"]

    for _ in range(50):
        some()
    gc.collect()
    before = resident()
    for _ in range(200):
        some()
    gc.collect()
    assert resident() - before < 20, f"{resident() - before:.0f} MB more"


def interrupts():
    """Ctrl-C in the midst of steps is a KeyboardInterrupt, after which it goes on."""
    code = """
        import os, signal, threading, demoloom
        envs = demoloom.make_vec("tray", 8)
        envs.reset(seed=1)
        actions = envs.action_space.sample()
        threading.Timer(0.5, lambda: os.kill(os.getpid(), signal.SIGINT)).start()
        try:
            while True:
                envs.step(actions)
        except KeyboardInterrupt:
            envs.step(actions)
            print("went on")
    """
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(code)], stdout=subprocess.PIPE, text=True)
    assert done.stdout == "went on\n" and done.returncode == 0
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def bundled():
    """What the library is linked with is the package's own, but for what every Linux has."""
    here = os.path.dirname(demoloom.__file__)
    said = subprocess.run(["ldd", os.path.join(here, "lib", "libdemoloom.so")], stdout=subprocess.PIPE, text=True).stdout
    outside = [line.split()[0] for line in said.splitlines() if "=>" in line and "demoloom.libs" not in line]
    known = ("libc.so", "libm.so", "libdl.so", "libpthread.so", "librt.so", "libstdc++.so", "libgcc_s.so", "libresolv.so",
             "libX11.so", "libXext.so", "libXrender.so", "libz.so", "libexpat.so", "libxcb.so", "libXau.so", "libXdmcp.so",
             "libbsd.so", "libmd.so", "libnghttp2.so")
    assert not [name for name in outside if not name.startswith(known)], outside
    print("  from the system:", ", ".join(sorted(outside)))


passed = failed = 0
for test in (registered, renders, plain_control, vectors, callers_arrays, starts, policies, datasets, errors, quiet, handles,
             interrupts, bundled):
    try:
        test()
        passed += 1
        print(f"ok {test.__name__}: {test.__doc__.strip()}", flush=True)
    except Exception:
        failed += 1
        print(f"failed {test.__name__}:\n{traceback.format_exc()}", flush=True)
print(f"{passed} passed, {failed} failed")
sys.exit(failed > 0)
