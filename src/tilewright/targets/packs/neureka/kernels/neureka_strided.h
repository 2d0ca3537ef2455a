/// Two jobs of N-EUREKA, one behind the other: every output pixel of a window that moves by one,
/// then those that are wanted.
#pragma once

#include "neureka_start.h"

/// One job per group of channels, or one for all of them.
static inline void neureka_start_all(const neureka_strided_args *a, void *all) {
  neureka_args first = {
      .x = a->x,
      .w = a->w,
      .bias = a->bias,
      .y = all,
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
  const int32_t channels = a->group;
  uint32_t shifts = neureka_address(a->bias) + 2 * (uint32_t)a->scales;
  for (int32_t group = 1; group <= a->groups; ++group) {
    if (group == a->groups) {
      first.last_channels = a->end_channels;
    }
    neureka_start_with(&first, shifts);
    first.x = (const uint8_t *)first.x + channels;
    first.y = (uint8_t *)first.y + channels;
    first.w += channels * first.weight_row;
    first.bias += channels;
    shifts += (uint32_t)channels;
  }
}

static inline void neureka_start_both(const neureka_strided_args *a, void *all) {
  neureka_start_all(a, all);
  const neureka_args keep = {
      .x = all,
      .w = a->w + a->keep_w,
      .bias = a->bias,
      .y = a->y,
      .scales = a->keep_scales,
      .in_pixel = a->keep_in_pixel,
      .in_row = a->keep_in_row,
      .out_pixel = a->keep_out_pixel,
      .out_row = a->keep_out_row,
      .weight_row = a->keep_weight_row,
      .last_channels = a->keep_last_channels,
      .last_out = a->keep_last_pixels,
      .last_in = a->keep_last_pixels,
      .channel_tiles = a->keep_channel_tiles,
      .pixel_tiles = a->keep_pixel_tiles,
      .config = a->keep_config,
  };
  neureka_start(&keep);
}
