#include "bindings.hpp"

#include "pellucid/shapley/tree_pairs.hpp"

namespace pellucid {

void bind_tree_pairs(py::module_& m) {
    m.def("tree_pair_values", &tree_pair_values, "forest"_a, py::arg("player_of_feature").noconvert(), "players"_a,
          py::arg("x").noconvert(), py::arg("background").noconvert(), no_gil());
}

}  // namespace pellucid
