"""Scripts for other environments are no modules of this one."""

collect_ignore_glob = ["*.py"]
