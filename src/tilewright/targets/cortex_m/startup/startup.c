/// Reset code of an Arm Cortex-M: vector table, floating point, static variables, main.
///
/// Source: Armv7-M and Armv8-M Architecture Reference Manuals, chapters on the exception model
/// (vector table, reset) and the system control block (CPACR, CCR).
#include <stdint.h>

// Defined by the linker script; only their addresses mean something.
extern uint32_t data_load[], data_start[], data_stop[], bss_start[], bss_stop[], stack_top[];

int main(void);
void reset(void);
void start(void);
void fault(void);
void finish(int code);

/// What happens on a fault or an unexpected interrupt: nothing more. Define your own `fault`.
__attribute__((weak)) void fault(void) {
  for (;;) {
  }
}

/// What follows main: nothing. An emulator ends here; see semihosting.c.
__attribute__((weak)) void finish(int code) {
  (void)code;
  for (;;) {
  }
}

enum { VECTORS = 16 };

typedef union {
  const uint32_t *stack;
  void (*handler)(void);
} vector;

extern const vector vectors[VECTORS];

__attribute__((section(".vectors"), used)) const vector vectors[VECTORS] = {
    {.stack = stack_top}, {.handler = reset}, {.handler = fault},                     // NMI
    {.handler = fault},                                                               // HardFault
    {.handler = fault},                                                               // MemManage
    {.handler = fault},                                                               // BusFault
    {.handler = fault},                                                               // UsageFault
    {.handler = fault},                                                               // SecureFault
    {.handler = fault},   {.handler = fault}, {.handler = fault}, {.handler = fault}, // SVCall
    {.handler = fault},                       // DebugMonitor
    {.handler = fault},   {.handler = fault}, // PendSV
    {.handler = fault},                       // SysTick
};

/// Static variables, then main. Compiled code may use vector registers from its first line. The
/// pointers are volatile so that the loops stay loops: library functions would be larger.
__attribute__((used, noreturn)) void start(void) {
  const uint32_t *from = data_load;
  for (volatile uint32_t *to = data_start; to < data_stop; ++to) {
    *to = *from++;
  }
  for (volatile uint32_t *to = bss_start; to < bss_stop; ++to) {
    *to = 0;
  }
  finish(main());
  for (;;) {
  }
}

/// Lets coprocessors 10 and 11 (floating point, MVE) be used, and on Armv8.1-M low-overhead loops
/// (CCR.LOB), before any compiled code runs.
__attribute__((naked, noreturn)) void reset(void) {
  __asm volatile("ldr r0, =0xE000ED88\n" // CPACR
                 "ldr r1, [r0]\n"
                 "orr r1, r1, #(0xF << 20)\n"
                 "str r1, [r0]\n"
#if defined(__ARM_FEATURE_MVE)
                 "ldr r0, =0xE000ED14\n" // CCR
                 "ldr r1, [r0]\n"
                 "orr r1, r1, #(1 << 19)\n"
                 "str r1, [r0]\n"
#endif
                 "dsb\n"
                 "isb\n"
                 "b start\n");
}
