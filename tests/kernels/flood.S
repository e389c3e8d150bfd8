# Prints numbered 64-byte lines without end, or as many as the command line's number says; then exit 0.
        .include "pvh.inc"
        .set DIGITS, 10
main:   movl CMDLINE(%ebx), %esi
        xorl %ebp, %ebp                 # the limit; 0: none
1:      lodsb
        subb $'0', %al
        jb 2f
        movzbl %al, %eax
        imull $10, %ebp, %ebp
        addl %eax, %ebp
        jmp 1b
2:      xorl %ecx, %ecx                 # the line's number
3:      movl %ecx, %eax
        movl $line + DIGITS, %edi
        pushl %ecx
        movl $10, %ebx
4:      decl %edi
        xorl %edx, %edx
        divl %ebx
        addb $'0', %dl
        movb %dl, (%edi)
        cmpl $line, %edi
        ja 4b
        movl $line, %esi
        movl $COM1, %edi
        movl $64, %ecx
5:      lodsb
        call putc
        loop 5b
        popl %ecx
        incl %ecx
        cmpl %ebp, %ecx
        jne 3b
        say COM1, ""                    # waits until all has left
        say COM2, "exit 0\n"
        ret
        .data
line:   .ascii "0000000000 the quick brown fox jumps over the lazy dog, and on"
        .fill 63 - (. - line), 1, '.'
        .ascii "\n"
