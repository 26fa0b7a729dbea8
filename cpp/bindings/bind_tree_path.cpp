#include "bindings.hpp"

#include "pellucid/shapley/tree_path.hpp"

namespace pellucid {

void bind_tree_path(py::module_& m) {
    py::class_<PathShapley>(m, "PathShapley")
        .def(py::init<const Forest&, ColumnsIn, Index, bool>(), "forest"_a, py::arg("player_of_feature").noconvert(),
             "players"_a, "single"_a, py::keep_alive<1, 2>(), no_gil())
        .def("values", &PathShapley::values, py::arg("rows").noconvert(), no_gil())
        .def("interactions", &PathShapley::interactions, py::arg("rows").noconvert(), no_gil())
        .def_property_readonly("base", &PathShapley::base, py::return_value_policy::copy)
        .def_property_readonly("error_bound", &PathShapley::error_bound, py::return_value_policy::copy)
        .def_property_readonly("interaction_error_bound", &PathShapley::interaction_error_bound,
                               py::return_value_policy::copy);
}

}  // namespace pellucid
