#include "bindings.hpp"

#include "pellucid/regression/fused_lasso.hpp"
#include "pellucid/regression/lasso_path.hpp"
#include "pellucid/regression/mixture_regression.hpp"
#include "pellucid/regression/subset_selection.hpp"

namespace pellucid {

void bind_selection(py::module_& m) {
    py::class_<SubsetFit>(m, "SubsetFit")
        .def_readonly("indices", &SubsetFit::indices)
        .def_readonly("coefficients", &SubsetFit::coefficients)
        .def_readonly("rss", &SubsetFit::rss)
        .def_readonly("proven", &SubsetFit::proven)
        .def_readonly("ridged", &SubsetFit::ridged)
        .def_readonly("nodes", &SubsetFit::nodes);
    m.def("forward_selection", &forward_selection, py::arg("gram").noconvert(), py::arg("response").noconvert(),
          "total"_a, "k"_a, no_gil());
    m.def("swap_selection", &swap_selection, py::arg("gram").noconvert(), py::arg("response").noconvert(), "total"_a,
          "k"_a, no_gil());
    m.def("best_subset", &best_subset, py::arg("gram").noconvert(), py::arg("response").noconvert(), "total"_a, "k"_a,
          "node_limit"_a, no_gil());

    py::class_<LassoPath>(m, "LassoPath")
        .def_readonly("lambdas", &LassoPath::lambdas)
        .def_readonly("coefficients", &LassoPath::coefficients)
        .def_readonly("complete", &LassoPath::complete);
    m.def("lasso_path", &lasso_path, py::arg("gram").noconvert(), py::arg("response").noconvert(), no_gil());
    m.def("last_knot_of_size", &last_knot_of_size, "path"_a, "k"_a, no_gil());

    py::class_<FusedLassoFit>(m, "FusedLassoFit")
        .def_readonly("coefficients", &FusedLassoFit::coefficients)
        .def_readonly("penalty", &FusedLassoFit::penalty)
        .def_readonly("variation", &FusedLassoFit::variation)
        .def_readonly("residual", &FusedLassoFit::residual)
        .def_readonly("passes", &FusedLassoFit::passes);
    m.def("suffix_sums", static_cast<Matrix (*)(MatrixIn)>(&suffix_sums), py::arg("gram").noconvert(), no_gil());
    m.def("fused_lasso", &fused_lasso, py::arg("gram").noconvert(), py::arg("response").noconvert(), "penalty"_a,
          py::arg("start").noconvert(), no_gil());
    m.def("fused_lasso_bounded", &fused_lasso_bounded, py::arg("gram").noconvert(), py::arg("response").noconvert(),
          "bound"_a, py::arg("start").noconvert(), no_gil());

    py::class_<MixtureOptions>(m, "MixtureOptions")
        .def(py::init<double, double, Index, double>(), "bound"_a, "floor"_a, "most_iterations"_a, "tolerance"_a);
    py::class_<MixtureFit>(m, "MixtureFit")
        .def_readonly("coefficients", &MixtureFit::coefficients)
        .def_readonly("intercepts", &MixtureFit::intercepts)
        .def_readonly("shares", &MixtureFit::shares)
        .def_readonly("sigmas", &MixtureFit::sigmas)
        .def_readonly("responsibilities", &MixtureFit::responsibilities)
        .def_readonly("log_likelihoods", &MixtureFit::log_likelihoods)
        .def_readonly("log_likelihood", &MixtureFit::log_likelihood)
        .def_readonly("converged", &MixtureFit::converged);
    m.def("mixture_regression", &mixture_regression, py::arg("z").noconvert(), py::arg("y").noconvert(),
          py::arg("weights").noconvert(), py::arg("responsibilities").noconvert(), py::arg("sigmas").noconvert(),
          py::arg("penalties").noconvert(), "options"_a, no_gil());
    m.def("random_projections", &random_projections, py::arg("z").noconvert(), "seed"_a, "first"_a, "count"_a,
          no_gil());
}

}  // namespace pellucid
