# Says hello and its command line, writes every kind of record, ends with status 7.
        .include "pvh.inc"
main:   say COM2, "stamp kernel 0\n"
        say COM1, "hello from a test kernel\n"
        say COM2, "stamp runtime 1500000\nstamp start 2500000\n"
        say COM1, "arguments: "
        movl CMDLINE(%ebx), %esi
        movl $COM1, %edi
        call puts
        say COM1, "\nlast line\n"
        say COM2, "exit 7\n"
        ret
