#!/bin/sh
# The console of a Xen guest: the terminal that Xen's console daemon keeps for it. Run by the server's sh.
#
#   FOLDER     the guest's
#
# Standard input and output are the console's. On standard error comes `opened`, once nothing can be lost any more: the
# script that starts the guest, which is paused then, says through a pipe which terminal, and waits until it is open.

exec 3<&0
echo opened >&2
read -r terminal <"$1/control.in" || exit 1
(   # no leader of a session, so the terminal does not become its own, and cannot end it
    # shellcheck disable=SC2094  # a terminal is read and written
    exec 4<"$terminal" 6>"$terminal"
    echo opened >"$1/control.out"
    cat <&3 >&6 2>/dev/null 4<&- &
    exec 3<&- 6>&-
    cat <&4 2>/dev/null
)
exit 0   # the terminal ends with an error when the guest does
