# Says one line and burns its processor for ever.
        .include "pvh.inc"
main:   say COM1, "spinning\n"
1:      jmp 1b
