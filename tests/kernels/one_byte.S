# One byte, then the end: when a console begins.
        .include "pvh.inc"
main:   say COM1, "!"
        ret
