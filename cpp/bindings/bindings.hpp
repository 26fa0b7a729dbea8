#pragma once

#include <pybind11/eigen.h>
#include <pybind11/pybind11.h>

namespace pellucid {

namespace py = pybind11;
using namespace pybind11::literals;

// Allowed only where the signature holds no py:: type.
using no_gil = py::call_guard<py::gil_scoped_release>;

void bind_parallel(py::module_& m);
void bind_sampling(py::module_& m);
void bind_neighbourhood(py::module_& m);
void bind_conditional(py::module_& m);
void bind_texts(py::module_& m);
void bind_images(py::module_& m);
void bind_orders(py::module_& m);
void bind_masks(py::module_& m);
void bind_regression(py::module_& m);
void bind_selection(py::module_& m);
void bind_local(py::module_& m);
void bind_linear(py::module_& m);
void bind_trees(py::module_& m);
void bind_evaluation(py::module_& m);
void bind_tree_path(py::module_& m);
void bind_tree_limits(py::module_& m);
void bind_tree_pairs(py::module_& m);
void bind_tree_marginal(py::module_& m);
void bind_shapley(py::module_& m);
void bind_interactions(py::module_& m);

}  // namespace pellucid
