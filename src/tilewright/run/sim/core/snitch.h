// Snitch cores and their cluster: state, and the interfaces of the parts.
//
// A core is single issue and in order; what takes longer than a cycle (loads, multiplications,
// results of the floating-point subsystem) comes back later and is looked at when it is used.
// Values are exact at once; only the time of a result is kept.
#ifndef TW_SNITCH_H
#define TW_SNITCH_H

#include "sim.h"

enum { TW_STREAMS = 3, TW_CREDITS = 4, TW_FP_QUEUE = 64, TW_FP_BUFFER = 32, TW_RESULTS = 40 };

// How long things take, in the order of SnitchTiming.as_numbers (snitch_timing.py).
typedef struct {
  int64_t load_result;  // cycles from issue until the result is at the write port
  int64_t mul_blocks;   // cycles that a multiplication or division holds the core beyond the first
  int64_t mul_result;   // as load_result, where the unit is shared
  int64_t shares_units; // one multiplier and one divider for the whole cluster
  int64_t jump;         // cycles of jal and jalr beyond the first
  int64_t waits_for_destination;
  int64_t has_write_port; // one write into the register file per cycle, instructions first
  int64_t loads_hold; // a core whose bank is taken waits in the load, not where the value is used
  int64_t stores_conflict;
  int64_t amo_bank; // cycles that an atomic holds its bank
  int64_t amo_result;
  int64_t far_result;    // outside the TCDM
  int64_t far_period;    // half cycles between two accesses there
  int64_t far_store;     // cycles until a store there is done: what a fence waits for
  int64_t barrier;       // cycles beyond the first from the last arrival on
  int64_t fp_queue;      // instructions that the sequencer holds
  int64_t fp_dispatch;   // cycles from a core's issue to that of the subsystem
  int64_t fp_latency[7]; // by tw_fp_class
  int64_t fp_to_integer[7];
  int64_t fp_drains; // results for the core wait until the pipeline is empty
  int64_t has_fdiv;
  int64_t fp_load_holds;  // an integer instruction right after a load waits for its data
  int64_t stream_latency; // from a stream's request to its data
  int64_t same_stream;    // cycles more where both operands are the same stream
  int64_t line_shift;     // log2 of the bytes of an instruction cache line
  int64_t prefetches;
  int64_t traps_misaligned;
  int64_t dma_is_split; // the emulator's DMA: bursts inwards are not overlapped
  int64_t dma_start;    // cycles from the command to the first beat
  int64_t dma_far_read; // more of them where the source is outside the TCDM
  int64_t dma_line;     // half cycles that a line takes at least
  int64_t dma_result;   // as load_result, of Xdma's instructions
} tw_snitch_timing;

typedef struct {
  int64_t at;
  uint32_t reg;
} tw_result;

typedef enum {
  TW_FP_FP,
  TW_FP_FPMOVE,
  TW_FP_FPCOMPARE,
  TW_FP_FPCONVERT,
  TW_FP_FDIV,
  TW_FP_FLOAD,
  TW_FP_FSTORE,
  TW_FP_FREP,
  TW_FP_SWITCH, // streams on or off: imm
} tw_fp_class;
typedef enum { TW_KIND_NONE, TW_KIND_INTEGER, TW_KIND_SINGLE, TW_KIND_DOUBLE } tw_kind;

typedef struct {
  uint8_t unit, rd, rs1, rs2, rs3; // a tw_fp_class, and a tw_kind per operand
} tw_fp_row;

// One instruction that waits for the floating-point subsystem.
typedef struct {
  uint16_t op;
  uint8_t unit, rd, rs1, rs2, rs3; // registers 0..31
  int32_t imm;
  uint32_t value; // of the integer operand
  int64_t at;     // cycle in which the core issued it
} tw_fp_op;

typedef struct {
  bool is_on, is_write;
  uint32_t registers[32]; // as written; a start copies what it needs
  uint32_t address, loops;
  uint32_t bound[4], count[4], repeat, repeated;
  int32_t stride[4];
  uint64_t left; // elements that are to be fetched or written
  uint64_t data[TW_CREDITS];
  int64_t
      ready[TW_CREDITS]; // cycle from which the element may be used, or its slot be filled again
  uint32_t head, held;
  int64_t next_access;
  bool has_shadow, shadow_is_write;
  uint32_t shadow[32], shadow_loops, shadow_start;
} tw_stream;

typedef struct {
  uint64_t f[32];
  int64_t ready[32];
  tw_fp_op queue[TW_FP_QUEUE];
  uint32_t head, count;
  int32_t memory_ops; // loads and stores in the queue or the buffer
  int64_t issued;     // cycle in which the last instruction issued
  int64_t free;       // cycle from which the next instruction may issue
  int64_t drained;    // cycle at which all results are there
  int64_t loaded;     // cycle at which the last load's data is there
  int64_t next;       // cycle at which the next instruction issues, as far as known
  bool streams_on;
  tw_fp_op buffer[TW_FP_BUFFER];
  uint32_t captured, to_capture, position, iteration, iterations;
  uint32_t stagger_max, stagger_mask;
  bool is_outer, repeats;
} tw_fp;

struct tw_snitch_core {
  uint32_t pending; // registers whose result is under way
  uint32_t awaited; // of these, what the floating-point subsystem has not reached yet
  int32_t result_count;
  tw_result results[TW_RESULTS];
  int64_t port_from;            // first cycle of the write port that is not spoken for
  int64_t at;                   // when the result of the access just made is at the port
  int64_t started;              // when a wide access got its bank
  int64_t far_free;             // half cycles
  int64_t far_done;             // cycle at which all stores outside are done
  bool after_fp_load;           // the instruction before was a floating-point load
  bool is_interruptible;        // sleeps in wfi
  uint32_t custom[8];           // CSRs from 0x7C0 on that only keep what was written
  uint32_t lines[8], next_line; // first level of the instruction cache, newest first
  int64_t next_asked;
  tw_fp fp;
  tw_stream streams[TW_STREAMS];
};

typedef struct tw_xdma tw_xdma;
typedef struct tw_ita tw_ita;

struct tw_snitch {
  tw_snitch_timing timing;
  int64_t multiplier_free, divider_free;
  uint32_t arrived, members;               // cores at the barrier; cores that take part
  uint32_t interrupts, accelerator_events; // one bit per core
  uint32_t accelerator_is_busy;
  uint32_t tohost, fromhost; // 0: none
  uint32_t scratch[2], prefetch_enable;
  int64_t jobs, job_cycles;           // of ITA, done
  int64_t moved_bytes, moving_cycles; // of the DMA
  tw_xdma *dma;
  tw_ita *ita;
};

// snitch_core.c
void tw_run_snitch(tw_sim *sim, tw_core *core);
bool tw_plug_snitch(tw_sim *sim, const int64_t *timing);
bool tw_make_snitch(tw_sim *sim, tw_core *core);

// snitch_access.c: loads and stores of the cores; *cycle moves on while a bank is taken.
uint32_t tw_snitch_load(tw_sim *sim, tw_core *core, int64_t *cycle, uint32_t address,
                        uint32_t size);
void tw_snitch_store(tw_sim *sim, tw_core *core, int64_t *cycle, uint32_t address, uint32_t size,
                     uint32_t value);
// Second half of an atomic at `address`, which has been loaded.
void tw_snitch_modify(tw_sim *sim, tw_core *core, int64_t cycle, uint32_t address, uint32_t value);
uint32_t tw_snitch_reserve(tw_sim *sim, tw_core *core, int64_t *cycle, uint32_t address);
uint32_t tw_snitch_conditional(tw_sim *sim, tw_core *core, int64_t *cycle, uint32_t address,
                               uint32_t value);
// Up to eight bytes for the floating-point subsystem and the streams; *cycle as above.
uint64_t tw_snitch_load_wide(tw_sim *sim, tw_core *core, int64_t *cycle, uint32_t address,
                             uint32_t size);
void tw_snitch_store_wide(tw_sim *sim, tw_core *core, int64_t *cycle, uint32_t address,
                          uint32_t size, uint64_t value);

// snitch_fetch.c: cycles until the line is there; -1: others must go first.
int64_t tw_snitch_fetch(tw_sim *sim, tw_core *core, int64_t cycle, uint32_t pc, int64_t bound);

// snitch_fp.c
void tw_push_result(tw_snitch_core *s, uint32_t reg, int64_t at);
// Lets the subsystem do what is due until `limit`; false: it did nothing.
bool tw_fp_run(tw_sim *sim, tw_core *core, int64_t limit);
// Whether the hardware is built without what the instruction needs.
bool tw_fp_is_refused(const tw_sim *sim, uint16_t op);
bool tw_fp_is_idle(const tw_core *core);
// Lets the subsystem go on until there is room for an instruction, at *cycle or later; false:
// others, or the program's end, come first.
bool tw_fp_make_room(tw_sim *sim, tw_core *core, int64_t limit, int64_t *cycle);
bool tw_fp_has_room(const tw_sim *sim, const tw_core *core);
tw_fp_class tw_fp_push(tw_core *core, const tw_fp_op *op);
// Whether an access of the core must wait for one that the subsystem has yet to make.
bool tw_fp_may_touch(const tw_snitch_core *s, uint32_t address);

// snitch_stream.c
uint32_t tw_ssr_read(tw_sim *sim, tw_core *core, uint32_t where);
void tw_ssr_write(tw_sim *sim, tw_core *core, int64_t cycle, uint32_t where, uint32_t value);
// Whether a write must wait: the second set of registers is in use.
bool tw_ssr_is_full(const tw_core *core);
bool tw_stream_has_element(const tw_stream *stream);
uint64_t tw_stream_pop(tw_sim *sim, tw_core *core, int32_t which, int64_t cycle);
void tw_stream_push(tw_sim *sim, tw_core *core, int32_t which, int64_t cycle, uint64_t value);

// snitch_host.c: what a store to the symbol tohost asks for.
void tw_call_host(tw_sim *sim, tw_core *core, uint32_t value);

// snitch_cluster.c: control and status registers, barrier, interrupts, peripherals.
typedef enum { TW_CSR_SWAP, TW_CSR_SET, TW_CSR_CLEAR } tw_csr_action;
uint32_t tw_snitch_csr(tw_sim *sim, tw_core *core, int64_t *cycle, tw_csr_action action,
                       uint32_t number, uint32_t value, bool is_wanted);
bool tw_snitch_csr_waits(const tw_sim *sim, const tw_core *core, uint32_t number);
void tw_snitch_wait(tw_sim *sim, tw_core *core);
// Wakes the sleeping cores whose enabled interrupt is pending.
void tw_check_interrupts(tw_sim *sim, int64_t cycle);
void tw_plug_snitch_cluster(tw_sim *sim);

// snitch_dma.c: Xdma.
typedef enum { DMA_SOURCE, DMA_DESTINATION, DMA_STRIDES, DMA_LINES, DMA_USER } tw_xdma_field;
bool tw_plug_xdma(tw_sim *sim);
void tw_xdma_set(tw_sim *sim, tw_core *core, tw_xdma_field field, uint32_t low, uint32_t high);
uint32_t tw_xdma_copy(tw_sim *sim, tw_core *core, int64_t cycle, uint32_t bytes, uint32_t config);
uint32_t tw_xdma_status(tw_sim *sim, tw_core *core, int64_t cycle, uint32_t which);

// ita.c
bool tw_plug_ita(tw_sim *sim, int32_t contexts, int32_t softmax_shift);

// double.c: double precision on bit patterns; flags and rounding of the core.
static const uint64_t SIGN64 = 0x8000000000000000u;
static inline uint64_t tw_box(uint32_t v) { return 0xffffffff00000000u | v; }
static inline uint32_t tw_unbox(uint64_t v) {
  return v >> 32 == 0xffffffffu ? (uint32_t)v : 0x7fc00000u;
}
uint64_t tw_dadd(tw_core *core, uint32_t rm, uint64_t a, uint64_t b);
uint64_t tw_dsub(tw_core *core, uint32_t rm, uint64_t a, uint64_t b);
uint64_t tw_dmul(tw_core *core, uint32_t rm, uint64_t a, uint64_t b);
uint64_t tw_ddiv(tw_core *core, uint32_t rm, uint64_t a, uint64_t b);
uint64_t tw_dsqrt(tw_core *core, uint32_t rm, uint64_t a);
uint64_t tw_dmadd(tw_core *core, uint32_t rm, uint64_t a, uint64_t b, uint64_t c);
uint64_t tw_dmin(tw_core *core, uint64_t a, uint64_t b);
uint64_t tw_dmax(tw_core *core, uint64_t a, uint64_t b);
uint32_t tw_deq(tw_core *core, uint64_t a, uint64_t b);
uint32_t tw_dlt(tw_core *core, uint64_t a, uint64_t b);
uint32_t tw_dle(tw_core *core, uint64_t a, uint64_t b);
uint32_t tw_dclass(uint64_t a);
uint32_t tw_single_from_double(tw_core *core, uint32_t rm, uint64_t a);
uint64_t tw_double_from_single(tw_core *core, uint32_t a);
uint32_t tw_w_from_double(tw_core *core, uint32_t rm, uint64_t a);
uint32_t tw_wu_from_double(tw_core *core, uint32_t rm, uint64_t a);
uint64_t tw_double_from_w(uint32_t a);
uint64_t tw_double_from_wu(uint32_t a);

#endif
