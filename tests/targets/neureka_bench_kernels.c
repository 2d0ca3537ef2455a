// The kernels by number: the simulator's runtime has a tw_work of its own.
#include "neureka_job.h"

void bench_call(uint32_t which, const void *args, void *scratch);

void bench_call(uint32_t which, const void *args, void *scratch) {
  static tw_kernel *const kernels[] = {0,
                                       conv2d_neureka,
                                       depthwise_neureka,
                                       dense_vector_neureka,
                                       dense_neureka,
                                       conv2d_strided_neureka,
                                       depthwise_strided_neureka,
                                       conv2d_narrow_neureka,
                                       conv2d_pairs_neureka,
                                       depthwise_groups_neureka,
                                       depthwise_few_strided_neureka,
                                       conv2d_packed_neureka,
                                       conv2d_packed_strided_neureka,
                                       depthwise_packed_neureka,
                                       depthwise_pairs_neureka,
                                       rescaled_add_neureka,
                                       sum_vector_neureka,
                                       sum_rows_neureka};
  kernels[which](args, (tw_work){.stop = 1, .scratch = scratch});
}
