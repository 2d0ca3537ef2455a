// Control and status registers: Zicsr machine mode as far as programs need it, counters of cycles,
// instructions and lost cycles, the hardware loops of XpulpV2.
#include "sim.h"

enum { SCRATCH = 0, STATUS, TVEC, EPC, CAUSE, TVAL, IE, PLAIN = 7 };

// Index into tw_core.csr of registers that only keep what was written; -1: not one of them.
static int32_t plain_index(uint32_t number) {
  switch (number) {
  case 0x340:
    return SCRATCH;
  case 0x300:
    return STATUS;
  case 0x305:
    return TVEC;
  case 0x341:
    return EPC;
  case 0x342:
    return CAUSE;
  case 0x343:
    return TVAL;
  case 0x304:
    return IE;
  case 0x7a0: // event enable and mode of the PULP counters: accepted, they always count
    return PLAIN;
  case 0x7a1:
    return PLAIN + 1;
  default:
    return -1;
  }
}

static bool is_counter(uint32_t number) {
  return number == 0xb00 || number == 0xc00 || number == 0xc01 || number == 0xb02 ||
         number == 0xc02 || number == 0xb80 || number == 0xc80 || number == 0xc81 ||
         number == 0xb82 || number == 0xc82 || (number >= 0xb03 && number < 0xb03 + TW_LOSSES);
}

static uint32_t read_counter(const tw_core *core, uint32_t number, int64_t cycle) {
  const uint32_t low = number & 0x7f;
  if (low >= 3) {
    return (uint32_t)core->lost[low - 3];
  }
  const uint64_t value = low == 2 ? core->instructions : (uint64_t)cycle;
  return (uint32_t)((number & 0x80) != 0 ? value >> 32 : value);
}

uint32_t tw_read_csr(const tw_sim *sim, const tw_core *core, uint32_t number, int64_t cycle,
                     bool *is_known) {
  *is_known = true;
  const int32_t index = plain_index(number);
  if (index >= 0) {
    return core->csr[index];
  }
  if (is_counter(number)) {
    return read_counter(core, number, cycle);
  }
  switch (number) {
  case 0xf14:
    return core->hartid;
  case 0x001:
    return core->fflags;
  case 0x002:
    return core->frm;
  case 0x003:
    return core->frm << 5 | core->fflags;
  case 0x301: // misa: RV32 and the letters of the extensions' bits
    return 0x40000000u | core->csr[15];
  case 0xf11:
  case 0xf12:
  case 0xf13:
    return 0;
  default:
    break;
  }
  if (number >= 0x800 && number <= 0x806 && (number & 3) != 3) {
    const uint32_t loop = number >= 0x804;
    const uint32_t *const part[] = {core->loop_start, core->loop_end, core->loop_count};
    return part[number & 3][loop];
  }
  (void)sim;
  *is_known = false;
  return 0;
}

bool tw_write_csr(tw_core *core, uint32_t number, uint32_t value) {
  const int32_t index = plain_index(number);
  if (index >= 0) {
    core->csr[index] = value;
    return true;
  }
  switch (number) {
  case 0x001:
    core->fflags = value & 31;
    return true;
  case 0x002:
    core->frm = value & 7;
    return true;
  case 0x003:
    core->fflags = value & 31;
    core->frm = value >> 5 & 7;
    return true;
  default:
    return is_counter(number) && number < 0xc00; // counters run on
  }
}
