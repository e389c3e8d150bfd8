# A guest that does what every 64-bit guest does, and says so. Where /dev/kvm opens but cannot really run guests,
# one of these steps fails or takes for ever.
#
# Entry: PVH, 32-bit, protected mode, no paging. Output: the first serial port, one letter a step, then a newline.

        .set COM1, 0x3f8
        .set PAGE, 4096
        .set LARGE, 0x80                # page directory entry: 2 MiB
        .set FAR, 0x40000000            # a virtual address that differs from its physical one
        .set SCHED_OP, 29               # Xen's hypercall ...
        .set SCHEDOP_shutdown, 2        # ... and what is asked of it
        .set ROUNDS, 20000000           # of the timed loop: a few milliseconds on a processor

        .section .note.Xen, "a", @note
        .long 4, 4, 18
        .asciz "Xen"
        .long start

        .macro say letter
        movw $COM1, %dx
        movb $\letter, %al
        outb %al, %dx
        .endm

        .text
        .code32
        .globl start
start:  cli
        movl $stack_top, %esp
        say 'P'                         # protected mode

        movl $directory_pointers + 3, top
        movl $directory + 3, directory_pointers
        movl $far_directory + 3, directory_pointers + 8
        movl $LARGE + 3, directory      # 0 to 2 MiB as they are
        movl $far_table + 3, far_directory
        movl $datum_page + 3, far_table

        movl %cr4, %eax
        orl $0x620, %eax                # PAE, OSFXSR, OSXMMEXCPT
        movl %eax, %cr4
        movl $top, %eax
        movl %eax, %cr3
        movl $0xc0000080, %ecx          # EFER
        rdmsr
        orl $0x900, %eax                # long mode, no-execute
        wrmsr
        movl %cr0, %eax
        andl $~4, %eax                  # no x87 emulation
        orl $0x80000022, %eax           # paging, monitor coprocessor, numeric errors
        movl %eax, %cr0
        lgdt table
        ljmp $8, $long

        .code64
long:   movl $16, %eax
        movl %eax, %ds
        movl %eax, %es
        movl %eax, %ss
        say 'L'                         # long mode

        movl $0x40490fdb, %eax
        movd %eax, %xmm0
        movaps %xmm0, %xmm1
        addps %xmm1, %xmm1
        mulsd %xmm0, %xmm0
        movd %xmm1, %eax
        cmpl $0x40c90fdb, %eax          # twice pi
        jne fail
        say 'S'                         # SSE

        movabsq $FAR, %rsi
        movq (%rsi), %rax
        movl $datum_page, %edi
        cmpq (%rdi), %rax
        jne fail
        cmpl $0x1abe1ab5, %eax
        jne fail
        say 'M'                         # memory through four levels of pages

        movl $ROUNDS, %ecx
1:      decl %ecx
        jnz 1b
        say 'T'                         # time
        say '\n'
        xorl %r12d, %r12d               # for Xen: power-off
        jmp end
fail:   movl $3, %r12d                  # for Xen: crash
end:    movw $0x604, %dx                # power-off
        movw $0x2000, %ax
        outw %ax, %dx

        movl $0x40000000, %eax          # still here: where the hypervisor is Xen, ask it (its public/sched.h)
        cpuid
        cmpl $0x566e6558, %ebx          # "XenV"
        jne 1f
        movl $0x40000002, %eax
        cpuid
        movl %ebx, %ecx                 # the MSR that fills a page with the ways into Xen
        movl $hypercalls, %eax
        xorl %edx, %edx
        wrmsr
        movl $SCHEDOP_shutdown, %edi
        movl $reason, %esi
        movl %r12d, (%rsi)
        call hypercalls + 32 * SCHED_OP
1:      hlt
        jmp 1b

        .data
        .balign PAGE
datum_page:
        .quad 0x5eed5eed1abe1ab5
        .balign 16
descriptors:
        .quad 0
        .quad 0x00af9b000000ffff        # 64-bit code
        .quad 0x00cf93000000ffff        # data
table:  .word table - descriptors - 1
        .long descriptors

        .bss
        .balign PAGE
top:    .skip PAGE
directory_pointers:
        .skip PAGE
directory:
        .skip PAGE
far_directory:
        .skip PAGE
far_table:
        .skip PAGE
hypercalls:
        .skip PAGE
reason: .skip PAGE
stack:  .skip PAGE
stack_top:
