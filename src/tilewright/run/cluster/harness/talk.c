/// talk.c on Siracusa's cluster: the request comes with the program and lies in weight memory, the
/// answer is written there, and whoever runs the program reads it by the linker script's symbols.
/// Ticks are cycles of core 0.
#include "cluster.h"
#include "tilewright_talk.h"

#include <string.h>

enum { FAILED = 1 };

extern uint8_t inputs_start[], results_start[], results_stop[];

static const uint8_t *request = inputs_start;
static uint8_t *answer = results_start;
static uint64_t passed;
static uint32_t before;

void talk_read(void *data, int32_t bytes) {
  memcpy(data, request, (size_t)bytes);
  request += bytes;
}

void talk_write(const void *data, int32_t bytes) {
  if (results_stop - answer < bytes) {
    tw_say("the answer does not fit the weight memory: make fewer tokens\n");
    tw_exit(FAILED);
  }
  memcpy(answer, data, (size_t)bytes);
  answer += bytes;
}

uint64_t talk_ticks(void) {
  const uint32_t now = tw_cycles();
  passed += now - before;
  before = now;
  return passed;
}

int main(void) {
  before = tw_cycles();
  return talk();
}
