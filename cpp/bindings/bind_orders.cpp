#include "bindings.hpp"

#include "pellucid/sampling/linear_extensions.hpp"
#include "pellucid/sampling/order_ideals.hpp"
#include "pellucid/shapley/asymmetric.hpp"

namespace pellucid {

void bind_orders(py::module_& m) {
    py::class_<LinearExtensions>(m, "LinearExtensions")
        .def(py::init<MasksIn, Index>(), py::arg("precedes").noconvert(), "first_steps"_a = 0, no_gil())
        .def("pairs", &LinearExtensions::pairs, "seed"_a, "first"_a, "count"_a, no_gil());

    py::class_<OrderIdeals>(m, "OrderIdeals")
        .def(py::init<MasksIn, Index>(), py::arg("precedes").noconvert(), "limit"_a, no_gil())
        .def_property_readonly("size", &OrderIdeals::size)
        .def_property_readonly("complete", &OrderIdeals::complete)
        .def_property_readonly("log_orders", &OrderIdeals::log_orders)
        .def("masks", &OrderIdeals::masks, "first"_a, "count"_a, no_gil());
    m.def("asymmetric_shapley", &asymmetric_shapley, "ideals"_a, py::arg("values").noconvert(), no_gil());
}

}  // namespace pellucid
