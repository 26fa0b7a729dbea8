#include "bindings.hpp"

#include "pellucid/sampling/conditional.hpp"
#include "pellucid/sampling/empirical.hpp"
#include "pellucid/sampling/normal_law.hpp"

namespace pellucid {

void bind_conditional(py::module_& m) {
    py::class_<Moments>(m, "Moments")
        .def_readonly("mean", &Moments::mean)
        .def_readonly("covariance", &Moments::covariance);
    m.def("weighted_moments", &weighted_moments, py::arg("rows").noconvert(), py::arg("weights").noconvert(), no_gil());
    m.def("smallest_correlation", &smallest_correlation, py::arg("covariance").noconvert(), no_gil());
    m.def("matched_normal_draws", &matched_normal_draws, "seed"_a, py::arg("mean").noconvert(),
          py::arg("covariance").noconvert(), "pairs"_a, no_gil());
    m.def("normal_quantiles", &normal_quantiles, py::arg("probabilities").noconvert(), no_gil());
    m.def("latent_to_values", &latent_to_values, py::arg("x").noconvert(), py::arg("part_of_column").noconvert(),
          py::arg("masks").noconvert(), "rows_per_mask"_a, py::arg("thresholds").noconvert(),
          py::arg("values").noconvert(), py::arg("first_of_column").noconvert(), py::arg("rows").noconvert(), no_gil());

    py::class_<GaussianCompletion>(m, "GaussianCompletion")
        .def(py::init<MatrixIn, ColumnsIn, Index, ColumnsIn, ColumnsIn, Index>(), py::arg("covariance").noconvert(),
             py::arg("part_of_column").noconvert(), "parts"_a, py::arg("component_of_column").noconvert(),
             py::arg("confounded").noconvert(), "cache_bytes"_a)
        .def("compose", &GaussianCompletion::compose, py::arg("x").noconvert(), py::arg("draws").noconvert(),
             py::arg("masks").noconvert(), py::arg("chosen").noconvert(), py::arg("out").noconvert(), no_gil())
        .def("compose_grid", &GaussianCompletion::compose_grid, py::arg("x").noconvert(), py::arg("draws").noconvert(),
             py::arg("masks").noconvert(), "first_draw"_a, "draw_count"_a, py::arg("out").noconvert(), no_gil())
        .def("operators", &GaussianCompletion::operators, py::arg("masks").noconvert(), no_gil());

    py::class_<EmpiricalNeighbours>(m, "EmpiricalNeighbours")
        .def(py::init<MatrixIn, VectorIn, MatrixIn, VectorIn, ColumnsIn, ColumnsIn, Index, double, double, Index,
                      Index>(),
             py::arg("rows").noconvert(), py::arg("weights").noconvert(), py::arg("correlation").noconvert(),
             py::arg("scale").noconvert(), py::arg("unordered").noconvert(), py::arg("part_of_column").noconvert(),
             "parts"_a, "sigma"_a, "share"_a, "most"_a, "cache_bytes"_a)
        .def("weights", &EmpiricalNeighbours::weights, py::arg("x").noconvert(), py::arg("masks").noconvert(),
             no_gil());
    m.def("weighted_run_means", &weighted_run_means, py::arg("outputs").noconvert(), py::arg("weights").noconvert(),
          py::arg("counts").noconvert(), no_gil());
}

}  // namespace pellucid
