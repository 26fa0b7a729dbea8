#include "bindings.hpp"

#include "pellucid/shapley/gaussian_linear.hpp"

namespace pellucid {

void bind_linear(py::module_& m) {
    m.def("gaussian_linear_orders", &gaussian_linear_orders, py::arg("covariance").noconvert(),
          py::arg("coefficients").noconvert(), py::arg("orders").noconvert(), "per_group"_a, no_gil());
}

}  // namespace pellucid
