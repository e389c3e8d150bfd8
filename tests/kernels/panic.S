# Dies as a kernel does: reason on the console, panic record, pvpanic.
        .include "pvh.inc"
main:   say COM1, "panic: a test of panics\n"
        say COM2, "stamp kernel 0\npanic a test of panics\n"
        movw $PVPANIC, %dx
        movb $1, %al
        outb %al, %dx
1:      hlt
        jmp 1b
