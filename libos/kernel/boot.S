/* Entry from the hypervisor: PVH, 32-bit protected mode without paging, %ebx = hvm_start_info.
   Goes to 64-bit mode with the first 4 GiB mapped one to one, and calls kernel_main. */

        .section .note.Xen, "a", @note
        .balign 4
        .long 4, 8, 18                  /* name size, descriptor size, XEN_ELFNOTE_PHYS32_ENTRY */
        .asciz "Xen"
        .quad pvh_entry

        .set CR0_PE, 1 << 0
        .set CR0_MP, 1 << 1
        .set CR0_NE, 1 << 5
        .set CR0_WP, 1 << 16
        .set CR0_PG, 1 << 31
        .set CR4_PAE, 1 << 5
        .set CR4_OSFXSR, 1 << 9
        .set CR4_OSXMMEXCPT, 1 << 10
        .set MSR_EFER, 0xc0000080
        .set EFER_SCE_LME_NXE, (1 << 0) | (1 << 8) | (1 << 11)
        .set PAGE_PRESENT_WRITABLE, 3
        .set PAGE_LARGE, 1 << 7

        .text
        .code32
        .globl pvh_entry
pvh_entry:
        cld
        rdtsc
        movl %eax, boot_tsc
        movl %edx, boot_tsc + 4

        movl $(boot_pdpt + PAGE_PRESENT_WRITABLE), boot_pml4
        movl $(boot_pd + PAGE_PRESENT_WRITABLE), boot_pdpt
        movl $(boot_pd + 0x1000 + PAGE_PRESENT_WRITABLE), boot_pdpt + 8
        movl $(boot_pd + 0x2000 + PAGE_PRESENT_WRITABLE), boot_pdpt + 16
        movl $(boot_pd + 0x3000 + PAGE_PRESENT_WRITABLE), boot_pdpt + 24
        movl $(PAGE_LARGE | PAGE_PRESENT_WRITABLE), %eax
        movl $boot_pd, %edi
1:      movl %eax, (%edi)
        addl $8, %edi
        addl $0x200000, %eax
        cmpl $(boot_pd + 0x4000), %edi
        jb 1b

        movl $(CR4_PAE | CR4_OSFXSR | CR4_OSXMMEXCPT), %eax
        movl %eax, %cr4
        movl $boot_pml4, %eax
        movl %eax, %cr3
        movl $MSR_EFER, %ecx
        movl $EFER_SCE_LME_NXE, %eax
        xorl %edx, %edx
        wrmsr
        movl $(CR0_PE | CR0_MP | CR0_NE | CR0_WP | CR0_PG), %eax
        movl %eax, %cr0
        lgdt gdt_pointer
        ljmp $8, $2f

        .code64
2:      movl $16, %eax
        movl %eax, %ds
        movl %eax, %es
        movl %eax, %ss
        xorl %eax, %eax
        movl %eax, %fs
        movl %eax, %gs
        movl $boot_stack_end, %esp
        movl %ebx, %edi
        xorl %ebp, %ebp
        call kernel_main
        ud2

/* void enter_program(const void *stack, void (*start)(void)): the C library's _start, as a Linux process
   would begin. Never returns. */
        .globl enter_program
enter_program:
        movq %rdi, %rsp
        xorl %edx, %edx
        xorl %ebp, %ebp
        jmp *%rsi

        .data
        .balign 16
        .globl gdt
gdt:    .quad 0
        .quad 0x00af9b000000ffff        /* 8: code, 64 bits */
        .quad 0x00cf93000000ffff        /* 16: data */
        .quad 0, 0                      /* 24: task state, written by traps.c */
gdt_end:
gdt_pointer:
        .word gdt_end - gdt - 1
        .quad gdt

        .bss
        .balign 4096
        .globl boot_pml4
boot_pml4: .skip 4096
boot_pdpt: .skip 4096
boot_pd:   .skip 4 * 4096
boot_stack: .skip 8192
boot_stack_end:
        .globl boot_tsc
boot_tsc: .skip 8

        .section .note.GNU-stack, "", @progbits
