/// Convolution by blocks of four neighbouring pixels. Where rows of the window fill words well,
/// windows are read where they lie; only at the image's edge, and for what is left over of a row, a
/// strip of columns is copied and padded. Other windows are gathered pixel by pixel.
#pragma once

#include "conv2d_xpulp.h"
#include "dot_xpulp.h"

enum { CONV2D_XPULP_PIXELS = 4 };

/// The corner of one output pixel's window.
typedef struct {
  const int8_t *image;
  int32_t top, left;
} conv2d_xpulp_corner;

static inline conv2d_xpulp_corner conv2d_xpulp_at(const conv2d_xpulp_args *a, int32_t pixel) {
  const int32_t row = pixel < a->out_w ? 0 : pixel / a->out_w;
  const int32_t image = row < a->out_h ? 0 : row / a->out_h;
  return (conv2d_xpulp_corner){
      a->x + image * a->in_h * a->in_w * a->in_c,
      (row - image * a->out_h) * a->stride_h - a->pad_top,
      (pixel - row * a->out_w) * a->stride_w - a->pad_left,
  };
}

/// Fills by words; up to three more bytes are written.
static inline int8_t *conv2d_xpulp_fill(int8_t *to, int32_t bytes, int32_t four) {
  for (int32_t i = 0; i < bytes; i += 4) {
    xp_store(to + i, four);
  }
  return to + bytes;
}

/// Copies bytes by words at any address; up to eleven more are read and written.
static inline void conv2d_xpulp_copy(int8_t *to, const int8_t *from, int32_t bytes) {
  for (; bytes > 8; bytes -= 12, to += 12, from += 12) {
    const int32_t a = xp_load(from), b = xp_load(from + 4), c = xp_load(from + 8);
    xp_store(to, a);
    xp_store(to + 4, b);
    xp_store(to + 8, c);
  }
  for (; bytes > 0; bytes -= 4, to += 4, from += 4) {
    xp_store(to, xp_load(from));
  }
}

/// What a row of `columns` columns from at->left on consists of, in bytes.
typedef struct {
  int32_t before, inside, after, first; // padding, input from byte `first` of its row on, padding
  int32_t four;                         // padding
} conv2d_xpulp_parts;

static inline conv2d_xpulp_parts conv2d_xpulp_cut(const conv2d_xpulp_args *a, int32_t left,
                                                  int32_t columns) {
  const int32_t before = p_min(p_max(-left, 0), columns);
  const int32_t inside = p_max(p_min(p_max(a->in_w - left, 0), columns) - before, 0);
  return (conv2d_xpulp_parts){before * a->in_c, inside * a->in_c,
                              (columns - before - inside) * a->in_c, (left + before) * a->in_c,
                              (a->x_zero & 0xff) * 0x01010101};
}

/// One row of the input, `from` its start or null where there is none; whole words where
/// `is_whole`, else up to eleven bytes more are written.
static inline void conv2d_xpulp_row(const conv2d_xpulp_parts *p, const int8_t *from,
                                    int32_t is_whole, int8_t *to) {
  if (from == 0) {
    conv2d_xpulp_fill(to, p->before + p->inside + p->after, p->four);
    return;
  }
  to = conv2d_xpulp_fill(to, p->before, p->four);
  if (is_whole) {
    xp_copy_words(to, from + p->first, p->inside >> 2);
  } else {
    conv2d_xpulp_copy(to, from + p->first, p->inside);
  }
  conv2d_xpulp_fill(to + p->inside, p->after, p->four);
}

/// Where row `row` of the image starts; null outside.
static inline const int8_t *conv2d_xpulp_line(const conv2d_xpulp_args *a, const int8_t *image,
                                              int32_t row) {
  return row < 0 || row >= a->in_h ? 0 : image + row * a->in_w * a->in_c;
}

/// The window of one pixel as one run, where it reaches into padding or has holes.
static inline void conv2d_xpulp_gather_edge(const conv2d_xpulp_args *a,
                                            const conv2d_xpulp_corner *at, int8_t *to) {
  const int32_t columns = a->dilation_w == 1 ? a->kernel_w : 1, run = columns * a->in_c;
  conv2d_xpulp_parts parts = conv2d_xpulp_cut(a, at->left, columns);
  for (int32_t ky = 0; ky < a->kernel_h; ++ky) {
    const int8_t *const line = conv2d_xpulp_line(a, at->image, at->top + ky * a->dilation_h);
    if (columns == a->kernel_w) {
      conv2d_xpulp_row(&parts, line, 0, to);
      to += run;
      continue;
    }
    for (int32_t kx = 0; kx < a->kernel_w; ++kx, to += run) {
      parts = conv2d_xpulp_cut(a, at->left + kx * a->dilation_w, columns);
      conv2d_xpulp_row(&parts, line, 0, to);
    }
  }
}

/// The window of one pixel as one run.
static inline void conv2d_xpulp_gather(const conv2d_xpulp_args *a, const conv2d_xpulp_corner *at,
                                       int8_t *to) {
  const int32_t pitch = a->in_w * a->in_c, run = a->kernel_w * a->in_c;
  if (a->dilation_w != 1 || at->top < 0 || at->left < 0 || at->left + a->kernel_w > a->in_w ||
      at->top + (a->kernel_h - 1) * a->dilation_h >= a->in_h) {
    conv2d_xpulp_gather_edge(a, at, to);
    return;
  }
  const int8_t *from = at->image + at->top * pitch + at->left * a->in_c;
  for (int32_t ky = 0; ky < a->kernel_h; ++ky, from += a->dilation_h * pitch, to += run) {
    conv2d_xpulp_copy(to, from, run);
  }
}

/// How many blocks of a row, from `column` on, are whole and have their windows inside.
static inline int32_t conv2d_xpulp_inside(const conv2d_xpulp_args *a, int32_t left, int32_t column,
                                          int32_t most) {
  const int32_t columns = (CONV2D_XPULP_PIXELS - 1) * a->stride_w + a->kernel_w;
  int32_t blocks = 0;
  while (blocks < most && left + columns <= a->in_w && column + CONV2D_XPULP_PIXELS <= a->out_w) {
    left += CONV2D_XPULP_PIXELS * a->stride_w;
    column += CONV2D_XPULP_PIXELS;
    ++blocks;
  }
  return blocks;
}

/// Where the pixels of one output row, from `pixel` on, find their windows: at most `most` blocks
/// where they lie, or one in a strip that goes to `scratch`.
static inline void conv2d_xpulp_strip(const conv2d_xpulp_args *a, int32_t pixel, int32_t most,
                                      int8_t *scratch, dot_xpulp_job *job) {
  const conv2d_xpulp_corner at = conv2d_xpulp_at(a, pixel);
  const int32_t pitch = a->in_w * a->in_c, run = 4 * a->words;
  job->rows = a->rows;
  job->step = a->stride_w * a->in_c;
  job->next = CONV2D_XPULP_PIXELS * job->step;
  job->blocks = 1;
  if (at.top >= 0 && at.left >= 0 && at.top + (a->rows - 1) * a->dilation_h < a->in_h) {
    const int32_t column = a->pixels == a->out_w ? pixel : pixel % a->out_w;
    const int32_t blocks = conv2d_xpulp_inside(a, at.left, column, most);
    if (blocks > 0) {
      job->x = at.image + at.top * pitch + at.left * a->in_c;
      job->skip = a->dilation_h * pitch - run;
      job->blocks = blocks;
      return;
    }
  }
  const int32_t columns = (CONV2D_XPULP_PIXELS - 1) * a->stride_w + a->kernel_w;
  const int32_t needed = (job->pixels - 1) * a->stride_w + a->kernel_w;
  const conv2d_xpulp_parts parts = conv2d_xpulp_cut(a, at.left, needed);
  const int32_t is_whole = (a->in_c & 3) == 0;
  for (int32_t ky = 0; ky < a->rows; ++ky) {
    conv2d_xpulp_row(&parts, conv2d_xpulp_line(a, at.image, at.top + ky * a->dilation_h), is_whole,
                     scratch + ky * columns * a->in_c);
  }
  job->x = scratch;
  job->skip = columns * a->in_c - run;
}

/// The same where patches are gathered: blocks from `pixel` on, in any row, at most `most`.
static inline void conv2d_xpulp_patches(const conv2d_xpulp_args *a, int32_t pixel, int32_t most,
                                        int8_t *scratch, dot_xpulp_job *job) {
  conv2d_xpulp_corner at = conv2d_xpulp_at(a, pixel);
  const int32_t end = a->out_w * a->stride_w - a->pad_left;
  const int32_t left = a->pixels - pixel;
  int32_t pixels = job->pixels;
  job->blocks = 1;
  if (pixels == CONV2D_XPULP_PIXELS) {
    job->blocks = p_max(p_min(p_min(most, a->patch_blocks), left >> 2), 1);
    pixels = CONV2D_XPULP_PIXELS * job->blocks;
  }
  for (int32_t p = 0; p < pixels; ++p) {
    conv2d_xpulp_gather(a, &at, scratch + p * 4 * a->words);
    at.left += a->stride_w;
    if (at.left >= end) {
      at = conv2d_xpulp_at(a, p_min(pixel + p + 1, a->pixels - 1));
    }
  }
  job->x = scratch;
  job->rows = 1;
  job->step = 4 * a->words;
  job->next = CONV2D_XPULP_PIXELS * job->step;
  job->skip = 0;
}

/// First pixel of up to `most` blocks from one on, and how many each has: four wherever a row has
/// four. If these are all to the row's end, they end there and the first ones begin in a block
/// before, to compute some pixels again, to the same bytes.
static inline int32_t conv2d_xpulp_block(const conv2d_xpulp_args *a, int32_t block, int32_t most,
                                         dot_xpulp_job *job) {
  int32_t start = 0, end = a->pixels, pixel = block * CONV2D_XPULP_PIXELS;
  if (a->rows != 0 && a->pixels != a->out_w) {
    const int32_t per_row = (a->out_w + CONV2D_XPULP_PIXELS - 1) / CONV2D_XPULP_PIXELS;
    const int32_t row = block / per_row;
    start = row * a->out_w;
    pixel = start + (block - row * per_row) * CONV2D_XPULP_PIXELS;
    end = start + a->out_w;
  }
  const int32_t left = a->rows != 0 ? (end - pixel + CONV2D_XPULP_PIXELS - 1) >> 2 : 1;
  if (left <= most) {
    pixel = p_max(p_min(pixel, end - left * CONV2D_XPULP_PIXELS), start);
  }
  pixel = p_max(p_min(pixel, end - CONV2D_XPULP_PIXELS), start);
  job->pixels = p_min(end - pixel, CONV2D_XPULP_PIXELS);
  return pixel;
}

/// Where a core is among its items.
typedef struct {
  int32_t block, chunk, item, stop;
  int32_t chunks; // of channels
  int32_t blocks; // of pixels, where items go over them first; 0: they go over chunks first
} conv2d_xpulp_walk;

static inline conv2d_xpulp_walk conv2d_xpulp_walk_of(const conv2d_xpulp_args *a, tw_work work) {
  conv2d_xpulp_walk at = {.item = work.start, .stop = work.stop};
  at.chunks = (a->out_c + a->item_channels - 1) / a->item_channels;
  if (a->kernel_h * a->kernel_w == 1 && a->rows != 0 && a->pixels == a->out_w) {
    at.blocks = (a->pixels + CONV2D_XPULP_PIXELS - 1) >> 2;
    at.chunk = work.start / at.blocks;
    at.block = work.start - at.chunk * at.blocks;
  } else {
    at.block = work.start / at.chunks;
    at.chunk = work.start - at.block * at.chunks;
  }
  return at;
}

/// Blocks of pixels that may be done at once.
static inline int32_t conv2d_xpulp_most(const conv2d_xpulp_walk *at) {
  const int32_t left = at->stop - at->item;
  return at->blocks != 0 ? p_min(left, at->blocks - at->block) : at->chunks == 1 ? left : 1;
}

static inline void conv2d_xpulp_go_on(conv2d_xpulp_walk *at, int32_t blocks) {
  at->item += blocks;
  if (at->blocks != 0) {
    at->block += blocks;
    if (at->block == at->blocks) {
      at->block = 0;
      at->chunk += 1;
    }
  } else if (++at->chunk == at->chunks) {
    at->chunk = 0;
    at->block += blocks;
  }
}

static inline void conv2d_xpulp_core(const void *args, tw_work work, tw_rounding rounding) {
  const conv2d_xpulp_args *a = args;
  const int32_t group_bytes = 16 * a->words * (a->rows != 0 ? a->rows : 1);
  dot_xpulp_job job = {.words = a->words, .y_step = a->out_c};
  dot_xpulp_finish_by(&job, xp_finish_of(a->low, a->high, a->y_zero, rounding));
  conv2d_xpulp_walk at = conv2d_xpulp_walk_of(a, work);
  int32_t pixel = 0, ready = -1;
  const int8_t *x = a->x;
  while (at.item < at.stop) {
    if (ready != at.block || at.blocks != 0) {
      const int32_t most = conv2d_xpulp_most(&at);
      pixel = conv2d_xpulp_block(a, at.block, most, &job);
      if (a->rows != 0) {
        conv2d_xpulp_strip(a, pixel, most, work.scratch, &job);
      } else {
        conv2d_xpulp_patches(a, pixel, most, work.scratch, &job);
      }
      job.back = 4 - 3 * job.step;
      x = job.x;
      ready = at.block;
    }
    const int32_t channel = at.chunk * a->item_channels;
    job.x = x;
    job.w = a->w + (channel >> 2) * group_bytes;
    job.bias = a->bias + channel;
    job.multiplier = a->multiplier + channel;
    job.shift = a->shift + channel;
    job.y = a->y + pixel * a->out_c + channel;
    dot_xpulp_channels(&job, p_min(a->out_c - channel, a->item_channels), rounding);
    conv2d_xpulp_go_on(&at, job.blocks);
  }
}
