#include "bindings.hpp"

#include <vector>

#include "pellucid/check.hpp"
#include "pellucid/parallel.hpp"
#include "pellucid/random.hpp"

namespace pellucid {
namespace {

// Burns about `work` units per chunk, so that tests can interrupt the parallel loop and count its chunks.
double parallel_probe(Index n, Index chunk, Index work) {
    require(n >= 0 && chunk > 0, "n must not be negative and chunk positive, got ", n, " and ", chunk);
    std::vector<double> sums(static_cast<std::size_t>((n + chunk - 1) / chunk));
    parallel_for(n, chunk, [&](Index first, Index last) {
        double sum = 0.0;
        for (Index i = first; i < last; ++i) {
            RowStream stream(0, 0, static_cast<std::uint64_t>(i), StreamOf::test);
            for (Index w = 0; w < work; ++w) sum += stream.uniform();
        }
        sums[static_cast<std::size_t>(first / chunk)] = sum;
    });
    double total = 0.0;
    for (const double sum : sums) total += sum;
    return total;
}

Vector random_numbers(const char* kind, std::uint64_t seed, std::uint64_t instance, std::uint64_t row, Index n) {
    RowStream stream(seed, instance, row, StreamOf::test);
    const bool normal = std::string(kind) == "normal";
    require(normal || std::string(kind) == "uniform", "kind must be 'uniform' or 'normal', got '", kind, "'");
    require(n >= 0, "n must not be negative, got ", n);
    Vector numbers(n);
    for (Index i = 0; i < n; ++i) numbers[i] = normal ? stream.normal() : stream.uniform();
    return numbers;
}

Eigen::Matrix<std::uint64_t, Eigen::Dynamic, 1> random_bits(std::uint64_t seed, std::uint64_t instance,
                                                            std::uint64_t row, Index n) {
    require(n >= 0, "n must not be negative, got ", n);
    RowStream stream(seed, instance, row, StreamOf::test);
    Eigen::Matrix<std::uint64_t, Eigen::Dynamic, 1> bits(n);
    for (Index i = 0; i < n; ++i) bits[i] = stream.bits();
    return bits;
}

}  // namespace

void bind_parallel(py::module_& m) {
    m.def("thread_count", &thread_count);
    m.def("set_thread_count", &set_thread_count, "threads"_a);
    m.def("parallel_probe", &parallel_probe, "n"_a, "chunk"_a, "work"_a, no_gil());
    m.def("random_bits", &random_bits, "seed"_a, "instance"_a, "row"_a, "n"_a, no_gil());
    m.def("random_numbers", &random_numbers, "kind"_a, "seed"_a, "instance"_a, "row"_a, "n"_a, no_gil());
    m.def("normal_quantile", &normal_quantile, "probability"_a, no_gil());
}

}  // namespace pellucid
