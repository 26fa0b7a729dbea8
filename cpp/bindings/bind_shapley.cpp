#include "bindings.hpp"

#include "pellucid/shapley/cluster_regression.hpp"
#include "pellucid/shapley/contrast_regression.hpp"
#include "pellucid/shapley/exact.hpp"
#include "pellucid/shapley/permutation.hpp"
#include "pellucid/shapley/ridge_regression.hpp"

namespace pellucid {

void bind_shapley(py::module_& m) {
    m.def("exact_shapley", &exact_shapley, py::arg("values").noconvert(), "players"_a, no_gil());
    m.def("antithetic_contributions", &antithetic_contributions, py::arg("orders").noconvert(),
          py::arg("twins").noconvert(), py::arg("values").noconvert(), py::arg("empty").noconvert(),
          py::arg("full").noconvert(), no_gil());

    py::class_<ShapleyEstimate>(m, "ShapleyEstimate")
        .def_readonly("values", &ShapleyEstimate::values)
        .def_readonly("variance", &ShapleyEstimate::variance);
    py::class_<ClusterRegression>(m, "ClusterRegression")
        .def(py::init<const PairedDesign&, bool>(), "design"_a, "by_draw"_a, no_gil())
        .def("solve", &ClusterRegression::solve, py::arg("targets").noconvert(), py::arg("gaps").noconvert(), no_gil());
    py::class_<ContrastRegression>(m, "ContrastRegression")
        .def(py::init<const PairedDesign&>(), "design"_a, no_gil())
        .def("solve", &ContrastRegression::solve, py::arg("targets").noconvert(), py::arg("gaps").noconvert(),
             py::arg("contrasts").noconvert(), no_gil());
    py::class_<RidgeRegression>(m, "RidgeRegression")
        .def(py::init<const PairedDesign&>(), "design"_a, no_gil())
        .def("solve", &RidgeRegression::solve, py::arg("targets").noconvert(), py::arg("gaps").noconvert(), no_gil());
}

}  // namespace pellucid
