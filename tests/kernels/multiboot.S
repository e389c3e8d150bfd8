# Boots by the multiboot header (https://www.gnu.org/software/grub/manual/multiboot/), as Solo5's virtio images do: an
# ELF64 file whose addresses stand in the header itself. Says so, and powers off.
        .include "pvh.inc"
        .set MAGIC, 0x1badb002
        .set FLAGS, 0x10000             # the addresses are in the header
        .align 4
header: .long MAGIC, FLAGS, -(MAGIC + FLAGS)
        .long header, _start, 0, stack_top, _start
main:   say COM1, "hello from a multiboot kernel\n"
        ret
