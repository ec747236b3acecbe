"""What is started through this file dies with the thread that started it.

Run as a script, never imported:
`python -I -S launch.py SIGNAL PARENT_PID UID GID PROGRAM ARGUMENT...`. It asks
the kernel for SIGNAL at the death of its parent, becomes UID and GID (`-`
keeps the own ones), and turns into PROGRAM. A separate small program does
this, because running Python between fork and exec is not safe in a parent
with threads (gRPC has many).
"""

import ctypes
import os
import sys

PR_SET_PDEATHSIG = 1


def main(arguments: list[str]) -> None:
    """Turns this process into the program that `arguments` describe."""
    death_signal, parent, uid, gid, *command = arguments
    if uid != "-":
        os.setgroups([])
        os.setgid(int(gid))
        os.setuid(int(uid))
    # After the change of user: the kernel forgets the death signal at one.
    if ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, int(death_signal), 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl(PR_SET_PDEATHSIG)")
    if os.getppid() != int(parent):
        sys.exit("the parent died before its child began")
    os.umask(0o077)
    os.execv(command[0], command)  # noqa: S606  the caller's own command, no shell


if __name__ == "__main__":
    main(sys.argv[1:])
