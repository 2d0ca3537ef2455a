/* Reset code of every core. The ninth core clears .bss and runs main, the others wait for their shares
   of kernel calls. Stacks lie at the end of L1: the ninth core's last, below it those of cores
   0, 1, ... */
    .option norvc
    .section .text.start, "ax"
    .globl _start
_start:
    .option push
    .option norelax
    la   gp, __global_pointer$
    .option pop
    csrr a0, mhartid
    la   sp, cluster_stacks_top
    li   t0, 8
    beq  a0, t0, 2f

    la   t0, master_stack_bytes
    sub  sp, sp, t0
    la   t0, worker_stack_bytes
    mv   t1, a0
1:  beqz t1, 4f
    sub  sp, sp, t0
    addi t1, t1, -1
    j    1b

2:  la   t0, bss_start
    la   t1, bss_stop
3:  bgeu t0, t1, 4f
    sw   zero, 0(t0)
    addi t0, t0, 4
    j    3b

4:  call tw_cluster_entry
