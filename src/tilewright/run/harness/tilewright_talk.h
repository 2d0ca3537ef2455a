/// What talk.c needs of the machine that it runs on.
#pragma once

#include <stdint.h>

/// The next bytes of the request.
void talk_read(void *data, int32_t bytes);

/// Bytes for whoever asked.
void talk_write(const void *data, int32_t bytes);

/// Of the machine's own clock or counter.
uint64_t talk_ticks(void);

/// Reads a request, says what follows, and writes it. Returns 0.
int talk(void);
