/// talk.c on this machine: stdin, stdout, nanoseconds.
#include "tilewright_talk.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

void talk_read(void *data, int32_t bytes) {
  if (fread(data, 1, (size_t)bytes, stdin) != (size_t)bytes) {
    fprintf(stderr, "the request is too short\n");
    exit(EXIT_FAILURE);
  }
}

void talk_write(const void *data, int32_t bytes) {
  if (fwrite(data, 1, (size_t)bytes, stdout) != (size_t)bytes) {
    fprintf(stderr, "the answer cannot be written\n");
    exit(EXIT_FAILURE);
  }
}

uint64_t talk_ticks(void) {
  struct timespec now;
  timespec_get(&now, TIME_UTC);
  return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

int main(void) { return talk(); }
