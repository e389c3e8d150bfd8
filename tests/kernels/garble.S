# Writes records that are not records, then a good one.
        .include "pvh.inc"
main:   say COM2, "\377\376 nonsense\nstamp\nstamp a b c\nexit nine\nexit 999\nstamp ok 5\nexit 3\n"
        say COM1, "done\n"
        ret
