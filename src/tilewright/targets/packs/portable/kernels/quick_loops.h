/// Includers gain more by -O2 than it takes in flash: what follows is compiled so where the rest of
/// a program is made small. Which kernels these are is measured, see decision 0194.
#pragma once

#if defined(__OPTIMIZE_SIZE__) && defined(__GNUC__) && !defined(__clang__)
#pragma GCC optimize("O2")
#endif

#include "tilewright.h"
