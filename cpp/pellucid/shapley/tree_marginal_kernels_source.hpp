// The source of the kernels, read once by the unit of each level, which defines PELLUCID_LANES and the namespace
// PELLUCID_LEVEL.

namespace pellucid {
namespace PELLUCID_LEVEL {
namespace {

constexpr std::int64_t lanes = PELLUCID_LANES;

template <bool repeated, bool left>
void narrow_side(const CellQuestion& question, std::int64_t rows, std::uint32_t bit, const std::uint32_t* from,
                 std::uint32_t* to) {
    const auto shift = static_cast<std::uint32_t>(question.shift);
    const std::int32_t last = question.last;
    const std::int32_t* const cells = question.cells;
    for (std::int64_t i = 0; i < rows; ++i) {
        const bool goes_left = static_cast<std::int32_t>(static_cast<std::uint32_t>(cells[i]) + shift) <= last;
        if constexpr (repeated)
            to[i] = from[i] & (goes_left == left ? ~std::uint32_t{0} : ~bit);
        else
            to[i] = from[i] | (goes_left == left ? bit : 0U);
    }
}

void narrow(const CellQuestion& question, std::int64_t rows, std::uint32_t bit, bool repeated,
            const std::uint32_t* from, std::uint32_t* to) {
    if (repeated)
        question.left ? narrow_side<true, true>(question, rows, bit, from, to)
                      : narrow_side<true, false>(question, rows, bit, from, to);
    else
        question.left ? narrow_side<false, true>(question, rows, bit, from, to)
                      : narrow_side<false, false>(question, rows, bit, from, to);
}

void narrow_by(const std::uint8_t* satisfied, std::int64_t rows, std::uint32_t bit, bool repeated,
               const std::uint32_t* from, std::uint32_t* to) {
    for (std::int64_t i = 0; i < rows; ++i)
        to[i] = repeated ? from[i] & (satisfied[i] != 0 ? ~std::uint32_t{0} : ~bit)
                         : from[i] | (satisfied[i] != 0 ? bit : 0U);
}

#if PELLUCID_LANES > 1
typedef double Pack __attribute__((vector_size(PELLUCID_LANES * 8), aligned(8), may_alias));
typedef long long Lanes __attribute__((vector_size(PELLUCID_LANES * 8)));
typedef double Register __attribute__((vector_size(PELLUCID_LANES * 8)));

inline Register load(const double* at) {
    return *reinterpret_cast<const Pack*>(at);
}
inline void store(double* at, Register value) {
    *reinterpret_cast<Pack*>(at) = value;
}

#if PELLUCID_LANES == 8
#define PELLUCID_LOW_BIT(v, z, b)                                        \
    ((b) == 0   ? __builtin_shuffle(v, z, Lanes{8, 0, 8, 2, 8, 4, 8, 6}) \
     : (b) == 1 ? __builtin_shuffle(v, z, Lanes{8, 8, 0, 1, 8, 8, 4, 5}) \
                : __builtin_shuffle(v, z, Lanes{8, 8, 8, 8, 0, 1, 2, 3}))
constexpr int low_bits = 3;
#elif PELLUCID_LANES == 4
#define PELLUCID_LOW_BIT(v, z, b) \
    ((b) == 0 ? __builtin_shuffle(v, z, Lanes{4, 0, 4, 2}) : __builtin_shuffle(v, z, Lanes{4, 4, 0, 1}))
constexpr int low_bits = 2;
#else
#define PELLUCID_LOW_BIT(v, z, b) (static_cast<void>(b), __builtin_shuffle(v, z, Lanes{2, 0}))
constexpr int low_bits = 1;
#endif

// Sums over the bits inside a register; adding zero to a number that is not negative changes nothing.
inline Register low_sums(Register v) {
    const Register zero = {};
    v += PELLUCID_LOW_BIT(v, zero, 0);
    if constexpr (low_bits > 1) v += PELLUCID_LOW_BIT(v, zero, 1);
    if constexpr (low_bits > 2) v += PELLUCID_LOW_BIT(v, zero, 2);
    return v;
}
#else
using Register = double;
constexpr int low_bits = 0;
inline Register load(const double* at) {
    return *at;
}
inline void store(double* at, Register value) {
    *at = value;
}
inline Register low_sums(Register v) {
    return v;
}
#endif

inline void sum_one_bit(double* values, std::int64_t size, std::int64_t step) {
    for (std::int64_t base = 0; base < size; base += 2 * step)
        for (std::int64_t i = base; i < base + step; i += lanes)
            store(values + i + step, load(values + i + step) + load(values + i));
}

inline void sum_two_bits(double* values, std::int64_t size, std::int64_t step) {
    for (std::int64_t base = 0; base < size; base += 4 * step) {
        for (std::int64_t i = base; i < base + step; i += lanes) {
            const Register a = load(values + i), b = load(values + i + step) + a;
            const Register c = load(values + i + 2 * step), d = load(values + i + 3 * step) + c;
            store(values + i + step, b);
            store(values + i + 2 * step, c + a);
            store(values + i + 3 * step, d + b);
        }
    }
}

void subset_sums(double* values, int bits) {
    const std::int64_t size = std::int64_t{1} << bits;
    if (bits < low_bits) {
        for (int bit = 0; bit < bits; ++bit)
            for (std::int64_t i = 0; i < size; ++i)
                if ((i >> bit) & 1) values[i] += values[i ^ (std::int64_t{1} << bit)];
        return;
    }
    for (std::int64_t i = 0; low_bits > 0 && i < size; i += lanes) store(values + i, low_sums(load(values + i)));
    int bit = low_bits;
    for (; bit + 2 <= bits; bit += 2) sum_two_bits(values, size, std::int64_t{1} << bit);
    if (bit < bits) sum_one_bit(values, size, std::int64_t{1} << bit);
}

void multiply(const double* a, const double* b, double* product, std::int64_t count) {
    for (std::int64_t i = 0; i < count; ++i) product[i] = a[i] * b[i];
}

void add_scaled(double* out, const double* values, double scale, std::int64_t count, std::uint32_t keep) {
    if ((keep & static_cast<std::uint32_t>(count - 1)) == static_cast<std::uint32_t>(count - 1))
        for (std::int64_t i = 0; i < count; ++i) out[i] += scale * values[i];
    else
        for (std::int64_t i = 0; i < count; ++i) out[i] += scale * values[static_cast<std::uint32_t>(i) & keep];
}

template <int tables>
void add_rows_of(double* sums, std::int64_t rows, std::int64_t width, const std::uint32_t* const* slots,
                 const double* const* table) {
    for (std::int64_t row = 0; row < rows; ++row) {
        const double* from[tables];
        for (int t = 0; t < tables; ++t) from[t] = table[t] + static_cast<std::int64_t>(slots[t][row]) * width;
        double* const sum = sums + row * width;
        for (std::int64_t i = 0; i < width; i += lanes) {
            Register s = load(sum + i);
            for (int t = 0; t < tables; ++t) s += load(from[t] + i);
            store(sum + i, s);
        }
    }
}

void add_rows(double* sums, std::int64_t rows, std::int64_t width, int tables, const std::uint32_t* const* slots,
              const double* const* table) {
    if (tables == 4) return add_rows_of<4>(sums, rows, width, slots, table);
    for (int t = 0; t < tables; ++t) add_rows_of<1>(sums, rows, width, slots + t, table + t);
}

}  // namespace

const MarginalKernels marginal_kernels = {&narrow, &narrow_by, &subset_sums, &multiply, &add_scaled, &add_rows};

}  // namespace PELLUCID_LEVEL
}  // namespace pellucid
