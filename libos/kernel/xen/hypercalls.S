/* The page of Xen's hypercalls: Xen fills it in, so that it need not be writable here. */
        .text
        .balign 4096
        .globl hypercall_page
hypercall_page: .skip 4096, 0xcc

/* long hypercall(enum hypercall number, uint64_t first, const void *second): each has 32 bytes on the page. */
        .globl hypercall
hypercall:
        movl %edi, %eax
        shll $5, %eax
        addl $hypercall_page, %eax
        movq %rsi, %rdi
        movq %rdx, %rsi
        jmp *%rax

/* Xen's page appears in place of this one. */
        .bss
        .balign 4096
        .globl xen_shared
xen_shared: .skip 4096

        .section .note.GNU-stack, "", @progbits
