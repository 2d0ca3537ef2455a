/// Runs the entries of one compiled network in turn, several times, in one process.
///
/// program TURNS OUTPUTS RUNS
///   TURNS    file: for each turn int32 entry, its arguments, its inputs; entry -1 resets
///   OUTPUTS  file, written: for each run and turn int32 status, then the entry's outputs
///
/// Every run begins with a reset; between turns all bytes of the arena but the states are poisoned.
/// Turns alternate between tensors inside the arena, where the plan keeps them, and the caller's.
#include "tilewright_turns.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { POISON = 0xA5, ARGUMENTS = 4, MOST_ARGUMENTS = 16, MOST_TENSORS = 64 };

static void fail(const char *what) {
  fprintf(stderr, "%s\n", what);
  exit(EXIT_FAILURE);
}

static void *allocated(size_t bytes) {
  void *made = malloc(bytes + 1);
  if (made == NULL) {
    fail("out of memory");
  }
  return made;
}

static void read_or_fail(void *data, size_t bytes, FILE *file) {
  if (fread(data, 1, bytes, file) != bytes) {
    fail("the file of turns is too short");
  }
}

static void write_or_fail(const void *data, size_t bytes, FILE *file) {
  if (fwrite(data, 1, bytes, file) != bytes) {
    fail("cannot write results: is the disk full?");
  }
}

/// Nothing but states lives from one turn to the next.
static void poison(const turns_network *net) {
  uint8_t *kept[MOST_TENSORS];
  for (int32_t i = 0; i < net->states; ++i) {
    kept[i] = allocated((size_t)net->state_bytes[i]);
    memcpy(kept[i], net->states_in[i], (size_t)net->state_bytes[i]);
  }
  memset(net->arena, POISON, (size_t)net->arena_bytes);
  for (int32_t i = 0; i < net->states; ++i) {
    memcpy(net->states_in[i], kept[i], (size_t)net->state_bytes[i]);
    free(kept[i]);
  }
}

static void tensors_for(void **tensors, void *const *planned, int32_t count, const int32_t *bytes,
                        int is_own) {
  for (int32_t i = 0; i < count; ++i) {
    tensors[i] = is_own ? allocated((size_t)bytes[i]) : planned[i];
  }
}

static void free_all(void **tensors, int32_t count, int is_own) {
  for (int32_t i = 0; is_own && i < count; ++i) {
    free(tensors[i]);
  }
}

static void turn(const turns_entry *entry, FILE *in, FILE *out, int is_own) {
  int32_t arguments[MOST_ARGUMENTS];
  void *inputs[MOST_TENSORS];
  void *outputs[MOST_TENSORS];
  tensors_for(inputs, entry->planned_inputs, entry->inputs, entry->input_bytes, is_own);
  tensors_for(outputs, entry->planned_outputs, entry->outputs, entry->output_bytes, is_own);
  for (int32_t i = 0; i < entry->outputs; ++i) {
    memset(outputs[i], POISON, (size_t)entry->output_bytes[i]);
  }
  read_or_fail(arguments, sizeof(int32_t) * (size_t)entry->arguments, in);
  for (int32_t i = 0; i < entry->inputs; ++i) {
    read_or_fail(inputs[i], (size_t)entry->input_bytes[i], in);
  }
  const int32_t status = entry->run(inputs, outputs, arguments);
  write_or_fail(&status, sizeof status, out);
  for (int32_t i = 0; i < entry->outputs; ++i) {
    write_or_fail(outputs[i], (size_t)entry->output_bytes[i], out);
  }
  free_all(inputs, entry->inputs, is_own);
  free_all(outputs, entry->outputs, is_own);
}

int main(int argc, char **argv) {
  if (argc != ARGUMENTS) {
    fail("usage: program TURNS OUTPUTS RUNS");
  }
  const turns_network net = turns_open();
  FILE *in = fopen(argv[1], "rb");
  FILE *out = fopen(argv[2], "wb");
  if (in == NULL || out == NULL) {
    fail("cannot open the files");
  }
  const long runs = strtol(argv[3], NULL, 10);
  for (long run = 0; run < runs; ++run) {
    rewind(in);
    memset(net.arena, POISON, (size_t)net.arena_bytes);
    if (turns_reset() != 0) {
      fail("tw_reset failed");
    }
    int32_t entry = 0;
    for (long number = run; fread(&entry, sizeof entry, 1, in) == 1; ++number) {
      poison(&net);
      if (entry < 0) {
        turns_reset();
      } else {
        turn(net.entry + entry, in, out, number % 2 != 0);
      }
    }
  }
  fclose(in);
  return fclose(out) == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
