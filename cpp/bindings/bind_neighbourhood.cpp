#include "bindings.hpp"

#include "pellucid/regression/orthogonal_columns.hpp"
#include "pellucid/sampling/neighbourhood.hpp"
#include "pellucid/sampling/sobol.hpp"

namespace pellucid {
namespace {

Eigen::Matrix<std::uint32_t, Eigen::Dynamic, 1> directions(Index dimension) {
    const auto v = sobol_directions(dimension);
    return Eigen::Map<const Eigen::Matrix<std::uint32_t, Eigen::Dynamic, 1>>(v.data(), sobol_index_bits);
}

}  // namespace

void bind_neighbourhood(py::module_& m) {
    m.def("sobol_directions", &directions, "dimension"_a, no_gil());
    m.def("sobol_coordinates", &sobol_coordinates, "seed"_a, "dimensions"_a, "first"_a, "count"_a, no_gil());
    m.def("cells_of", &cells_of, py::arg("u").noconvert(), py::arg("starts").noconvert(), py::arg("cell").noconvert(),
          py::arg("inside").noconvert(), no_gil());
    m.def("linear_values", &linear_values, py::arg("cell").noconvert(), py::arg("inside").noconvert(),
          py::arg("laws").noconvert(), "whole"_a, py::arg("out").noconvert(), no_gil());
    m.def("normal_values", &normal_values, py::arg("cell").noconvert(), py::arg("inside").noconvert(),
          py::arg("laws").noconvert(), "whole"_a, py::arg("out").noconvert(), no_gil());
    m.def("listed_values", &listed_values, py::arg("cell").noconvert(), py::arg("inside").noconvert(),
          py::arg("values").noconvert(), py::arg("shares").noconvert(), py::arg("first_of_cell").noconvert(),
          py::arg("out").noconvert(), no_gil());
    m.def("gather_columns", &gather_columns, py::arg("store").noconvert(), py::arg("slots").noconvert(),
          py::arg("offset").noconvert(), py::arg("scale").noconvert(), py::arg("out").noconvert(), no_gil());
    m.def("take_out_columns", &take_out_columns, py::arg("store").noconvert(), py::arg("slots").noconvert(),
          py::arg("values").noconvert(), no_gil());
    m.def("gather_flags", &gather_flags, py::arg("store").noconvert(), py::arg("slots").noconvert(),
          py::arg("out").noconvert(), no_gil());
}

}  // namespace pellucid
