# Crashes hard: no record, a triple fault.
        .include "pvh.inc"
main:   say COM1, "about to fall\n"
        lidt nowhere
        int $3
        .data
nowhere: .word 0
        .long 0
