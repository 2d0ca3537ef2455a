/* Reset code of every hart: its own stack in the TCDM; hart 8 clears .bss and calls main, the others
   wait to be given work.

   Stacks end one word apart in the banks, so that lock-step code does not meet in one bank. */
    .option norvc
    .section .text.start, "ax"
    .globl _start
_start:
    .option push
    .option norelax
    la   gp, __global_pointer$
    .option pop
    csrr a0, mhartid
    la   sp, __cluster_stacks_end
    la   t0, __cluster_stack_size
    mul  t0, t0, a0
    sub  sp, sp, t0
    slli t1, a0, 3
    sub  sp, sp, t1
    andi sp, sp, -16
    li   t0, 8
    beq  a0, t0, 1f
    csrr zero, 0x7c2        /* until hart 8 has cleared .bss */
    call tw_worker
1:  la   t0, __bss_start
    la   t1, __bss_end
2:  bgeu t0, t1, 3f
    sw   zero, 0(t0)
    addi t0, t0, 4
    j    2b
3:  csrr zero, 0x7c2
    call main
    j    tw_exit
