/* Entry at 0x80000000 in machine mode, and the trap entry. Registers at boot mean nothing to us. */
    .section .init
    .globl _start
_start:
    csrw  mie, zero
    la    sp, _stack_top
    la    t0, trap_entry
    csrw  mtvec, t0
    la    t0, _bss_start
    la    t1, _bss_end
1:  bgeu  t0, t1, 2f
    sw    zero, 0(t0)
    addi  t0, t0, 4
    j     1b
2:  call  main
3:  wfi
    j     3b

/* Interrupts run on the stack of what they interrupt; only registers a C function may change are kept. */
    .text
    .align 2
    .globl trap_entry
trap_entry:
    addi  sp, sp, -64
    sw    ra, 0(sp)
    sw    t0, 4(sp)
    sw    t1, 8(sp)
    sw    t2, 12(sp)
    sw    t3, 16(sp)
    sw    t4, 20(sp)
    sw    t5, 24(sp)
    sw    t6, 28(sp)
    sw    a0, 32(sp)
    sw    a1, 36(sp)
    sw    a2, 40(sp)
    sw    a3, 44(sp)
    sw    a4, 48(sp)
    sw    a5, 52(sp)
    sw    a6, 56(sp)
    sw    a7, 60(sp)
    csrr  a0, mcause
    csrr  a1, mepc
    csrr  a2, mtval
    call  trap
    lw    ra, 0(sp)
    lw    t0, 4(sp)
    lw    t1, 8(sp)
    lw    t2, 12(sp)
    lw    t3, 16(sp)
    lw    t4, 20(sp)
    lw    t5, 24(sp)
    lw    t6, 28(sp)
    lw    a0, 32(sp)
    lw    a1, 36(sp)
    lw    a2, 40(sp)
    lw    a3, 44(sp)
    lw    a4, 48(sp)
    lw    a5, 52(sp)
    lw    a6, 56(sp)
    lw    a7, 60(sp)
    addi  sp, sp, 64
    mret

/* int is_memory(u32 address): whether a load from there succeeds. Only before interrupts are on: mret leaves them off. */
    .globl is_memory
is_memory:
    la    t0, 1f
    csrrw t0, mtvec, t0
    lw    zero, 0(a0)
    li    a0, 1
    csrw  mtvec, t0
    ret
    .align 2
1:  csrw  mtvec, t0
    csrw  mepc, ra
    li    a0, 0
    mret
