#include "bindings.hpp"

#include "pellucid/regression/weighted_least_squares.hpp"

namespace pellucid {

void bind_regression(py::module_& m) {
    py::class_<RidgePath::Fit>(m, "RidgeFit")
        .def_readonly("coefficients", &RidgePath::Fit::coefficients)
        .def_readonly("ridge", &RidgePath::Fit::ridge)
        .def_readonly("freedom", &RidgePath::Fit::freedom);

    py::class_<WeightedLeastSquares>(m, "WeightedLeastSquares")
        .def(py::init<Index, Index>(), "features"_a, "outputs"_a)
        .def("add", &WeightedLeastSquares::add, py::arg("z").noconvert(), py::arg("y").noconvert(),
             py::arg("w").noconvert(), no_gil())
        .def("solve", &WeightedLeastSquares::solve, "ridge"_a, no_gil())
        .def("solve_with_total", &WeightedLeastSquares::solve_with_total, "ridge"_a, py::arg("total").noconvert(),
             no_gil())
        .def("solve_gcv", &WeightedLeastSquares::solve_gcv, no_gil())
        .def_property_readonly("rows", &WeightedLeastSquares::rows)
        .def_property_readonly("gram", &WeightedLeastSquares::gram)
        .def_property_readonly("response", &WeightedLeastSquares::response)
        .def_property_readonly("squares", &WeightedLeastSquares::squares);
}

}  // namespace pellucid
