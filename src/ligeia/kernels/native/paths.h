// The paths of the library: one compilation of the variants for each instruction set.
#pragma once

enum Path { BASELINE = 0, AVX2 = 1, AVX512 = 2, AVX512_BF16 = 3 };
