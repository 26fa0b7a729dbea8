#include "bindings.hpp"

#include "pellucid/sampling/texts.hpp"

namespace pellucid {

void bind_texts(py::module_& m) {
    py::class_<SplicedText>(m, "SplicedText")
        .def(py::init<BytesIn, IndicesIn, IndicesIn, ColumnsIn, Index, BytesIn>(), py::arg("text").noconvert(),
             py::arg("starts").noconvert(), py::arg("stops").noconvert(), py::arg("part_of_word").noconvert(),
             "parts"_a, py::arg("replacement").noconvert(), no_gil())
        .def_property_readonly("parts", &SplicedText::parts)
        .def_property_readonly("longest", &SplicedText::longest)
        .def("assemble", &SplicedText::assemble, py::arg("masks").noconvert(), "limit"_a, no_gil());
}

}  // namespace pellucid
