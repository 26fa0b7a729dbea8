// Which instructions the kernels for trees use: found once, and lowered by who wants to compare.
//
// A kernel is one file that says what to do for vectors of W numbers, read by a unit for each level. Contraction is off
// and lanes do not meet, so that all levels give the same bits.
#pragma once

namespace pellucid {

enum class Simd { baseline = 0, avx2 = 1, avx512 = 2 };

// What the processor and the build have, or less if so set; also by the variable PELLUCID_SIMD.
Simd simd_level();
// Throws InputError where the processor or the build has less.
void set_simd_level(Simd level);
Simd best_simd_level();

const char* simd_name(Simd level);
Simd simd_named(const char* name);

}  // namespace pellucid
