/* Into a tenant's program and out of it again. A frame holds its registers: x1 to x31 at 4 to 124, the program counter at
 * 128, and at 0 the kernel's stack while the tenant runs. */
    .text

/* u32 run_tenant(struct frame *): returns with mcause when a trap ends the run. Interrupts are off from then on. */
    .globl run_tenant
run_tenant:
    csrci mstatus, 8            /* MIE: no interrupt between here and mret */
    addi  sp, sp, -64
    sw    ra, 0(sp)
    sw    s0, 4(sp)
    sw    s1, 8(sp)
    sw    s2, 12(sp)
    sw    s3, 16(sp)
    sw    s4, 20(sp)
    sw    s5, 24(sp)
    sw    s6, 28(sp)
    sw    s7, 32(sp)
    sw    s8, 36(sp)
    sw    s9, 40(sp)
    sw    s10, 44(sp)
    sw    s11, 48(sp)
    sw    gp, 52(sp)
    sw    tp, 56(sp)
    sw    sp, 0(a0)
    csrw  mscratch, a0
    la    t0, tenant_trap
    csrw  mtvec, t0
    li    t0, 0x1800            /* MPP: back to user mode */
    csrc  mstatus, t0
    li    t0, 0x80              /* MPIE: with interrupts on */
    csrs  mstatus, t0
    lw    t0, 128(a0)
    csrw  mepc, t0
    .irp n, 1,2,3,4,5,6,7,8,9,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31
    lw    x\n, 4*\n(a0)
    .endr
    lw    a0, 40(a0)
    mret

    .align 2
tenant_trap:
    csrrw a0, mscratch, a0
    .irp n, 1,2,3,4,5,6,7,8,9,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31
    sw    x\n, 4*\n(a0)
    .endr
    csrr  t0, mscratch
    sw    t0, 40(a0)
    csrr  t0, mepc
    sw    t0, 128(a0)
    lw    sp, 0(a0)
    la    t0, trap_entry        /* the kernel's own (start.S) */
    csrw  mtvec, t0
    csrr  a0, mcause
    lw    ra, 0(sp)
    lw    s0, 4(sp)
    lw    s1, 8(sp)
    lw    s2, 12(sp)
    lw    s3, 16(sp)
    lw    s4, 20(sp)
    lw    s5, 24(sp)
    lw    s6, 28(sp)
    lw    s7, 32(sp)
    lw    s8, 36(sp)
    lw    s9, 40(sp)
    lw    s10, 44(sp)
    lw    s11, 48(sp)
    lw    gp, 52(sp)
    lw    tp, 56(sp)
    addi  sp, sp, 64
    ret
