/* A device interrupt only says which one it was. It arrives only while the processor idles. */
        .text
        .macro INTERRUPT number
        .balign 32
        pushq %rax
        movb $1, interrupts_seen + \number
        movl $0xfee000b0, %eax          /* local APIC, end of interrupt */
        movl $0, (%rax)
        popq %rax
        iretq
        .endm

        .balign 32
        .globl interrupt_entries
interrupt_entries:                      /* 32 bytes each, indexed by vector - 32 */
        INTERRUPT 0
        INTERRUPT 1
        INTERRUPT 2
        INTERRUPT 3
        INTERRUPT 4
        INTERRUPT 5
        INTERRUPT 6
        INTERRUPT 7
        INTERRUPT 8
        INTERRUPT 9
        INTERRUPT 10
        INTERRUPT 11
        INTERRUPT 12
        INTERRUPT 13
        INTERRUPT 14
        INTERRUPT 15

        .globl ignore_interrupt
ignore_interrupt:
        iretq

        .bss
        .balign 16
        .globl interrupts_seen
interrupts_seen: .skip 16

        .section .note.GNU-stack, "", @progbits
