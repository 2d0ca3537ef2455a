/* Reset code of every core: the fabric controller clears .bss and calls main, a cluster core takes
   its stack in L1 and calls tw_cluster_entry(core).

   Stacks of cluster cores end one word apart in the banks, so that lock-step code does not meet
   in one bank. */
    .option norvc
    .section .text.start, "ax"
    .globl _start
_start:
    .option push
    .option norelax
    la   gp, __global_pointer$
    .option pop
    csrr a0, mhartid
    srli t0, a0, 5
    andi a0, a0, 31
    li   t1, 31
    bne  t0, t1, 2f

    la   sp, __fc_stack_end
    la   t0, __bss_start
    la   t1, __bss_end
1:  bgeu t0, t1, 1f
    sw   zero, 0(t0)
    addi t0, t0, 4
    j    1b
1:  call main
    j    tw_exit

2:  la   sp, __cluster_stacks_end
    la   t0, __cluster_stack_size
    mul  t0, t0, a0
    sub  sp, sp, t0
    li   t1, 16
    mul  t1, t1, a0
    sub  sp, sp, t1
    call tw_cluster_entry
3:  wfi
    j    3b

    /* int tw_semihost(int operation, const void *argument) */
    .balign 16
    .globl tw_semihost
tw_semihost:
    slli zero, zero, 0x1f
    ebreak
    srai zero, zero, 7
    ret
