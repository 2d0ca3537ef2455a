// Decoder and disassembler: tables made from isa/*.isa.
#ifndef TW_DECODE_H
#define TW_DECODE_H

#include "sim.h"

// Fills in `insn` from the word at `pc`; false: no instruction of these extensions.
bool tw_decode(tw_insn *insn, uint32_t word, uint32_t pc, uint32_t extensions);
// Decodes what the memory holds at `offset`, in place; raises the fault and returns false where
// that cannot be executed.
bool tw_decode_at(tw_sim *sim, tw_core *core, tw_memory *memory, tw_insn *ip, uint32_t pc,
                  uint32_t offset);
// Index of the row that the word is, or -1.
int32_t tw_find_row(uint32_t word, uint32_t extensions);
// Assembly text of the word at `pc`; ".word 0x..." where it is no instruction.
void tw_disassemble(char *text, size_t room, uint32_t word, uint32_t pc, uint32_t extensions);
const char *tw_row_name(int32_t row);

#endif
