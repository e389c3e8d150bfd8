/* Ways into the kernel: system calls and exceptions. */

/* A Linux system call, made by the C library with the `syscall` instruction. There is no privilege change:
   the call comes from ring 0 and goes back there. Calls do not nest, since interrupts are off. The stack is
   switched because the caller's may be used below its pointer (red zone) or may not be mapped yet. */
        .text
        .globl system_call_entry
system_call_entry:
        movq %rsp, caller_stack
        movl $system_call_stack_end, %esp
        pushq caller_stack
        pushq %rcx                      /* return address, set by `syscall` */
        pushq %r11                      /* flags */
        pushq %rdi
        pushq %rsi
        pushq %rdx
        pushq %r10
        pushq %r8
        pushq %r9
        cmpl $15, %eax                  /* rt_sigreturn restores everything from its frame */
        je signal_return
        pushq %r9                       /* seventh argument of system_call: the sixth of the call */
        movq %r8, %r9
        movq %r10, %r8
        movq %rdx, %rcx
        movq %rsi, %rdx
        movq %rdi, %rsi
        movl %eax, %edi
        call system_call
        addq $8, %rsp
        popq %r9
        popq %r8
        popq %r10
        popq %rdx
        popq %rsi
        popq %rdi
        popfq
        popq %rcx
        popq %rsp
        jmp *%rcx

/* The frame of struct registers (traps.h), then back to it with iretq. */
        .macro SAVE_REGISTERS
        pushq %r15
        pushq %r14
        pushq %r13
        pushq %r12
        pushq %r11
        pushq %r10
        pushq %r9
        pushq %r8
        pushq %rbp
        pushq %rdi
        pushq %rsi
        pushq %rdx
        pushq %rcx
        pushq %rbx
        pushq %rax
        .endm

        .macro RESTORE_REGISTERS
        popq %rax
        popq %rbx
        popq %rcx
        popq %rdx
        popq %rsi
        popq %rdi
        popq %rbp
        popq %r8
        popq %r9
        popq %r10
        popq %r11
        popq %r12
        popq %r13
        popq %r14
        popq %r15
        addq $16, %rsp                  /* vector, error code */
        .endm

signal_return:
        movq caller_stack, %rdi
        movl $system_call_stack_end - 176, %esp /* sizeof (struct registers) */
        movq %rsp, %rsi
        call signal_return_registers
        RESTORE_REGISTERS
        iretq

exception_common:
        SAVE_REGISTERS
        movq %rsp, %rdi
        cld
        call exception
        RESTORE_REGISTERS
        iretq

        .macro EXCEPTION vector, has_error
        .balign 16
        .if \has_error == 0
        pushq $0
        .endif
        pushq $\vector
        jmp exception_common
        .endm

        .balign 16
        .globl exception_entries
exception_entries:                      /* 16 bytes each, indexed by vector */
        EXCEPTION 0, 0
        EXCEPTION 1, 0
        EXCEPTION 2, 0
        EXCEPTION 3, 0
        EXCEPTION 4, 0
        EXCEPTION 5, 0
        EXCEPTION 6, 0
        EXCEPTION 7, 0
        EXCEPTION 8, 1
        EXCEPTION 9, 0
        EXCEPTION 10, 1
        EXCEPTION 11, 1
        EXCEPTION 12, 1
        EXCEPTION 13, 1
        EXCEPTION 14, 1
        EXCEPTION 15, 0
        EXCEPTION 16, 0
        EXCEPTION 17, 1
        EXCEPTION 18, 0
        EXCEPTION 19, 0
        EXCEPTION 20, 0
        EXCEPTION 21, 1
        EXCEPTION 22, 0
        EXCEPTION 23, 0
        EXCEPTION 24, 0
        EXCEPTION 25, 0
        EXCEPTION 26, 0
        EXCEPTION 27, 0
        EXCEPTION 28, 0
        EXCEPTION 29, 1
        EXCEPTION 30, 1
        EXCEPTION 31, 0

        .bss
        .balign 16
caller_stack: .skip 8

/* Each stack has a page below it that memory.c leaves unmapped. */
        .balign 4096
        .globl kernel_stacks, kernel_stacks_end
        .globl system_call_stack_guard, exception_stack_guard, exception_stack_end
kernel_stacks:
system_call_stack_guard: .skip 4096
        .skip 16384
system_call_stack_end:
exception_stack_guard: .skip 4096
        .skip 16384
exception_stack_end:
kernel_stacks_end:

        .section .note.GNU-stack, "", @progbits
