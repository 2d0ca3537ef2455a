// Who goes next: the core or device event with the smallest key (time, then order in the cycle).
#include "sim.h"

#include <stdlib.h>

enum { AFTER_CORES = 255, KEYS_PER_PICOSECOND = 256 };

static void find_next_event(tw_sim *sim) {
  sim->next_event = INT64_MAX;
  for (int32_t slot = 0; slot < TW_EVENTS; slot++) {
    if (sim->events[slot].key < sim->next_event) {
      sim->next_event = sim->events[slot].key;
    }
  }
}

void tw_schedule(tw_sim *sim, int32_t slot, tw_handler handler, int64_t cycle) {
  tw_event *event = &sim->events[slot];
  event->key = cycle * sim->period[0] * KEYS_PER_PICOSECOND + AFTER_CORES;
  event->order = sim->event_order++;
  event->handler = handler;
  sim->next_event = event->key < sim->next_event ? event->key : sim->next_event;
  sim->needs_attention = true;
}

void tw_cancel(tw_sim *sim, int32_t slot) {
  sim->events[slot].key = INT64_MAX;
  find_next_event(sim);
  sim->needs_attention = true;
}

static void fire_next_event(tw_sim *sim) {
  tw_event *first = NULL;
  for (int32_t slot = 0; slot < TW_EVENTS; slot++) {
    tw_event *event = &sim->events[slot];
    if (event->key == sim->next_event && (first == NULL || event->order < first->order)) {
      first = event;
    }
  }
  sim->now = first->key / KEYS_PER_PICOSECOND;
  first->key = INT64_MAX;
  find_next_event(sim);
  first->handler(sim, (int32_t)(first - sim->events));
}

static void update_key(tw_sim *sim, int32_t index) {
  const tw_core *core = &sim->cores[index];
  int64_t cycle = core->state == TW_RUNNING ? core->cycle : INT64_MAX;
  cycle = core->background < cycle ? core->background : cycle;
  sim->keys[index] = cycle == INT64_MAX
                         ? INT64_MAX
                         : cycle * sim->period[core->domain] * KEYS_PER_PICOSECOND + core->rank;
}

// A core that (re)starts goes first in its cycle.
static void move_to_front(tw_sim *sim, tw_core *core) {
  for (int32_t i = 0; i < sim->core_count; i++) {
    sim->cores[i].rank += sim->cores[i].rank < core->rank;
  }
  core->rank = 0;
  for (int32_t i = 0; i < sim->core_count; i++) {
    update_key(sim, i);
  }
}

void tw_sleep(tw_sim *sim, tw_core *core, tw_loss why) {
  core->state = TW_ASLEEP;
  core->sleep_loss = why;
  core->asleep_since = core->cycle;
  sim->needs_attention = true;
}

void tw_wake(tw_sim *sim, tw_core *core, int64_t cycle, int32_t delay) {
  if (core->state != TW_ASLEEP) {
    return;
  }
  const int64_t asleep = core->cycle;
  core->state = TW_RUNNING;
  core->cycle = cycle + 1 + delay;
  core->x[core->wake_register] = core->wake_value;
  core->wake_register = TW_SINK;
  core->lost[core->sleep_loss] += core->cycle - asleep;
  tw_record(sim, core->id, core->sleep_loss, asleep, core->cycle);
  move_to_front(sim, core);
  sim->needs_attention = true;
}

void tw_start_core(tw_sim *sim, tw_core *core, int64_t picoseconds) {
  core->pc = core->boot;
  core->line = UINT32_MAX;
  core->trail[core->trail_next++ % TW_TRAIL] = core->boot;
  core->cycle = picoseconds / sim->period[core->domain] + 1;
  core->observed_cycle = core->cycle;
  core->state = TW_RUNNING;
  move_to_front(sim, core);
  sim->needs_attention = true;
}

int64_t tw_cluster_cycle(const tw_sim *sim) { return sim->now / sim->period[0]; }

void tw_stop(tw_sim *sim, tw_outcome outcome, int32_t exit_code) {
  sim->outcome = outcome;
  sim->exit_code = exit_code;
  sim->needs_attention = true;
}

void tw_raise(tw_sim *sim, tw_core *core, tw_fault fault, uint32_t address, uint32_t size) {
  if (sim->fault == TW_F_NONE) {
    sim->fault = fault;
    sim->fault_core = core == NULL ? -1 : core->id;
    sim->fault_address = address;
    sim->fault_size = size;
  }
  tw_stop(sim, TW_FAULTED, 0);
}

void tw_record(tw_sim *sim, int32_t track, uint32_t what, int64_t start, int64_t end) {
  if (!sim->records) {
    return;
  }
  if (sim->interval_count == sim->interval_room) {
    const size_t room = sim->interval_room == 0 ? 1024 : 2 * sim->interval_room;
    tw_interval *grown = realloc(sim->intervals, room * sizeof *grown);
    if (grown == NULL) {
      sim->records = false;
      return;
    }
    sim->intervals = grown;
    sim->interval_room = room;
  }
  const tw_interval interval = {start, end, track, what};
  sim->intervals[sim->interval_count++] = interval;
}

// The last cycle of `core` whose key is below `key`.
static int64_t last_cycle_before(const tw_sim *sim, const tw_core *core, int64_t key) {
  if (key == INT64_MAX) {
    return INT64_MAX / 2;
  }
  return (key - core->rank - 1) / (sim->period[core->domain] * KEYS_PER_PICOSECOND);
}

static void run_first_core(tw_sim *sim, int32_t first, int64_t second) {
  tw_core *core = &sim->cores[first];
  const int64_t bound = second < sim->next_event ? second : sim->next_event;
  sim->now = sim->keys[first] / KEYS_PER_PICOSECOND;
  sim->horizon = last_cycle_before(sim, core, bound);
  sim->needs_attention = false;
  core->run(sim, core);
  update_key(sim, first);
}

int64_t tw_run(tw_sim *sim) {
  sim->outcome = TW_RAN;
  while (sim->outcome == TW_RAN) {
    int32_t first = 0;
    int64_t best = INT64_MAX, second = INT64_MAX;
    for (int32_t i = 0; i < sim->core_count; i++) {
      const int64_t key = sim->keys[i];
      if (key < best) {
        second = best;
        best = key;
        first = i;
      } else if (key < second) {
        second = key;
      }
    }
    const int64_t next = best < sim->next_event ? best : sim->next_event;
    if (next == INT64_MAX) {
      sim->outcome = TW_DEADLOCKED;
    } else if (next / KEYS_PER_PICOSECOND >= sim->limit) {
      sim->outcome = TW_LIMIT;
    } else if (best < sim->next_event) {
      run_first_core(sim, first, second);
    } else {
      fire_next_event(sim);
    }
  }
  return sim->outcome;
}
