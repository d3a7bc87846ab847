"""Runs a module on one core: `python -m benchmarks.serving.pinned CORE MODULE [ARGUMENT ...]`."""

import os
import runpy
import sys

if __name__ == "__main__":
    core, module, *arguments = sys.argv[1:]
    # Before any thread is there, so that all of them stay on the core.
    os.sched_setaffinity(0, {int(core)})
    sys.argv = [module, *arguments]
    runpy.run_module(module, run_name="__main__", alter_sys=True)
