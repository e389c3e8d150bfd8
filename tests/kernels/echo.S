# Sends back what it is sent, until a 'q'; then says bye and ends with status 0.
        .include "pvh.inc"
main:   say COM1, "ready\n"
1:      movw $(COM1 + 5), %dx           # line status: bit 0, a byte has come
        inb %dx, %al
        testb $1, %al
        jz 1b
        movw $COM1, %dx
        inb %dx, %al
        cmpb $'q', %al
        je 2f
        movl $COM1, %edi
        call putc
        jmp 1b
2:      say COM1, "bye\n"
        say COM2, "exit 0\n"
        ret
