#include <cstddef>
#include <cstdint>

#include "pellucid/shapley/tree_path_steps.hpp"

namespace pellucid {
namespace {

#if defined(__GNUC__)

template <typename S, typename Bits>
struct BaselineLanes {
    using Scalar = S;
    typedef S Vector __attribute__((vector_size(16)));
    typedef Bits Mask __attribute__((vector_size(16)));
    static constexpr int lanes = 16 / sizeof(S), most_vectors = 4;
    struct Pattern {
        std::int32_t entry[lanes];
    };

    static Vector load(const S* from) {
        Vector x{};
        __builtin_memcpy(&x, from, sizeof x);
        return x;
    }
    static void store(S* to, Vector x) { __builtin_memcpy(to, &x, sizeof x); }
    static Vector all(S x) { return x - Vector{}; }
    static Vector where(Mask m, Vector yes, Vector no) {
        return reinterpret_cast<Vector>((m & reinterpret_cast<Mask>(yes)) | (~m & reinterpret_cast<Mask>(no)));
    }
    static Vector times_unless(Mask m, Vector x, Vector by) { return x * where(m, all(S(1)), by); }
    static Vector product_of(Mask m, Vector a, Vector x, Vector b, Vector y) { return where(m, a * x, b * y); }
    static Mask no(Mask m) { return ~m; }
    static Mask both(Mask a, Mask b) { return a & b; }
    static Mask never() { return Mask{}; }
    static Mask at_most(const std::int32_t* cells, std::int32_t add, std::int32_t last) {
        Mask m{};
        for (int l = 0; l < lanes; ++l)
            m[l] = -Bits{static_cast<std::int32_t>(static_cast<std::uint32_t>(cells[l]) +
                                                   static_cast<std::uint32_t>(add)) <= last};
        return m;
    }
    static Mask of_bits(std::uint32_t bits) {
        Mask m{};
        for (int l = 0; l < lanes; ++l) m[l] = -static_cast<Bits>((bits >> l) & 1);
        return m;
    }
    static Pattern pattern(Mask zero, Mask one, Mask two) {
        const Mask entry = (zero & 1) | (one & 2) | (two & 4);
        Pattern made;
        for (int l = 0; l < lanes; ++l) made.entry[l] = static_cast<std::int32_t>(entry[l]);
        return made;
    }
    static Vector look_up(const S* table, const Pattern& pattern) {
        Vector x{};
        for (int l = 0; l < lanes; ++l) x[l] = table[pattern.entry[l]];
        return x;
    }
};

using Doubles = BaselineLanes<double, std::int64_t>;
using Floats = BaselineLanes<float, std::int32_t>;

#else

template <typename S>
struct OneLane {
    using Scalar = S;
    using Vector = S;
    using Mask = bool;
    using Pattern = int;
    static constexpr int lanes = 1, most_vectors = 4;

    static S load(const S* from) { return *from; }
    static void store(S* to, S x) { *to = x; }
    static S all(S x) { return x; }
    static S where(bool m, S yes, S no) { return m ? yes : no; }
    static S times_unless(bool m, S x, S by) { return m ? x : x * by; }
    static S product_of(bool m, S a, S x, S b, S y) { return m ? a * x : b * y; }
    static bool no(bool m) { return !m; }
    static bool both(bool a, bool b) { return a && b; }
    static bool never() { return false; }
    static bool at_most(const std::int32_t* cells, std::int32_t add, std::int32_t last) {
        return static_cast<std::int32_t>(static_cast<std::uint32_t>(*cells) + static_cast<std::uint32_t>(add)) <= last;
    }
    static bool of_bits(std::uint32_t bits) { return bits & 1; }
    static int pattern(bool zero, bool one, bool two) { return zero | one << 1 | two << 2; }
    static S look_up(const S* table, int pattern) { return table[pattern]; }
};

using Doubles = OneLane<double>;
using Floats = OneLane<float>;

#endif

#include "pellucid/shapley/tree_path_kernel.hpp"
#include "pellucid/shapley/tree_path_pair_kernel.hpp"
#include "pellucid/shapley/tree_path_row_kernel.hpp"

}  // namespace

const PathKernel<double> path_double_baseline{Doubles::lanes, Doubles::most_vectors, path_values<Doubles>,
                                              path_row<double>, path_pairs<Doubles>};
const PathKernel<float> path_single_baseline{Floats::lanes, Floats::most_vectors, path_values<Floats>, path_row<float>,
                                             path_pairs<Floats>};

}  // namespace pellucid
