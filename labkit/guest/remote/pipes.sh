#!/bin/sh
# The console of a guest that libvirt runs: QEMU's pipes in the guest's folder. Run by the server's sh.
#
#   FOLDER     the guest's
#
# Standard input and output are the console's. On standard error comes `opened`, once nothing can be lost any more,
# and then what comes on the control channel.

exec 3<&0 4<"$1/console.out" 5<"$1/control.out" 6>"$1/console.in"
echo opened >&2
cat <&3 >&6 2>/dev/null 4<&- 5<&- &
exec 3<&- 6>&-
cat <&5 >&2 4<&- &
records=$!
exec 5<&-
cat <&4
wait "$records"
