/// talk.c on an emulated board: files request.bin and answer.bin, instructions.
///
/// The emulator is told to take one nanosecond for an instruction (-icount shift=0), so the system
/// timer, which counts down at the processor's clock, tells how many there were.
#include "semihosting.h"
#include "tilewright_talk.h"

enum { READ = 1, WRITE = 5, CLOSED = -1, FAILED = 1 };
enum { TIMER_MASK = 0xFFFFFF, TIMER_ON = 5 };

static int32_t request = CLOSED;
static int32_t answer = CLOSED;
static uint64_t passed;
static uint32_t before;

int main(void);
void fault(void);

static void fail(const char *what) {
  semihosting_say(what);
  semihosting_say("\n");
  semihosting_exit(FAILED);
}

void fault(void) { fail("the processor took a fault or an unexpected interrupt"); }

void talk_read(void *data, int32_t bytes) {
  if (semihosting_read(request, data, bytes) != 0) {
    fail("the request is too short");
  }
}

void talk_write(const void *data, int32_t bytes) {
  if (semihosting_write(answer, data, bytes) != 0) {
    fail("the answer cannot be written: is the disk full?");
  }
}

// Armv7-M and Armv8-M, SysTick: control, reload value, current value.
static volatile uint32_t *const timer = (volatile uint32_t *)0xE000E010u;

uint64_t talk_ticks(void) {
  const uint32_t now = timer[2];
  passed += (before - now) & TIMER_MASK;
  before = now;
  return passed;
}

int main(void) {
  request = semihosting_open("request.bin", READ);
  answer = semihosting_open("answer.bin", WRITE);
  if (request < 0 || answer < 0) {
    fail("request.bin or answer.bin cannot be opened");
  }
  timer[1] = TIMER_MASK;
  timer[2] = 0;
  timer[0] = TIMER_ON;
  before = timer[2];
  const int status = talk();
  semihosting_close(answer);
  return status;
}
