#include <pybind11/stl.h>

#include "bindings.hpp"

#include "pellucid/regression/local_regression.hpp"
#include "pellucid/regression/simultaneous.hpp"

namespace pellucid {

void bind_local(py::module_& m) {
    const auto array = [](const char* name) { return py::arg(name).noconvert(); };
    py::class_<LocalRegression>(m, "LocalRegression")
        .def_static("of_masks", &LocalRegression::of_masks, array("z"), array("y"), array("w"), array("shared"),
                    array("own"), array("keep"), "ridge"_a, "pairs"_a, no_gil())
        .def_static("of_numbers", &LocalRegression::of_numbers, array("z"), array("y"), array("w"), array("shared"),
                    array("own"), array("keep"), "ridge"_a, "pairs"_a, no_gil())
        .def_property_readonly("coefficients", &LocalRegression::coefficients, py::return_value_policy::copy)
        .def_property_readonly("intercept", &LocalRegression::intercept, py::return_value_policy::copy)
        .def_property_readonly("std_err", &LocalRegression::std_err, py::return_value_policy::copy)
        .def_property_readonly("intercept_std_err", &LocalRegression::intercept_std_err, py::return_value_policy::copy)
        .def_property_readonly("r2", &LocalRegression::r2, py::return_value_policy::copy)
        .def_property_readonly("ess", &LocalRegression::ess)
        .def_property_readonly("freedom", &LocalRegression::freedom)
        .def_property_readonly("dropped", &LocalRegression::dropped)
        .def_property_readonly("singular", &LocalRegression::singular)
        .def_property_readonly("fixed_rows", &LocalRegression::fixed_rows)
        .def_property_readonly("gram", &LocalRegression::gram, py::return_value_policy::copy)
        .def_property_readonly("response", &LocalRegression::response, py::return_value_policy::copy)
        .def_property_readonly("total", &LocalRegression::total, py::return_value_policy::copy)
        .def("covariance", &LocalRegression::covariance, "output"_a, no_gil());

    m.def("max_normal_quantile", &max_normal_quantile, array("correlation"), "level"_a, "draws"_a, "seed"_a, no_gil());
}

}  // namespace pellucid
