#include <memory>
#include <utility>

#include "bindings.hpp"

#include "pellucid/trees/forest.hpp"
#include "pellucid/trees/simd.hpp"

namespace pellucid {
namespace {

std::unique_ptr<Forest> make_forest(Index features, const Indices& tree_starts, const Columns& tree_outputs,
                                    const Flags& questions, const Columns& split_features, const Vector& thresholds,
                                    const Indices& left, const Indices& right, const Flags& missing_left,
                                    const Flags& others_left, const Indices& category_starts, const Indices& categories,
                                    const Vector& cover, const Matrix& values, const Vector& base, bool strict,
                                    bool single, bool negative_is_missing) {
    return std::make_unique<Forest>(ForestArrays{features, tree_starts, tree_outputs, questions, split_features,
                                                 thresholds, left, right, missing_left, others_left, category_starts,
                                                 categories, cover, values, base, strict, single, negative_is_missing});
}

}  // namespace

void bind_trees(py::module_& m) {
    m.def("simd_level", [] { return simd_name(simd_level()); });
    m.def("best_simd_level", [] { return simd_name(best_simd_level()); });
    m.def("set_simd_level", [](const char* name) { set_simd_level(simd_named(name)); }, "name"_a);

    py::class_<Forest>(m, "Forest")
        .def(py::init(&make_forest), py::kw_only(), "features"_a, py::arg("tree_starts").noconvert(),
             py::arg("tree_outputs").noconvert(), py::arg("questions").noconvert(),
             py::arg("split_features").noconvert(), py::arg("thresholds").noconvert(), py::arg("left").noconvert(),
             py::arg("right").noconvert(), py::arg("missing_left").noconvert(), py::arg("others_left").noconvert(),
             py::arg("category_starts").noconvert(), py::arg("categories").noconvert(), py::arg("cover").noconvert(),
             py::arg("values").noconvert(), py::arg("base").noconvert(), "strict"_a, "single"_a,
             "negative_is_missing"_a, no_gil())
        .def_property_readonly("features", &Forest::features)
        .def_property_readonly("outputs", &Forest::outputs)
        .def_property_readonly("trees", &Forest::trees)
        .def_property_readonly("depth", &Forest::depth)
        .def_property_readonly("leaves", &Forest::leaves)
        .def_property_readonly("has_cover", &Forest::has_cover);
}

}  // namespace pellucid
