/// Kernels of ITA: each starts a walk over jobs and returns while the engine works.
#pragma once

#include "ita_calls.h"
#include "tilewright.h"

void ita_product(const void *args, tw_work work);
void ita_product_added(const void *args, tw_work work);
void ita_attention(const void *args, tw_work work);
