#include "neureka_start.h"

enum { CHANNELS = 28, WEIGHTS_OF_A_CHANNEL = 8 * 32 };

void depthwise_groups_neureka(const void *args, tw_work work) {
  (void)work;
  const neureka_groups_args *a = args;
  neureka_args job = {
      .x = a->x,
      .w = a->w,
      .bias = a->bias,
      .y = a->y,
      .before = a->before,
      .scales = a->scales,
      .in_pixel = a->in_pixel,
      .in_row = a->in_row,
      .out_pixel = a->out_pixel,
      .out_row = a->out_row,
      .weight_row = a->weight_row,
      .last_channels = a->last_channels,
      .last_out = a->last_out,
      .last_in = a->last_in,
      .channel_tiles = a->channel_tiles,
      .pixel_tiles = a->pixel_tiles,
      .padding = a->padding,
      .weight_offset = a->weight_offset,
      .config = a->config,
  };
  uint32_t shifts = neureka_address(a->bias) + 2 * (uint32_t)a->scales;
  for (int32_t group = 1; group <= a->groups; ++group) {
    if (group == a->groups) {
      job.last_channels = a->end_channels;
    }
    neureka_start_with(&job, shifts);
    job.x = (const uint8_t *)job.x + CHANNELS;
    job.y = (uint8_t *)job.y + CHANNELS;
    job.w += CHANNELS * WEIGHTS_OF_A_CHANNEL;
    job.bias += CHANNELS;
    shifts += CHANNELS;
  }
}
