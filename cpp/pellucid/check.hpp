// Guards at the border: what the caller got wrong, what cannot be computed, what is too large.
#pragma once

#include <cstdint>
#include <limits>
#include <sstream>
#include <stdexcept>
#include <string>

namespace pellucid {

struct InputError : std::invalid_argument {
    using std::invalid_argument::invalid_argument;
};
struct ModelFormatError : std::invalid_argument {
    using std::invalid_argument::invalid_argument;
};
struct NumericalError : std::runtime_error {
    using std::runtime_error::runtime_error;
};
struct BudgetError : std::length_error {
    using std::length_error::length_error;
};

template <typename Error = InputError, typename... Parts>
void require(bool condition, const Parts&... parts) {
    if (condition) return;
    std::ostringstream message;
    (message << ... << parts);
    throw Error(message.str());
}

// a * b for sizes; a job whose size does not fit is refused before any memory is asked for.
inline std::int64_t checked_product(std::int64_t a, std::int64_t b, const char* what) {
    require(a >= 0 && b >= 0, what, " must not be negative");
    const bool fits = b == 0 || a <= std::numeric_limits<std::int64_t>::max() / b;
    require<BudgetError>(fits, what, " is too large: ", a, " times ", b, " does not fit in 64 bits");
    return a * b;
}

}  // namespace pellucid
