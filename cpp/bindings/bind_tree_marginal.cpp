#include "bindings.hpp"

#include "pellucid/shapley/tree_marginal.hpp"

namespace pellucid {

void bind_tree_marginal(py::module_& m) {
    py::class_<MarginalShapley>(m, "MarginalShapley")
        .def(py::init<const Forest&, const ColumnsIn&, Index, const MatrixIn&, const VectorIn&, Index>(), "forest"_a,
             py::arg("player_of_feature").noconvert(), "players"_a, py::arg("background").noconvert(),
             py::arg("weights").noconvert(), "table_players"_a = 0, py::keep_alive<1, 2>(), no_gil())
        .def("values", &MarginalShapley::values, py::arg("rows").noconvert(), no_gil())
        .def("interactions", &MarginalShapley::interactions, py::arg("rows").noconvert(), no_gil())
        .def_property_readonly("base", [](const MarginalShapley& self) { return self.base(); })
        .def_property_readonly("error_bound", [](const MarginalShapley& self) { return self.error_bound(); })
        .def_property_readonly("interaction_error_bound",
                               [](const MarginalShapley& self) { return self.interaction_error_bound(); });
}

}  // namespace pellucid
