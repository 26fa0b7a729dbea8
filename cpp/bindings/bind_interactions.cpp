#include "bindings.hpp"

#include "pellucid/shapley/interaction_regression.hpp"
#include "pellucid/shapley/interactions.hpp"

namespace pellucid {

void bind_interactions(py::module_& m) {
    m.def("exact_interactions", &exact_interactions, py::arg("values").noconvert(), "players"_a, no_gil());

    py::class_<InteractionEstimate>(m, "InteractionEstimate")
        .def_readonly("values", &InteractionEstimate::values)
        .def_readonly("variance", &InteractionEstimate::variance)
        .def_readonly("squares", &InteractionEstimate::squares)
        .def_readonly("sum_variance", &InteractionEstimate::sum_variance);
    py::class_<InteractionRegression>(m, "InteractionRegression")
        .def(py::init<MasksIn, IndicesIn, VectorIn, MasksIn, VectorIn, double>(), py::arg("masks").noconvert(),
             py::arg("draws").noconvert(), py::arg("expected").noconvert(), py::arg("active").noconvert(),
             py::arg("draw_weights").noconvert(), "enough"_a, no_gil())
        .def_property_readonly("kind", &InteractionRegression::kind)
        .def("solve", &InteractionRegression::solve, py::arg("targets").noconvert(), no_gil());
}

}  // namespace pellucid
