# A Solo5 image, as far as whoever starts one can see. Made with: -DTARGET and -DVERSION, its ABI's; -DDEVICES, lines
# of `device`; -DLAST, what it says last; -DSTATUS, with which it ends. -DNO_ABI and -DNO_DEVICES leave a note out;
# -DTRIPLE lets it end by a triple fault, -DWAIT not at all.

#define SPT 2

        .set BLOCK, 1
        .set NETWORK, 2

        .macro device name, type
9:      .ascii "\name"
        .skip 68 - (. - 9b)
        .long \type
        .skip 32                        # what the host fills in; not attached
        .endm

#ifndef NO_ABI
        .section .note.solo5.abi, "a", @note
        .long 6, 16, 0x31494241
        .asciz "Solo5"
        .align 4
        .long TARGET, VERSION, 0, 0
#endif

#ifndef NO_DEVICES
        .section .note.solo5.manifest, "a", @note
        .long 6, 2f - 1f, 0x3154464d
        .asciz "Solo5"
        .align 4
1:      .long 0                         # up to eight bytes
        .long 1, (2f - 3f) / 104
3:      device "", 1 << 30
        DEVICES
2:
#endif

        .macro say text
        .section .rodata
9:      .asciz "\text"
        .text
        mov $9b, %esi
        call puts
        .endm

        .globl _start
#if TARGET == SPT
        .text
_start: mov %rdi, %rbx                  # struct spt_boot_info
        say "command line: "
        mov 16(%rbx), %rsi
        call puts
        say "\n"
        say LAST
#ifdef WAIT
1:      jmp 1b
#endif
        mov $231, %eax                  # exit_group
        mov $STATUS, %edi
        syscall

puts:   mov %rsi, %rdx                  # the zero-ended text at %rsi to standard output
1:      cmpb $0, (%rdx)
        je 2f
        inc %rdx
        jmp 1b
2:      sub %rsi, %rdx
        mov $1, %eax
        mov $1, %edi
        syscall
        ret

        .data
        .long 0
#else
        .set COM1, 0x3f8
        .set PCI_ADDRESS, 0xcf8
        .set PCI_DATA, 0xcfc
        .set END_PORT, 0x501

        .section .multiboot, "a"
        .align 4
1:      .long 0x1badb002, 0x10000, -0x1badb002 - 0x10000
        .long 1b, 0x100000, edata, ebss, _start

        .data
        .long 0
digits: .ascii "0123456789abcdef"

        .bss
        .align 16
        .skip 4096
stack_top:

        .text
        .code32
_start: cli
        movl $stack_top, %esp
        movl %ebx, %ebp                 # multiboot information
        say "command line: "
        movl 16(%ebp), %esi
        call puts
        say "\n"
        xorl %ebx, %ebx                 # slot of the first bus
scan:   xorl %ecx, %ecx
        call config
        cmpw $0x1af4, %ax
        jne next
        movl $0x2c, %ecx
        call config
        shrl $16, %eax
        cmpl $1, %eax                   # virtio's numbers: 1 is a network, 2 a disk
        jne disk
        say "network"
        jmp line
disk:   say "disk of "
        movl $0x10, %ecx
        call config
        andl $~3, %eax
        leal 0x14(%eax), %edx           # its capacity in sectors, as virtio had it before version 1
        inl %dx, %eax
        movl %eax, %edi
        movl $28, %ecx
1:      movl %edi, %eax
        shrl %cl, %eax
        andl $15, %eax
        movb digits(%eax), %al
        call putc
        subl $4, %ecx
        jns 1b
line:   say "\n"
next:   incl %ebx
        cmpl $32, %ebx
        jne scan
        say LAST
#ifdef TRIPLE
        lidt zero
        ud2
#endif
#ifdef WAIT
1:      jmp 1b
#endif
        movw $END_PORT, %dx
        movw $41, %ax
        outw %ax, %dx
1:      hlt
        jmp 1b

zero:   .quad 0

config: movl %ebx, %eax                 # %eax: the register %ecx of slot %ebx
        shll $11, %eax
        orl %ecx, %eax
        orl $0x80000000, %eax
        movw $PCI_ADDRESS, %dx
        outl %eax, %dx
        movw $PCI_DATA, %dx
        inl %dx, %eax
        ret

puts:   lodsb                           # the zero-ended text at %esi to the console
        testb %al, %al
        jz 1f
        call putc
        jmp puts
1:      ret

putc:   movb %al, %ah
        movw $COM1 + 5, %dx
1:      inb %dx, %al
        testb $0x20, %al
        jz 1b
        movb %ah, %al
        movw $COM1, %dx
        outb %al, %dx
        ret
#endif
