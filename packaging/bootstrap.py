"""Set everything up on a machine that has only Python and pip, then open the studio or run the whole test suite.

    python3 packaging/bootstrap.py run      set up, then open the studio; without a display, its job in the terminal
    python3 packaging/bootstrap.py test     set up, then ruff, mypy and every test; further words go to pytest
    python3 packaging/bootstrap.py setup    set up only

Standard library only. This file is read by old Pythons too, so that they can say which one is needed.
"""

import sys

OLDEST, NEWEST = (3, 11), (3, 13)


def check_python():
    """Stop with a sentence where this Python is too old or too new for the locked packages."""
    if not OLDEST <= sys.version_info[:2] <= NEWEST:
        sys.exit(
            "MetaStudio needs Python 3.11, 3.12 or 3.13, and this is {}.{} ({}). "
            "Call this file with one of them, such as: python3.11 {}".format(
                sys.version_info[0], sys.version_info[1], sys.executable, " ".join(sys.argv)
            )
        )


def main():
    """Do what the first word of the command line says."""
    check_python()
    command, rest = (sys.argv[1:2] or ["run"])[0], sys.argv[2:]
    if command not in ("run", "test", "setup"):
        sys.exit(__doc__ if command in ("-h", "--help", "help") else f"Unknown command {command!r}.\n{__doc__}")

    import environment  # noqa: PLC0415 -- these files are written for Python 3.11
    import launch  # noqa: PLC0415

    try:
        python = environment.ensure("test" if command == "test" else "runtime")
        if command == "run":
            sys.exit(launch.studio(python, rest))
        if command == "test":
            sys.exit(launch.suite(python, rest))
        print(f"Ready: {python} -m metastudio")
    except KeyboardInterrupt:
        sys.exit("\nStopped. Call it again to go on where it was.")


if __name__ == "__main__":
    main()
