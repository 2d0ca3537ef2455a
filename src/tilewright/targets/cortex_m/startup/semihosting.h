/// Files and the exit code of the machine that emulates this one.
///
/// Source: Arm, Semihosting for AArch32 and AArch64, release 2.0.
#pragma once

#include <stdint.h>

/// Opens a file of the host. mode: 1 to read ("rb"), 5 to write ("wb"). Negative where it fails.
int32_t semihosting_open(const char *path, int32_t mode);

/// Bytes that were NOT read or written.
int32_t semihosting_read(int32_t file, void *data, int32_t bytes);
int32_t semihosting_write(int32_t file, const void *data, int32_t bytes);

/// Sets the position for the next read or write. 0 where it worked.
int32_t semihosting_seek(int32_t file, int32_t position);

/// Closes a file: only then all of it is written.
int32_t semihosting_close(int32_t file);

/// Shows a string where the emulator shows such things.
void semihosting_say(const char *text);

/// Ends the emulation.
__attribute__((noreturn)) void semihosting_exit(int32_t code);

/// What follows main: see startup.c.
void finish(int code);
