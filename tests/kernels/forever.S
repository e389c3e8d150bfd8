# Says one line and never ends.
        .include "pvh.inc"
main:   say COM1, "here for ever\n"
1:      hlt
        jmp 1b
