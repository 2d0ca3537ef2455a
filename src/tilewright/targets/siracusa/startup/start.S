/* Reset code of every core. The fabric controller clears .bss, starts the cluster and sleeps; core 0
   of the cluster runs main, the others wait for their shares of kernel calls.

   Stacks of the cluster lie at the end of L1: core 0's last, below it those of cores 1, 2, ... They
   end one word apart in the banks, so that lock-step code does not meet in one bank. */
    .option norvc
    .option norelax /* a linker that shortens calls to two bytes cannot keep the alignment below */
    .section .text.start, "ax"
    .globl _start
_start:
    csrr a0, mhartid
    srli t0, a0, 5
    andi a0, a0, 31
    li   t1, 31
    bne  t0, t1, 2f

    la   sp, fc_stack_top
    la   t0, bss_start
    la   t1, bss_stop
1:  bgeu t0, t1, 1f
    sw   zero, 0(t0)
    addi t0, t0, 4
    j    1b
1:  call tw_start_cluster
3:  wfi
    j    3b

2:  la   sp, cluster_stacks_top
    beqz a0, 4f
    la   t0, master_stack_bytes
    sub  sp, sp, t0
    addi t1, a0, -1
    la   t0, worker_stack_bytes
    mul  t0, t0, t1
    sub  sp, sp, t0
    andi t1, a0, 3
    slli t1, t1, 4
    sub  sp, sp, t1
4:  call tw_cluster_entry
    j    3b

    /* int tw_semihost(int operation, const void *argument) */
    .balign 16
    .globl tw_semihost
tw_semihost:
    slli zero, zero, 0x1f
    ebreak
    srai zero, zero, 7
    ret
