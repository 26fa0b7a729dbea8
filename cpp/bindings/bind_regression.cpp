#include "bindings.hpp"

#include "pellucid/regression/kernel_ridge.hpp"
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

    py::class_<KernelRidge>(m, "KernelRidge")
        .def(py::init<MatrixIn, MatrixIn, IndicesIn, Index, std::uint64_t>(), py::arg("rows").noconvert(),
             py::arg("outputs").noconvert(), py::arg("folds").noconvert(), "landmarks"_a, "seed"_a, no_gil())
        .def("evaluate", &KernelRidge::evaluate, py::arg("rows").noconvert(), py::arg("folds").noconvert(), no_gil())
        .def("coefficients", &KernelRidge::coefficients, "fold"_a)
        .def("intercept", &KernelRidge::intercept, "fold"_a)
        .def_property_readonly("folds", &KernelRidge::folds)
        .def_property_readonly("gamma", &KernelRidge::gamma)
        .def_property_readonly("ridge", &KernelRidge::ridge)
        .def_property_readonly("centre", [](const KernelRidge& fit) { return fit.features().centre(); })
        .def_property_readonly("scale", [](const KernelRidge& fit) { return fit.features().scale(); })
        .def_property_readonly("landmarks", [](const KernelRidge& fit) { return fit.features().landmark_rows(); });
}

}  // namespace pellucid
