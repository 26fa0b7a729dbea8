#include "bindings.hpp"

#include "pellucid/sampling/images.hpp"

namespace pellucid {

void bind_images(py::module_& m) {
    py::class_<MaskedImage>(m, "MaskedImage")
        .def(py::init<BytesIn, BytesIn, ColumnsIn, Index, Index, Index>(), py::arg("image").noconvert(),
             py::arg("fill").noconvert(), py::arg("labels").noconvert(), "parts"_a, "planes"_a, "pixel_bytes"_a,
             no_gil())
        .def("compose", &MaskedImage::compose, py::arg("masks").noconvert(), py::arg("out").noconvert(), no_gil())
        .def_property_readonly("tiles", &MaskedImage::tiles);
    m.def("fill_noise", &fill_noise, "seed"_a, "rows"_a, "columns"_a, no_gil());
}

}  // namespace pellucid
