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
    } catch (const ModelFormatError& e) {
        raise("ModelFormatError", e.what());
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

PYBIND11_MODULE(_core_of_main, m, pybind11::mod_gil_not_used()) {
    m.doc() = "The C++ core of pellucid: samplers, regression, Shapley kernels.";
    pellucid::set_interrupt_hook(pellucid::interrupted);
    pybind11::register_local_exception_translator(pellucid::translate);
    pellucid::bind_parallel(m);
    pellucid::bind_sampling(m);
    pellucid::bind_neighbourhood(m);
    pellucid::bind_conditional(m);
    pellucid::bind_texts(m);
    pellucid::bind_images(m);
    pellucid::bind_orders(m);
    pellucid::bind_masks(m);
    pellucid::bind_regression(m);
    pellucid::bind_selection(m);
    pellucid::bind_local(m);
    pellucid::bind_linear(m);
    pellucid::bind_trees(m);
    pellucid::bind_evaluation(m);
    pellucid::bind_tree_path(m);
    pellucid::bind_tree_limits(m);
    pellucid::bind_tree_pairs(m);
    pellucid::bind_tree_marginal(m);
    pellucid::bind_shapley(m);
    pellucid::bind_interactions(m);
}

// What Python calls. Before pybind11 does anything: it takes the lock by way of the main interpreter, so that in
// another one of the same process it would wait for itself for ever.
extern "C" PYBIND11_EXPORT PyObject* PyInit__core() {
    if (PyInterpreterState_Get() == PyInterpreterState_Main()) return PyInit__core_of_main();
    PyErr_SetString(PyExc_ImportError,
                    "pellucid works in the main interpreter of a process only; use threads or processes instead");
    return nullptr;
}
