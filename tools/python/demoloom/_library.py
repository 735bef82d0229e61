"""The shared library with the flat face (tools/python/flat.h), its handles and its errors."""

import ctypes
import json
import os
import re
import subprocess
import threading
import weakref

_HERE = os.path.dirname(os.path.abspath(__file__))


class Error(Exception):
    """What went wrong, where, and what to do about it: the C library's own words."""


class UsageError(Error, ValueError):
    """The caller asked for something that makes no sense."""


class FileError(Error, OSError):
    """The operating system refused: no such file, a full disk."""


class FormatError(Error, ValueError):
    """A file, or an array, is there but its content is wrong."""


class SimulationError(Error):
    """MuJoCo failed or warned."""


class UnsupportedError(Error, NotImplementedError):
    """Well-formed, but nothing that this build can do."""


class OutOfMemory(Error, MemoryError):
    pass


# loomStatus (engine/base/error.h)
_ERRORS = {-1: UsageError, -2: FileError, -3: FormatError, -4: OutOfMemory, -5: SimulationError, -6: UnsupportedError}


class CError(ctypes.Structure):
    _fields_ = [("code", ctypes.c_int), ("message", ctypes.c_char * 1024)]


def library_path():
    """$DEMOLOOM_LIBRARY, else the package's own."""
    return os.environ.get("DEMOLOOM_LIBRARY") or os.path.join(_HERE, "lib", "libdemoloom.so")


def scenes_dir():
    """As the library finds them: $DEMOLOOM_SCENES, else beside the library's folder."""
    named = os.environ.get("DEMOLOOM_SCENES")
    return named or os.path.normpath(os.path.join(os.path.dirname(os.path.realpath(library_path())), "..", "scenes"))


def scenes():
    """Names of the shipped tasks, variants behind theirs: "coffee", "coffee/pandas". Nothing is loaded for it."""
    found, folder = [], scenes_dir()
    for name in sorted(os.listdir(folder)) if os.path.isdir(folder) else []:
        if name.startswith(".") or not os.path.isfile(os.path.join(folder, name, "task.yaml")):
            continue
        found.append(name)
        for file in sorted(os.listdir(os.path.join(folder, name))):
            path = os.path.join(folder, name, file)
            if file.endswith(".yaml") and re.search("^like:", open(path, encoding="utf-8").read(), re.MULTILINE):
                found.append(f"{name}/{file[:-5]}")
    return found


_P, _I, _S, _U = ctypes.c_void_p, ctypes.c_int, ctypes.c_char_p, ctypes.c_uint64

# Arguments of each function before the error.
_FUNCTIONS = {
    "envs_open": (_P, _S, _S, _I, _I, _I),
    "envs_about": (_P, _P),
    "envs_reset": (_P, _P, _S, _U, _U),
    "envs_step": (_P, _P, _P, _P, _P, _P, _P),
    "envs_told": (_P, _P, _I),
    "envs_state": (_P, _P, _I),
    "envs_render": (_P, _P, _I, _I, _I, _S, _I),
    "policy_open": (_P, _S),
    "policy_about": (_P, _P),
    "policy_begin": (_P, _U, _U),
    "policy_act": (_P, _P, _P, _P),
    "actor_open": (_P, _P, _P),
    "actor_act": (_P, _P),
    "dataset_open": (_P, _S),
    "dataset_about": (_P, _P),
    "dataset_demo": (_P, _P, _I),
    "dataset_array": (_P, _P, _I, _S, ctypes.c_size_t),
    "dataset_texts": (_P, _P, _I, _S),
}
_loaded, _loading = None, threading.Lock()


def _load():
    path = library_path()
    try:
        library = ctypes.CDLL(path)
    except OSError as error:
        raise FileError(f"{path}: {error}; build it (make build/libdemoloom.so) and set DEMOLOOM_LIBRARY to it") from None

    for name, arguments in _FUNCTIONS.items():
        function = getattr(library, "loom_flat_" + name)
        function.argtypes, function.restype = (*arguments, _P), _I
    for name in ("envs_close", "policy_close", "actor_close", "dataset_close", "free"):
        function = getattr(library, "loom_flat_" + name)
        function.argtypes, function.restype = (_P,), None
    library.loom_flat_envs_range.argtypes, library.loom_flat_envs_range.restype = (_P, _P), None
    library.loom_version.restype = _S
    return library


def library():
    global _loaded
    with _loading:
        if _loaded is None:
            _loaded = _load()
    return _loaded


def version():
    return library().loom_version().decode()


def fetch(assets):
    """Fetch a set of assets that tasks name ("robosuite", "robosuite15", "gymnasium", "gym_aloha"), once, into $DEMOLOOM_HOME."""
    script = os.path.join(scenes_dir(), "..", "tools", "fetch.sh")
    done = subprocess.run(["bash", script, assets], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if done.returncode:
        raise FileError(f"{assets} could not be fetched: {done.stdout.strip()}")


def raise_error(code, error):
    message = error.message.decode("utf-8", "replace")
    # What is a shell's there is a function here.
    message = re.sub(r"`tools/fetch.sh (\w+)`", r"`demoloom.fetch('\1')`", message)
    if code == -7:
        raise KeyboardInterrupt(message)
    raise _ERRORS.get(code, Error)(message)


def call(name, *arguments):
    """A function of the flat face; its error becomes an exception."""
    error = CError()
    code = getattr(library(), "loom_flat_" + name)(*arguments, ctypes.byref(error))
    if code:
        raise_error(code, error)


def told(name, *arguments):
    """The JSON that a function gives."""
    out = ctypes.c_void_p()
    call(name, ctypes.byref(out), *arguments)
    try:
        return json.loads(ctypes.string_at(out).decode("utf-8", "replace"))
    finally:
        library().loom_flat_free(out)


class Handle:
    """An opaque handle: freed by close, else when nobody has it any more, and by one thread used at a time."""

    def __init__(self, kind, *arguments, keeps=()):
        out = ctypes.c_void_p()
        call(kind + "_open", ctypes.byref(out), *arguments)
        self.kind, self.lock = kind, threading.RLock()
        self.keeps = keeps  # handles that have to outlive it
        self._pointer = out.value
        self._finalizer = weakref.finalize(self, getattr(library(), f"loom_flat_{kind}_close"), out)

    def close(self):
        with self.lock:
            self._finalizer()
            self._pointer = None

    @property
    def pointer(self):
        if self._pointer is None:
            raise UsageError(f"the {self.kind.replace('envs', 'environment')} is closed")
        return self._pointer


def encoded(text):
    return os.fsencode(text) if text is not None else None
