#include "bindings.hpp"

#include "pellucid/regression/mask_logistic.hpp"
#include "pellucid/regression/mask_products.hpp"
#include "pellucid/regression/mask_trees.hpp"
#include "pellucid/sampling/mask_sizes.hpp"

namespace pellucid {

void bind_masks(py::module_& m) {
    m.def("sized_masks", &sized_masks, "seed"_a, "instance"_a, py::arg("size_law").noconvert(), "first"_a, "count"_a,
          "pairs"_a, no_gil());
    m.def("linear_predictions", &linear_predictions, py::arg("masks").noconvert(), py::arg("fits").noconvert(),
          no_gil());

    py::class_<MaskTrees>(m, "MaskTrees")
        .def(py::init<MasksIn, MatrixIn, VectorIn, const Indices&, Index>(), py::arg("masks").noconvert(),
             py::arg("targets").noconvert(), py::arg("weights").noconvert(), py::arg("starts").noconvert(), "trees"_a,
             no_gil())
        .def("evaluate", &MaskTrees::evaluate, py::arg("masks").noconvert(), py::arg("blocks").noconvert(), no_gil())
        .def("limits", &MaskTrees::limits, "block"_a, py::arg("alpha").noconvert(), py::arg("inverse").noconvert(),
             no_gil())
        .def_property_readonly("blocks", &MaskTrees::blocks)
        .def_property_readonly("most_depth", [](const MaskTrees&) { return MaskTrees::most_depth; });

    py::class_<MaskLogistic>(m, "MaskLogistic")
        .def(py::init<MasksIn, MatrixIn, VectorIn, const Indices&>(), py::arg("masks").noconvert(),
             py::arg("outputs").noconvert(), py::arg("weights").noconvert(), py::arg("starts").noconvert(), no_gil())
        .def("evaluate", &MaskLogistic::evaluate, py::arg("masks").noconvert(), py::arg("blocks").noconvert(), no_gil())
        .def("limits", &MaskLogistic::limits, "block"_a, py::arg("bank").noconvert(),
             py::arg("bank_weights").noconvert(), py::arg("alpha").noconvert(), py::arg("inverse").noconvert(),
             no_gil())
        .def_property_readonly("blocks", &MaskLogistic::blocks);
}

}  // namespace pellucid
