// Texts of random lengths, for the sanitizers and against the longest way round.
#pragma once

namespace pellucid::driver {

// How many of the texts were not those of the plain loop, or were other ones with other numbers of threads.
int wrong_texts();

}  // namespace pellucid::driver
