# Never a word and never an end.
        .include "pvh.inc"
main:
1:      hlt
        jmp 1b
