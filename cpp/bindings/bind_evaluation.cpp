#include <memory>
#include <utility>

#include "bindings.hpp"

#include "pellucid/check.hpp"
#include "pellucid/trees/cells.hpp"
#include "pellucid/trees/evaluation.hpp"

namespace pellucid {
namespace {

using CellMatrix = Eigen::Matrix<std::int32_t, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

// (used features, n).
CellMatrix cells_of_rows(const Cells& cells, const MatrixIn& rows) {
    require(rows.cols() == cells.features(), "rows must have ", cells.features(), " columns, got ", rows.cols());
    CellMatrix out(static_cast<Index>(cells.used().size()), rows.rows());
    cells.rank(rows, 0, rows.rows(), out.data(), rows.rows());
    return out;
}

Flags answers(const Cells& cells, Index node) {
    require(node >= 0 && node < static_cast<Index>(cells.rules().size()), "node must be one of ", cells.rules().size(),
            ", got ", node);
    const Cells::Rule& rule = cells.rule(node);
    require(rule.slot >= 0, "node ", node, " is a leaf and asks nothing");
    const std::int32_t count = cells.cells_of_slot(rule.slot);
    Flags left(count + 1);
    for (std::int32_t c = 0; c < count; ++c) left[c] = cells.goes_left(rule, c);
    left[count] = cells.goes_left(rule, Cells::missing);
    return left;
}

}  // namespace

void bind_evaluation(py::module_& m) {
    py::class_<Cells>(m, "ForestCells")
        .def(py::init<const Forest&>(), "forest"_a, no_gil())
        .def_property_readonly("used",
                               [](const Cells& cells) -> Columns {
                                   return Eigen::Map<const Columns>(cells.used().data(),
                                                                    static_cast<Index>(cells.used().size()));
                               })
        .def(
            "cells",
            [](const Cells& cells, Index feature) {
                require(feature >= 0 && feature < cells.features(), "feature must be one of ", cells.features(),
                        ", got ", feature);
                return cells.cells(feature);
            },
            "feature"_a)
        .def("rank", &cells_of_rows, py::arg("rows").noconvert(), no_gil())
        .def("answers", &answers, "node"_a, no_gil());

    py::class_<ForestEvaluator>(m, "ForestEvaluator")
        .def(py::init<const Forest&>(), "forest"_a, py::keep_alive<1, 2>(), no_gil())
        .def("margins", &ForestEvaluator::margins, py::arg("rows").noconvert(), no_gil())
        .def("leaves", &ForestEvaluator::leaves_of, py::arg("rows").noconvert(), no_gil());
}

}  // namespace pellucid
