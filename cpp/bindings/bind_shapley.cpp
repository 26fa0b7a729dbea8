#include "bindings.hpp"

#include "pellucid/shapley/cluster_regression.hpp"
#include "pellucid/shapley/exact.hpp"
#include "pellucid/shapley/kernel_values.hpp"
#include "pellucid/shapley/mixed_regression.hpp"
#include "pellucid/shapley/permutation.hpp"
#include "pellucid/shapley/ridge_regression.hpp"

namespace pellucid {

void bind_shapley(py::module_& m) {
    m.def("exact_shapley", &exact_shapley, py::arg("values").noconvert(), "players"_a, no_gil());
    m.def("antithetic_contributions", &antithetic_contributions, py::arg("orders").noconvert(),
          py::arg("values").noconvert(), py::arg("empty").noconvert(), py::arg("full").noconvert(), no_gil());
    m.def("gauss_legendre", &gauss_legendre, "n"_a, no_gil());
    m.def("kernel_values", &kernel_values, "fit"_a, py::arg("x").noconvert(), py::arg("background").noconvert(),
          py::arg("part_of_column").noconvert(), "parts"_a, no_gil());

    py::class_<ShapleyEstimate>(m, "ShapleyEstimate")
        .def_readonly("values", &ShapleyEstimate::values)
        .def_readonly("variance", &ShapleyEstimate::variance)
        .def_readonly("background_variance", &ShapleyEstimate::background_variance);
    py::class_<MixedEstimate, ShapleyEstimate>(m, "MixedEstimate")
        .def_readonly("shrinkage", &MixedEstimate::shrinkage)
        .def_readonly("residual_squares", &MixedEstimate::residual_squares);
    py::class_<ClusterRegression>(m, "ClusterRegression")
        .def(py::init<const PairedDesign&, bool>(), "design"_a, "by_draw"_a, no_gil())
        .def("solve", &ClusterRegression::solve, py::arg("targets").noconvert(), py::arg("gaps").noconvert(), no_gil());
    py::class_<MixedRegression>(m, "MixedRegression")
        .def(py::init<const PairedDesign&, bool>(), "design"_a, "shrink"_a, no_gil())
        .def("solve", &MixedRegression::solve, py::arg("targets").noconvert(), py::arg("gaps").noconvert(),
             py::arg("contrasts").noconvert(), no_gil())
        .def("residuals", &MixedRegression::residuals, py::arg("targets").noconvert(), py::arg("gaps").noconvert(),
             py::arg("contrasts").noconvert(), py::arg("shrinkage").noconvert(), no_gil())
        .def("pair_weights", &MixedRegression::pair_weights)
        .def("order", &MixedRegression::order);
    py::class_<RidgeRegression>(m, "RidgeRegression")
        .def(py::init<const PairedDesign&>(), "design"_a, no_gil())
        .def("solve", &RidgeRegression::solve, py::arg("targets").noconvert(), py::arg("gaps").noconvert(), no_gil());
}

}  // namespace pellucid
