#include "semihosting.h"

#include <string.h>

enum {
  SYS_OPEN = 0x01,
  SYS_CLOSE = 0x02,
  SYS_WRITE0 = 0x04,
  SYS_WRITE = 0x05,
  SYS_READ = 0x06,
  SYS_SEEK = 0x0A,
  SYS_EXIT_EXTENDED = 0x20,
  APPLICATION_EXIT = 0x20026,
};

/// One call: the operation in r0, the address of its parameters in r1, the answer in r0.
static int32_t call(int32_t operation, const void *parameters) {
  register int32_t r0 __asm__("r0") = operation;
  register const void *r1 __asm__("r1") = parameters;
  __asm volatile("bkpt 0xAB" : "+r"(r0) : "r"(r1) : "memory");
  return r0;
}

int32_t semihosting_open(const char *path, int32_t mode) {
  const uint32_t parameters[] = {(uint32_t)path, (uint32_t)mode, strlen(path)};
  return call(SYS_OPEN, parameters);
}

int32_t semihosting_read(int32_t file, void *data, int32_t bytes) {
  const uint32_t parameters[] = {(uint32_t)file, (uint32_t)data, (uint32_t)bytes};
  return call(SYS_READ, parameters);
}

int32_t semihosting_write(int32_t file, const void *data, int32_t bytes) {
  const uint32_t parameters[] = {(uint32_t)file, (uint32_t)data, (uint32_t)bytes};
  return call(SYS_WRITE, parameters);
}

int32_t semihosting_seek(int32_t file, int32_t position) {
  const uint32_t parameters[] = {(uint32_t)file, (uint32_t)position};
  return call(SYS_SEEK, parameters);
}

int32_t semihosting_close(int32_t file) {
  const uint32_t parameters[] = {(uint32_t)file};
  return call(SYS_CLOSE, parameters);
}

void semihosting_say(const char *text) { call(SYS_WRITE0, text); }

void semihosting_exit(int32_t code) {
  const uint32_t parameters[] = {APPLICATION_EXIT, (uint32_t)code};
  for (;;) {
    call(SYS_EXIT_EXTENDED, parameters);
  }
}

void finish(int code) {
  semihosting_say(code == 0 ? "main returned 0\n" : "main returned an error\n");
  semihosting_exit(code);
}
