#include "bindings.hpp"

#include "pellucid/check.hpp"
#include "pellucid/parallel.hpp"

namespace pellucid {
namespace {

// The interpreter runs signal handlers only when it is asked, on its main thread, with the GIL held. A handler that
// raised leaves its error set on this thread, where the translator below finds it.
bool interrupted() {
    const py::gil_scoped_acquire gil;
    return PyErr_CheckSignals() != 0;
}

void raise(const char* name, const char* message) {
    const py::object type = py::module_::import("pellucid.errors").attr(name);
    PyErr_SetString(type.ptr(), message);
}

void translate(std::exception_ptr error) {
    try {
        if (error) std::rethrow_exception(error);
    } catch (const InputError& e) {
        raise("InputError", e.what());
    } catch (const NumericalError& e) {
        raise("NumericalError", e.what());
    } catch (const BudgetError& e) {
        raise("BudgetError", e.what());
    } catch (const Interrupted&) {
        if (PyErr_Occurred() == nullptr) PyErr_SetNone(PyExc_KeyboardInterrupt);
    }
}

}  // namespace
}  // namespace pellucid

PYBIND11_MODULE(_core, m, pybind11::mod_gil_not_used()) {
    m.doc() = "The C++ core of pellucid: samplers, regression, Shapley kernels.";
    pellucid::set_interrupt_hook(pellucid::interrupted);
    pybind11::register_local_exception_translator(pellucid::translate);
    pellucid::bind_parallel(m);
    pellucid::bind_sampling(m);
    pellucid::bind_regression(m);
    pellucid::bind_shapley(m);
    pellucid::bind_interactions(m);
}
