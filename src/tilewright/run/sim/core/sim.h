// State of a simulated machine, and the interfaces of its parts.
//
// Time: every core and device counts cycles of its clock domain; the scheduler orders them by
// picoseconds. Within one cycle cores go in the order of `rank`, then devices.
#ifndef TW_SIM_H
#define TW_SIM_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

enum {
  TW_CORES = 16,
  TW_MEMORIES = 16,
  TW_ROUTES = 64,
  TW_VIEWS = 3, // address maps: cluster cores, fabric controller, DMA
  TW_EVENTS = 32,
  TW_BANKS = 64,
  TW_REGISTERS = 128, // x0..x31, sink of writes to x0, f0..f31 from 64 on
  TW_SINK = 32,
  TW_FLOAT = 64,
  TW_TRAIL = 32,   // control transfers remembered for fault messages
  TW_REGIONS = 64, // that a program may mark
  TW_NEVER = 255,
};

// One decoded instruction. Registers are indices into tw_core.x.
typedef struct {
  uint16_t op;    // what it does; 0: not decoded yet
  uint16_t entry; // where dispatch enters: op, or 1 for everything that needs a look first
  uint8_t rd, rs1, rs2, rs3;
  uint8_t base; // address register to write back
  uint8_t size; // in halfwords: 1 or 2
  uint8_t is_loop_end;
  uint8_t writes_at_once; // rd, in the cycle of issue
  int32_t imm;
  uint64_t reads; // bit mask of the registers that it reads, floating point from 32 on
  uint32_t pc;
} tw_insn;

typedef struct {
  uint32_t size; // bytes
  uint8_t *bytes;
  tw_insn *code;          // one slot per halfword
  uint8_t *has_code;      // per 64 bytes: some slot is decoded
  uint8_t *is_written;    // per byte, or NULL while the check is off
  int32_t banks;          // 0: never busy
  int32_t domain;         // whose cycles the banks count
  int64_t free[TW_BANKS]; // cycle from which a bank takes the next word
  int32_t word_shift;     // log2 of the bytes of a bank's word
} tw_memory;

typedef enum { TW_NOTHING, TW_MEMORY, TW_TEST_AND_SET, TW_DEVICE } tw_route_kind;

// A window of addresses of one view.
typedef struct {
  tw_route_kind kind;
  uint32_t base, size;
  int32_t target;  // memory, or device (tw_device)
  int32_t offset;  // of the window's first byte in the target
  int32_t latency; // cycles beyond the first
  uint8_t next;    // next route of the same 64 KiB page, or 0
} tw_route;

typedef enum {
  TW_CLUSTER_CONTROL,
  TW_TIMER,
  TW_EVENT_UNIT,
  TW_EVENT_UNIT_DEMUX,
  TW_NEUREKA,
  TW_ICACHE_CONTROL,
  TW_MCHAN_EXTERNAL,
  TW_MCHAN_DEMUX,
  TW_STDOUT,
  TW_FC_ICACHE_CONTROL,
  TW_FINISHER,
  TW_UART,
  TW_PLAIN_REGISTERS,
  TW_SNITCH_PERIPHERALS,
  TW_ZERO_MEMORY,
  TW_ITA,
  TW_DEVICES,
} tw_device;

// Cycles that instructions take beyond the first (index of tw_core.timing). The reasons why a
// core loses cycles (index of tw_core.lost) follow; names in timing.py.
typedef enum {
  TW_T_BRANCH,
  TW_T_JUMP,
  TW_T_MUL,
  TW_T_MUL_RESULT,
  TW_T_MULH,
  TW_T_DIV,
  TW_T_ELW,
  TW_T_FLOAD,
  TW_T_FDIV,
  TW_T_LOAD_USE,
  TW_T_DIV_FIXED,
  TW_TIMINGS,
} tw_timing;
typedef enum {
  TW_L_LOAD,
  TW_L_CONFLICT,
  TW_L_FAR,
  TW_L_FETCH,
  TW_L_BRANCH,
  TW_L_UNIT,
  TW_L_BARRIER,
  TW_L_DMA,
  TW_L_NPU,
  TW_L_ASLEEP,
  TW_LOSSES,
} tw_loss;

typedef struct {
  int32_t sets, ways, refill; // refill: cycles added to what the next level takes
  bool is_enabled;
  int64_t busy_until;
  uint32_t lfsr;
  uint32_t *tags;   // line numbers, [sets][ways]; UINT32_MAX: empty
  int64_t *arrives; // cycle at which the line is there
} tw_cache;

typedef enum { TW_OFF, TW_RUNNING, TW_ASLEEP, TW_HALTED } tw_core_state;

typedef struct tw_sim tw_sim;
typedef struct tw_snitch_core tw_snitch_core;
typedef struct tw_snitch tw_snitch;
typedef struct tw_core tw_core;
// Runs one core, and what belongs to it alone, until it would overtake the horizon.
typedef void (*tw_runner)(tw_sim *sim, tw_core *core);
// Reads or writes a device's register; cycles are those of the cluster's clock.
typedef uint32_t (*tw_register_access)(tw_sim *sim, tw_core *core, int64_t cycle, uint32_t offset,
                                       uint32_t value, bool is_write);

struct tw_core {
  uint32_t x[TW_REGISTERS];
  uint32_t pc;
  int64_t cycle;      // at which the next instruction issues
  int64_t background; // cycle at which a unit of its own goes on beside it; INT64_MAX: none
  tw_runner run;
  int32_t stall;           // already owed by a parked instruction
  bool is_fetched, passes; // parked after its fetch; goes on from a breakpoint
  uint64_t hazard_mask;
  int64_t hazard_until;
  uint32_t loop_start[2], loop_end[2], loop_count[2];
  tw_core_state state;
  uint32_t line;   // number of the line in the fetch buffer
  tw_memory *code; // where it runs, and the addresses of that memory
  uint32_t code_base, code_size;
  int32_t id, view, domain, rank;
  uint32_t hartid, extensions, boot;
  int32_t timing[TW_TIMINGS];
  tw_cache icache;
  int32_t shared_icache; // index into tw_sim.shared, or -1
  int32_t fetch_latency; // of a line that no cache holds
  uint32_t guard_start, guard_size;
  int32_t fpu; // index of the unit it uses, or -1 for one of its own
  uint32_t fflags, frm;
  uint32_t csr[16];
  uint32_t reserved_address, reserved_value;
  uint8_t wake_register, load_register; // written when it wakes; target of the load at work
  uint32_t wake_value;
  int32_t sleep_stall;
  int64_t asleep_since;
  tw_loss sleep_loss;
  uint64_t instructions;
  int64_t lost[TW_LOSSES];
  uint32_t trail[TW_TRAIL];
  uint32_t trail_next;
  int64_t region_start[TW_REGIONS], region_cycles[TW_REGIONS];
  int64_t observed_cycle, observed_lost[TW_LOSSES];
  uint32_t observed_symbol;
  uint64_t observed_instructions;
  tw_snitch_core *snitch; // NULL: a PULP core
};

typedef void (*tw_handler)(tw_sim *sim, int32_t slot);

typedef struct {
  int64_t key; // picoseconds, or INT64_MAX
  uint64_t order;
  tw_handler handler;
} tw_event;

// An interval of the timeline: cycles of the cluster's clock.
typedef struct {
  int64_t start, end;
  int32_t track; // core, or TW_TRACK_DMA, TW_TRACK_NPU
  uint32_t what; // mark, loss, bytes
} tw_interval;
enum { TW_TRACK_REGION = 32, TW_TRACK_DMA = 64, TW_TRACK_NPU = 66 };

typedef enum {
  TW_RAN,
  TW_EXITED,
  TW_FAULTED,
  TW_DEADLOCKED,
  TW_LIMIT,
  TW_BREAKPOINT,
} tw_outcome;
typedef enum {
  TW_F_NONE,
  TW_F_ILLEGAL,
  TW_F_UNMAPPED,
  TW_F_MISALIGNED,
  TW_F_STACK,
  TW_F_DMA_RANGE,
  TW_F_NPU_RANGE,
  TW_F_UNINITIALISED,
  TW_F_OWNED_BY_DMA,
  TW_F_ECALL,
  TW_F_FETCH,
  TW_F_DEVICE,
  TW_F_STREAM,
  TW_F_STREAM_FULL,
  TW_F_REPEATED,
  TW_F_REPEATED_LENGTH,
  TW_F_ITA,
  TW_F_ITA_FULL,
} tw_fault;

typedef struct tw_mchan tw_mchan;
typedef struct tw_neureka tw_neureka;
typedef struct tw_event_unit tw_event_unit;

struct tw_sim {
  tw_core cores[TW_CORES];
  int32_t core_count;
  int64_t keys[TW_CORES]; // picoseconds * 256 + rank, INT64_MAX while not running
  tw_memory memories[TW_MEMORIES];
  int32_t memory_count;
  tw_route routes[TW_ROUTES];
  int32_t route_count;
  uint8_t pages[TW_VIEWS][65536]; // address / 64 KiB -> first route, 0: nothing
  int64_t period[2];              // picoseconds: 0 cluster, 1 fabric
  tw_event events[TW_EVENTS];
  int64_t next_event; // smallest key
  uint64_t event_order;
  int64_t now;          // picoseconds, of the core or device at work
  int64_t horizon;      // cycle up to which the running core may touch what others see
  int64_t limit;        // picoseconds
  bool needs_attention; // the running core must return to the scheduler
  tw_outcome outcome;
  int32_t exit_code;
  tw_fault fault;
  int32_t fault_core;
  uint32_t fault_address, fault_size;
  tw_cache shared[2]; // banks of the shared instruction cache
  int64_t fpu_free[TW_CORES], divider_free;
  tw_register_access devices[TW_DEVICES]; // what stands behind a window of that kind
  // Whether a DMA transfer in flight forbids the access; NULL: no DMA
  bool (*dma_owns)(tw_sim *sim, const tw_memory *memory, uint32_t offset, uint32_t size,
                   bool is_write);
  tw_event_unit *events_unit;
  tw_mchan *mchan;
  tw_neureka *neureka;
  tw_snitch *snitch;       // NULL: no Snitch cluster
  uint32_t registers[256]; // of TW_PLAIN_REGISTERS and cluster control
  int64_t timer_start[2], timer_held[2];
  uint32_t timer_config[2];
  bool checks_uninitialised, checks_dma;
  uint32_t breakpoint;
  bool has_breakpoint;
  char *output;
  size_t output_size, output_room;
  FILE *trace;
  bool observes;                  // tracing, profiling: every instruction is looked at
  uint16_t *symbols[TW_MEMORIES]; // per halfword: index of the function
  int64_t *profile;               // [core][symbol][2 + TW_LOSSES]: instructions, cycles, losses
  int32_t symbol_count;
  tw_interval *intervals;
  size_t interval_count, interval_room;
  bool records;
};

// memory.c
tw_route *tw_route_of(tw_sim *sim, int32_t view, uint32_t address);
bool tw_memory_at(tw_sim *sim, int32_t view, uint32_t address, tw_memory **memory, uint32_t *offset,
                  int32_t *latency);
void tw_forget_code(tw_memory *memory, uint32_t offset, uint32_t size);
uint32_t tw_load_slowly(tw_sim *sim, tw_core *core, int64_t cycle, int32_t *latency,
                        uint32_t address, uint32_t size);
void tw_store_slowly(tw_sim *sim, tw_core *core, int64_t cycle, int32_t *latency, uint32_t address,
                     uint32_t size, uint32_t value);
// Cycles that a word, or a line of four words, waits for its banks, which it books. The wait runs
// while the request is on its way (`way` cycles): only what is longer counts.
int32_t tw_bank_wait(tw_sim *sim, tw_memory *memory, uint32_t offset, int64_t picoseconds,
                     int32_t way);
int32_t tw_bank_wait_line(tw_sim *sim, tw_memory *memory, uint32_t offset, int64_t picoseconds,
                          int32_t way);

// device.c: small devices, output, semihosting.
void tw_plug_small_devices(tw_sim *sim);
void tw_print(tw_sim *sim, const char *text, size_t size);
void tw_wait_for_interrupt(tw_sim *sim, tw_core *core);
void tw_environment_call(tw_sim *sim, tw_core *core);
void tw_breakpoint(tw_sim *sim, tw_core *core, uint32_t pc);

// icache.c
uint32_t *tw_cache_find(const tw_cache *cache, uint32_t set, uint32_t line); // NULL: not there
uint32_t *tw_cache_replace(tw_cache *cache, uint32_t set);
// Cycles until the line is there; of a new one, given that the next level needs `below`.
int32_t tw_cache_refill(tw_cache *cache, uint32_t *slot, uint32_t line, int64_t cycle,
                        int32_t below);
int32_t tw_cache_wait(const tw_cache *cache, const uint32_t *slot, int64_t cycle);
int32_t tw_fetch(tw_sim *sim, tw_core *core, int64_t cycle, uint32_t line);
bool tw_fetch_is_private(const tw_core *core, uint32_t line);
void tw_flush_icaches(tw_sim *sim);

// schedule.c: the one interface between what has a clock. Cores are known to it by their runner,
// devices by the handlers of their events; it calls no other file.
int64_t tw_run(tw_sim *sim);
void tw_schedule(tw_sim *sim, int32_t slot, tw_handler handler, int64_t cycle);
void tw_cancel(tw_sim *sim, int32_t slot);
void tw_sleep(tw_sim *sim, tw_core *core, tw_loss why);
void tw_wake(tw_sim *sim, tw_core *core, int64_t cycle, int32_t delay);
void tw_start_core(tw_sim *sim, tw_core *core, int64_t picoseconds);
void tw_stop(tw_sim *sim, tw_outcome outcome, int32_t exit_code);
void tw_raise(tw_sim *sim, tw_core *core, tw_fault fault, uint32_t address, uint32_t size);
int64_t tw_cluster_cycle(const tw_sim *sim);
void tw_record(tw_sim *sim, int32_t track, uint32_t what, int64_t start, int64_t end);

// cpu.c: runs one core until it would overtake the horizon.
void tw_run_core(tw_sim *sim, tw_core *core);
// observe.c
// Prints the instruction; books the cycles until now on the one before, and what follows on `pc`.
void tw_trace(tw_sim *sim, const tw_core *core, const tw_insn *insn, int64_t cycle);
void tw_attribute(tw_sim *sim, tw_core *core, uint32_t pc, int64_t cycle);
void tw_account(tw_sim *sim, tw_core *core, int64_t cycle);
void tw_mark(tw_sim *sim, tw_core *core, uint32_t mark, int64_t cycle);

// csr.c
uint32_t tw_read_csr(const tw_sim *sim, const tw_core *core, uint32_t number, int64_t cycle,
                     bool *is_known);
bool tw_write_csr(tw_core *core, uint32_t number, uint32_t value);

// Event unit, DMA and accelerator: one file each.
enum {
  TW_EVENT_DMA = 8,
  TW_EVENT_NPU = 12,
  TW_EVENT_BARRIER = 16,
  TW_EVENT_MUTEX = 17,
  TW_EVENT_DISPATCH = 18
};
enum {              // slots of tw_sim.events
  TW_SLOT_WAKE = 0, // + core
  TW_SLOT_DMA_QUEUE = 16,
  TW_SLOT_DMA_READ,
  TW_SLOT_DMA_WRITE,
  TW_SLOT_DMA_LOCAL,
  TW_SLOT_NPU,
};
// Each plugs its registers in; false: no memory.
bool tw_plug_event_unit(tw_sim *sim);
void tw_trigger(tw_sim *sim, uint32_t events, uint32_t cores, int64_t cycle);
uint32_t tw_waits_for(const tw_sim *sim, int32_t core);
bool tw_plug_mchan(tw_sim *sim);
bool tw_dma_is_busy(const tw_sim *sim);
bool tw_plug_neureka(tw_sim *sim);
// How many jobs it was given so far; 0 without one.
int64_t tw_neureka_given(const tw_sim *sim);

#endif
