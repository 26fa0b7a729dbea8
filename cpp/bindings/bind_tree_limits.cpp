#include "bindings.hpp"

#include "pellucid/trees/product_measure.hpp"

namespace pellucid {

void bind_tree_limits(py::module_& m) {
    py::class_<ProductMeasure>(m, "ProductMeasure")
        .def(py::init<const Forest&, ColumnsIn, Index>(), "forest"_a, py::arg("part_of_column").noconvert(), "parts"_a,
             py::keep_alive<1, 2>(), no_gil())
        .def_property_readonly("starts", &ProductMeasure::starts)
        .def("used", &ProductMeasure::used, "part"_a)
        .def("borders", &ProductMeasure::borders, "part"_a)
        .def("limits", &ProductMeasure::limits, py::arg("q").noconvert(), py::arg("d").noconvert(), no_gil());
    m.def("cell_masses", &cell_masses, py::arg("laws").noconvert(), py::arg("borders").noconvert(), "normal"_a,
          "whole"_a, no_gil());
    m.def("normal_cells", &normal_cells, py::arg("borders").noconvert(), no_gil());
}

}  // namespace pellucid
