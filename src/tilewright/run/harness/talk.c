/// Reads one request, generates, and writes what was said.
///
/// Request: uint32 bytes of the prompt, uint32 tokens, a tw_sampler, the prompt.
/// Answer:  for every token its number as uint32 and the ticks since the one before, or since the
///          beginning, as uint64; then uint32 -1, int32 what tw_NAME_generate returned, and uint32
///          calls of the network after the prompt.
#include "talk_names.h"
#include "tilewright_talk.h"

enum { PROMPT_BYTES = TALK_PROMPT_BYTES };

static const uint32_t END = UINT32_MAX;
static uint8_t prompt[PROMPT_BYTES];
static talk_memory memory;
static uint64_t since;

static int said(void *user, uint16_t token, tw_piece piece) {
  const uint64_t ticks = talk_ticks() - since;
  const uint32_t number = token;
  (void)user;
  (void)piece;
  talk_write(&number, sizeof number);
  talk_write(&ticks, sizeof ticks);
  since = talk_ticks();
  return 1;
}

int talk(void) {
  uint32_t head[2];
  tw_sampler sampler;
  talk_read(head, sizeof head);
  talk_read(&sampler, sizeof sampler);
  if (head[0] > PROMPT_BYTES) {
    return 1;
  }
  talk_read(prompt, (int32_t)head[0]);
  const talk_request request = {
      .prompt = prompt,
      .prompt_bytes = head[0],
      .tokens = head[1],
      .sampler = &sampler,
      .said = said,
  };
  since = talk_ticks();
  const int32_t status = talk_generate(&memory, &request);
  talk_write(&END, sizeof END);
  talk_write(&status, sizeof status);
  talk_write(&memory.calls, sizeof memory.calls);
  return 0;
}
