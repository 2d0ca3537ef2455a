#include "neureka_strided.h"

void depthwise_pairs_neureka(const void *args, tw_work work) {
  neureka_start_both(args, work.scratch);
}
