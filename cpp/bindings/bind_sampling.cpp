#include "bindings.hpp"

#include "pellucid/check.hpp"
#include "pellucid/sampling/coalitions.hpp"
#include "pellucid/sampling/paired_design.hpp"
#include "pellucid/sampling/permutations.hpp"
#include "pellucid/sampling/tabular.hpp"

namespace pellucid {
namespace {

Masks subsets(std::uint64_t seed, std::uint64_t instance, Index players, Index size, Index first, Index count) {
    require(first >= 0 && count >= 0 && players >= 2, "first and count must not be negative, players at least 2");
    Masks masks(count, players);
    random_subsets(seed, instance, players, size, first, count, masks.data());
    return masks;
}

}  // namespace

void bind_sampling(py::module_& m) {
    m.def("all_coalitions", &all_coalitions, "players"_a, "first"_a, "count"_a, no_gil());
    m.def("random_subsets", &subsets, "seed"_a, "instance"_a, "players"_a, "size"_a, "first"_a, "count"_a, no_gil());
    m.def("random_permutations", &random_permutations, "seed"_a, "players"_a, "first"_a, "count"_a, no_gil());
    m.def("antithetic_coalitions", &antithetic_coalitions, py::arg("orders").noconvert(), py::arg("twins").noconvert(),
          no_gil());
    m.def("systematic_draws", &systematic_draws, "seed"_a, py::arg("weights").noconvert(), "first"_a, "count"_a,
          no_gil());
    m.def("saturating_shares", &saturating_shares, py::arg("weights").noconvert(), py::arg("caps").noconvert(),
          "total"_a, no_gil());

    m.def("compose", &compose, py::arg("x").noconvert(), py::arg("background").noconvert(),
          py::arg("part_of_column").noconvert(), py::arg("masks").noconvert(), py::arg("draws").noconvert(),
          py::arg("out").noconvert(), no_gil());
    m.def("compose_grid", &compose_grid, py::arg("x").noconvert(), py::arg("background").noconvert(),
          py::arg("part_of_column").noconvert(), py::arg("masks").noconvert(), "first_draw"_a, "draw_count"_a,
          py::arg("out").noconvert(), no_gil());
    m.def("add_weighted", &add_weighted, py::arg("outputs").noconvert(), py::arg("weights").noconvert(),
          py::arg("total").noconvert(), py::arg("compensation").noconvert(), no_gil());

    m.def("gaussian_rows", &gaussian_rows, "seed"_a, py::arg("centre").noconvert(), py::arg("scale").noconvert(),
          "first"_a, "count"_a, no_gil());
    m.def("uniform_rows", &uniform_rows, "seed"_a, py::arg("low").noconvert(), py::arg("high").noconvert(), "first"_a,
          "count"_a, no_gil());
    m.def("frequency_rows", &frequency_rows, "seed"_a, py::arg("frequencies").noconvert(), "first"_a, "count"_a,
          no_gil());

    py::class_<PairedDesign>(m, "PairedDesign")
        .def(py::init<std::uint64_t, Index, VectorIn>(), "seed"_a, "players"_a, py::arg("draw_weights").noconvert())
        .def(py::init<std::uint64_t, MasksIn, VectorIn>(), "seed"_a, py::arg("active").noconvert(),
             py::arg("draw_weights").noconvert())
        .def("grow", &PairedDesign::grow, "limit"_a, no_gil())
        .def(
            "copy", [](const PairedDesign& d) { return PairedDesign(d); }, no_gil())
        .def_property_readonly("pairs", &PairedDesign::pairs)
        .def_property_readonly("complete", [](const PairedDesign& d) { return d.complete(); })
        .def(
            "expected", [](const PairedDesign& d, Index draw, Index size) { return d.plan().expected(draw, size); },
            "draw"_a, "size"_a)
        .def(
            "pairs_per_draw", [](const PairedDesign& d, Index draw) { return d.plan().pairs_per_draw(draw); }, "draw"_a)
        .def("pair_masks", &PairedDesign::pair_masks, "first"_a, "last"_a, no_gil())
        .def("pair_draws", &PairedDesign::pair_draws, "first"_a, "last"_a, no_gil());
}

}  // namespace pellucid
