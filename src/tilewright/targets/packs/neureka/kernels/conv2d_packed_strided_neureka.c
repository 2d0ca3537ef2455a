#include "neureka_strided.h"

void conv2d_packed_strided_neureka(const void *args, tw_work work) {
  neureka_start_both(args, work.scratch);
}
